"""`POST /v1/traces`, `/v1/logs`, `/v1/metrics`: from a request to an envelope in the spool, and the exact answer.

Accepted means durable: the answer leaves after the spool has synced. Metrics are counted, not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from homeostat.doors.answers import Gone, Receive, Refused, Scope, Send
from homeostat.doors.body import SMALL, Claim, Doorstep, plain_body, read_body, read_encoding, read_headers
from homeostat.observe.otlp.answers import JSON, PROTOBUF, accepted, refused
from homeostat.observe.otlp.check import Checked, check
from homeostat.observe.otlp.from_json import to_protobuf
from homeostat.observe.otlp.seen import Seen, fingerprint
from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.spool.writer import SpoolRefused

#: JSON is slower to read than protobuf, so less of it counts as small.
_SMALL_JSON: Final = 32 << 10
_PARTS: Final = {"traces": Part.TRACES, "logs": Part.LOGS}
_FORMS: Final = {
    b"application/x-protobuf": PROTOBUF,
    b"application/protobuf": PROTOBUF,
    b"application/json": JSON,
}


class Spool(Protocol):
    """What the doorstep needs of the spool."""

    async def append(self, envelope: Envelope) -> object:
        """Return when the envelope is durable."""


class Intake:
    """The three OTLP routes."""

    def __init__(self, spool: Spool, step: Doorstep, now_ns: Callable[[], int], keep_ns: int) -> None:
        self._spool = spool
        self._step = step
        self._now_ns = now_ns
        self._keep_ns = keep_ns
        self._seen = Seen()

    async def take(self, signal: str, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer one request; returns the status that was sent, 0 when the client left."""
        kind, encoding, length = read_headers(scope["headers"])
        form = _FORMS.get(kind) or _FORMS.get(kind.partition(b";")[0].strip().lower())
        try:
            if scope["method"] != "POST":
                raise Refused(405, "Send OTLP with POST.")
            if form is None:
                raise Refused(415, "Content-Type must be application/x-protobuf or application/json.")
            with Claim(self._step) as claim:
                packed = read_encoding(encoding) if encoding else ""
                body = await read_body(receive, claim, self._step, length)
                if packed:
                    body = await plain_body(body, packed, claim, self._step)
                checked = await self._keep(signal, scope["homeostat.visitor"].project, form, body)
        except Gone:
            return 0
        except SpoolRefused as error:
            refusal = Refused(503, f"Not stored: {error}. Send it again.", retry_after=error.retry_after)
        except Refused as error:
            refusal = error
        else:
            await accepted(send, form, signal, checked)
            return 200
        await refused(send, form or JSON, refusal)
        return refusal.status

    async def _keep(self, signal: str, project: str, form: str, body: bytes) -> Checked:
        """Make one body durable, once."""
        received = self._now_ns()
        oldest = max(0, received - self._keep_ns)
        if signal == "metrics":
            _, checked = await self._read(signal, form, body, 0)
            if checked.items:
                await self._spool.append(_refusal_of_all(received, project, checked.items, "metric_not_kept"))
            return checked
        mark = fingerprint(project, signal, body)
        before = await self._seen.first(mark)
        if before is not None:
            await self._spool.append(_refusal_of_all(received, project, before.items, "duplicate"))
            return before
        try:
            wire, checked = await self._read(signal, form, body, oldest)
            if checked.items:
                envelope = Envelope(received, project, checked.items, _PARTS[signal], wire, oldest)
                await self._spool.append(envelope)
        except BaseException:
            self._seen.failed(mark)
            raise
        if checked.items:
            self._seen.done(mark, checked)
        else:
            self._seen.failed(mark)
        return checked

    async def _read(self, signal: str, form: str, body: bytes, oldest: int) -> tuple[bytes, Checked]:
        if len(body) <= (SMALL if form == PROTOBUF else _SMALL_JSON):
            return _read(signal, form, body, oldest)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._step.threads, _read, signal, form, body, oldest)


def _read(signal: str, form: str, body: bytes, oldest: int) -> tuple[bytes, Checked]:
    wire = to_protobuf(signal, body) if form == JSON else body
    return wire, check(signal, wire, oldest)


def _refusal_of_all(received: int, project: str, items: int, outcome: str) -> Envelope:
    return Envelope(received, project, items, Part.NOTHING, b"", outcome=outcome)
