"""What calls somebody outside has one owner: nobody waits for it, and no call is made twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from homeostat.act import acting
from homeostat.act.remedies import Rejected
from homeostat.config import ActionHook, Settings
from homeostat.loop.watching import carrying_out, outside
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.errands import Errands
from homeostat.loop.watching.outside import Door
from homeostat.loop.watching.watching import Step, Watching
from homeostat.records.instant import micros
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, actions
from tests.act.remedies.stage import AUTHOR, NOW, action_of, ledger_at, made

AT = micros(NOW)
SECOND = 1_000_000


class Pipeline(ThreadingHTTPServer):
    """Counts its calls, and answers as it is told: a status, once `free` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status, self.body = 200, b"{}"
        self.calls: list[str] = []
        self.called, self.free = threading.Event(), threading.Event()
        self.free.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: Pipeline

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.calls.append(self.path)
        self.server.called.set()
        self.server.free.wait(60)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    there = Pipeline()
    yield there
    there.free.set()
    there.shutdown()
    there.server_close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = ledger_at(tmp_path)
    yield ledger
    ledger.close()


def context_of(ledger: Ledger, path: Path, pipeline: Pipeline) -> Context:
    nothing: Any = None
    clock: Any = SimpleNamespace(now=lambda: NOW)
    settings = Settings(data=path, action_hooks={"train": ActionHook(url=pipeline.url)})
    return Context(nothing, ledger, clock, settings, Folder(path), lambda: None)


def begun(ledger: Ledger) -> int:
    action = made(acting.propose(ledger, action_of("pipeline"), AUTHOR))
    return int(made(acting.approve(ledger, "p", action.id, AUTHOR)).id)


def of(ledger: Ledger, id: int) -> Any:
    return actions.get(ledger, "p", id)


def test_neither_a_request_nor_the_watch_calls_anybody(ledger: Ledger, tmp_path: Path, pipeline: Pipeline) -> None:
    context, id = context_of(ledger, tmp_path, pipeline), begun(ledger)
    carrying_out.resume(context, "p", AT)
    told = carrying_out.effects(context, "p", "anna", NOW)
    assert carrying_out.carried_out(context, told, of(ledger, id)).state == "approved"
    assert pipeline.calls == []
    Errands().run(context, AT)
    assert of(ledger, id).state == "done" and len(pipeline.calls) == 1


def test_what_is_away_is_asked_again_after_a_while(ledger: Ledger, tmp_path: Path, pipeline: Pipeline) -> None:
    context, id, errands = context_of(ledger, tmp_path, pipeline), begun(ledger), Errands()
    pipeline.status, pipeline.body = 503, b'{"error": {"message": "too busy"}}'
    for seconds, calls in ((0, 1), (1, 1), (14, 1), (15, 2), (29, 2)):
        errands.run(context, AT + seconds * SECOND)
        assert len(pipeline.calls) == calls, seconds
    assert of(ledger, id).error == "it answered 503: too busy"
    assert made(acting.undo(carrying_out.effects(context, "p", "anna", NOW), "p", id)).state == "undoing"
    errands.run(context, AT + 30 * SECOND)
    assert of(ledger, id).state == "undone", "a person's word is taken up at once"
    assert len(pipeline.calls) == 2


def test_a_no_ends_the_action(ledger: Ledger, tmp_path: Path, pipeline: Pipeline) -> None:
    context, id, errands = context_of(ledger, tmp_path, pipeline), begun(ledger), Errands()
    pipeline.status = 422
    for seconds in (0, 60):
        errands.run(context, AT + seconds * SECOND)
    assert (of(ledger, id).state, of(ledger, id).error, len(pipeline.calls)) == ("failed", "it answered 422", 1)


@pytest.mark.parametrize(("status", "final"), [(302, True), (400, True), (404, True), (408, False), (429, False),
                                               (500, False), (503, False)])  # fmt: skip
def test_a_door_tells_what_will_not_change(pipeline: Pipeline, status: int, final: bool) -> None:
    pipeline.status, pipeline.body = status, json.dumps({"error": {"message": "x" * 500}}).encode()
    with pytest.raises(OSError, match=f"it answered {status}: x{{150}}$") as caught:
        Door(pipeline.url).call("POST", "", b"{}")
    assert isinstance(caught.value, Rejected) is final


def test_an_answer_that_drips_ends(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "_WHOLE", -1.0)
    with pytest.raises(OSError, match="takes too long"):
        Door(pipeline.url).call("POST", "", b"{}")


def test_the_watch_goes_on_while_a_pipeline_hangs(ledger: Ledger, tmp_path: Path, pipeline: Pipeline) -> None:
    """And what it goes on with does not call it a second time."""
    context, id = context_of(ledger, tmp_path, pipeline), begun(ledger)
    pipeline.free.clear()
    watching = Watching(
        context.warehouse, ledger, context.clock, context.settings, lambda: AT, context.folder, lambda: None
    )
    ran = threading.Event()

    def step(there: Context, at: int) -> None:
        carrying_out.resume(there, "p", at)
        ran.set()

    watching.steps = [Step("actor", step)]
    watching.start()
    try:
        assert pipeline.called.wait(60)
        for _ in range(3):
            ran.clear()
            assert ran.wait(60), "the watch waits for the pipeline"
        assert len(pipeline.calls) == 1
        assert of(ledger, id).state == "doing"
    finally:
        pipeline.free.set()
        watching.end()
        watching.join(time.monotonic() + 20)
