"""The background thread: takes what waits, encodes it, sends it, and tries again while the server is away."""

from __future__ import annotations

import json
import logging
import random
import sys
import threading
import time
from typing import Any, Final

from opentelemetry import context as ambient
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from homeostat.sdk.content import Content
from homeostat.sdk.outbox import Entry, Outbox
from homeostat.sdk.post import PROTOBUF, Answer, Post
from homeostat.sdk.settings import Settings

_log: Final = logging.getLogger("homeostat")

BATCH_ITEMS: Final = 512
BATCH_BYTES: Final = 4 << 20
LINGER: Final = 0.3
"""How long the first of a batch waits for others."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_TELL_EVERY: Final = 60.0
_PATHS: Final = {"span": "/v1/traces", "signal": "/api/v1/signals", "score": "/api/v1/scores"}
_TOO_LARGE: Final = 413
_INVALID: Final = 400


class Sender:
    """Empties an outbox into a server. Starts with the first thing that waits."""

    _first_post: Post | None

    def __init__(self, outbox: Outbox, settings: Settings) -> None:
        self._outbox = outbox
        self._settings = settings
        self._content = Content(settings)
        self.reset()
        # Made here and not in the thread: what it imports must not be half imported when somebody forks.
        self._first_post = Post(settings)

    def reset(self) -> None:
        """As new, without a thread: threads and connections do not survive a fork."""
        self._post: Post | None = None
        self._first_post = None
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()
        self._stop = threading.Event()
        self._wake = threading.Event()
        """Set to end a pause."""
        self._idle = threading.Condition()
        self._told_drops = 0
        self._telling = 0
        self._told_at = -_TELL_EVERY
        self._hurry_until = 0.0

    @property
    def started(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        """Have the thread run; once."""
        with self._start:
            if self._thread is None and not self._stop.is_set():
                thread = threading.Thread(target=self._run, name="homeostat-sender", daemon=True)
                thread.start()
                self._thread = thread
                self._watch_child_exit()

    def flush(self, seconds: float) -> bool:
        """Wait until everything that was queued has left; False when that took too long."""
        if not self.started or self._stop.is_set():
            return True
        end = time.monotonic() + seconds
        self._hurry_until = end
        self._outbox.plenty.set()
        self._wake.set()
        with self._idle:
            return self._idle.wait_for(self._empty, timeout=max(0.0, end - time.monotonic()))

    def stop(self, seconds: float) -> None:
        """The end: what leaves within `seconds` has left."""
        self.flush(seconds)
        self._stop.set()
        self._wake.set()
        self._outbox.close()
        self._outbox.something.set()
        self._outbox.plenty.set()

    def _watch_child_exit(self) -> None:
        """Children of `multiprocessing` skip the usual end of a program; they have one of their own."""
        process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
        if process is not None and util is not None and process.parent_process() is not None:
            util.Finalize(None, self.stop, args=(self._settings.exit_seconds,), exitpriority=10)

    def _empty(self) -> bool:
        return self._outbox.counts().waiting == 0

    def _run(self) -> None:
        # Our own requests are no traffic of the application.
        ambient.attach(ambient.set_value(ambient._SUPPRESS_INSTRUMENTATION_KEY, True))
        self._post = self._first_post or Post(self._settings)
        while not self._stop.is_set():
            self._outbox.something.wait()
            if time.monotonic() >= self._hurry_until:
                self._outbox.plenty.wait(LINGER)
            batch = self._outbox.take(BATCH_ITEMS, BATCH_BYTES)
            if batch:
                self._deliver(batch)
            with self._idle:
                self._idle.notify_all()

    def _deliver(self, batch: list[Entry]) -> None:
        """Send it, however long that takes; the queue behind it is bounded."""
        try:
            body, kind = self._encoded(batch)
        except Exception as error:  # one span that cannot be encoded must not cost the others
            self._divide(batch, f"cannot be encoded: {error}")
            return
        pause = _FIRST_PAUSE
        while True:
            answer = self._sent(batch, body, kind)
            if answer.said != "again":
                self._settled(batch, answer)
                return
            self._tell(
                f"{self._settings.url} does not take what is sent ({answer.problem}); it is kept and tried again"
            )
            self._wake.wait(self._pause(answer, pause))
            self._wake.clear()
            if self._stop.is_set():
                self._outbox.settle(batch, dropped=len(batch), reason="closed")
                return
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _sent(self, batch: list[Entry], body: bytes, kind: str) -> Answer:
        assert self._post is not None
        left = self._hurry_until - time.monotonic()
        return self._post.send(_PATHS[batch[0][0]], body, kind, max(0.2, left) if left > 0 else None)

    def _pause(self, answer: Answer, pause: float) -> float:
        """As long as the server asks, else longer every time, and not all processes at once."""
        wait = pause * random.uniform(0.5, 1.0) if answer.wait is None else answer.wait
        left = self._hurry_until - time.monotonic()
        return min(wait, 0.2) if left > 0 else wait

    def _settled(self, batch: list[Entry], answer: Answer) -> None:
        if answer.said == "done":
            self._outbox.settle(batch, dropped=min(len(batch), _rejected(batch[0][0], answer)))
            self._told_drops = self._telling
        elif answer.status in (_TOO_LARGE, _INVALID) and len(batch) > 1:
            self._divide(batch, answer.problem)
        else:
            self._outbox.settle(batch, dropped=len(batch))
            self._tell(f"{self._settings.url} refuses what is sent: {answer.problem}")

    def _divide(self, batch: list[Entry], problem: str) -> None:
        """Halves, so that only what is wrong is lost."""
        if len(batch) == 1:
            self._outbox.settle(batch, dropped=1)
            self._tell(f"one {batch[0][0]} was dropped: {problem}")
            return
        middle = len(batch) // 2
        self._deliver(batch[:middle])
        self._deliver(batch[middle:])

    def _encoded(self, batch: list[Entry]) -> tuple[bytes, str]:
        if batch[0][0] != "span":
            things = [self._content.said(thing) for _, thing, _ in batch]
            return json.dumps(things, ensure_ascii=False).encode("utf-8", "replace"), "application/json"
        request: Any = encode_spans([span for _, span, _ in batch])
        self._content.apply(request)
        self._report(request)
        return request.SerializeToString(), PROTOBUF

    def _report(self, request: Any) -> None:
        """What was dropped since the last time, told to the server on the first span that goes there."""
        dropped = sum(n for reason, n in self._outbox.counts().dropped.items() if reason != "sampled")
        if dropped > self._told_drops:
            span = request.resource_spans[0].scope_spans[0].spans[0]
            span.attributes.add(key="homeostat.dropped").value.int_value = dropped - self._told_drops
            self._telling = dropped

    def _tell(self, problem: str) -> None:
        """Say it once in a while, with the number of what was dropped."""
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY:
            self._told_at = now
            counts = self._outbox.counts()
            dropped = sum(n for reason, n in counts.dropped.items() if reason != "sampled")
            _log.warning("homeostat: %s (%d waiting, %d dropped)", problem, counts.waiting, dropped)


def _rejected(kind: str, answer: Answer) -> int:
    """How many spans the server did not keep, as it tells in `partial_success`."""
    if kind != "span" or not answer.body:
        return 0
    try:
        return int(ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans)
    except Exception:  # an answer that is none: something else than Homeostat stands there, and said 200
        return 0
