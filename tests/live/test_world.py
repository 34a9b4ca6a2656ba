"""A month in minutes, on the world clock: what belongs together joins whenever it comes, and what is old expires."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.live.harness import Server, serving
from tests.live.spans import SECOND, body, call, log_body, send

pytestmark = pytest.mark.live
BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data: Path = tmp_path_factory.mktemp("world") / "data"
    with serving(data, clock="world") as started:
        move(started, BEGIN)
        yield started


def move(server: Server, to: datetime) -> None:
    """Everything that was accepted before is loaded when this returns."""
    status, answer = server.post("/api/v1/clock", {"to": to.isoformat()})
    assert status == 200, answer
    assert datetime.fromisoformat(answer["now"]) == to


def now(server: Server) -> datetime:
    return datetime.fromisoformat(server.json("/api/v1/status")["clock"]["now"])


def at(server: Server) -> int:
    return int(now(server).timestamp()) * SECOND


def settle(server: Server) -> None:
    """Half a minute later everything is loaded, and an answer that lacked its parent counts."""
    server.drain()
    move(server, now(server) + timedelta(seconds=90))


def say(server: Server, what: str, value: dict[str, Any]) -> None:
    status, answer = server.post(f"/api/v1/{what}", value)
    assert status == 202, answer


def test_a_log_before_its_span_and_after(server: Server) -> None:
    """Older instrumentors send prompt and answer as log records; whichever comes first, they meet."""
    plain = {name: value for name, value in call().items() if "messages" not in name}
    for first in ("logs", "span"):
        trace, span = secrets.token_bytes(16), secrets.token_bytes(8)
        parts = {
            "span": lambda trace=trace, span=span: send(
                server, body({"trace": trace, "span": span, "start": at(server), "attributes": plain})
            ),
            "logs": lambda trace=trace, span=span: (
                send(server, log_body(trace, span, "gen_ai.user.message", {"content": "Where is it?"}), to="/v1/logs"),
                send(server, log_body(trace, span, "gen_ai.choice", {"content": "On its way."}), to="/v1/logs"),
            ),
        }
        parts.pop(first)()
        settle(server)
        next(iter(parts.values()))()
        settle(server)
        whole = server.json(f"/api/v1/exchanges/{trace.hex()}-{span.hex()}")
        assert (whole["input"], whole["model"]) == ("Where is it?", "gpt-4o-mini"), first
        assert whole["output"] and "On its way." in whole["output"], first


def test_children_before_parents_and_a_user_on_one_span(server: Server) -> None:
    trace, root, child = secrets.token_bytes(16), secrets.token_bytes(8), secrets.token_bytes(8)
    usage = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20}
    begin = at(server)
    model = call("inner", gen_ai__response__id=secrets.token_hex(8)) | usage
    send(server, body({"trace": trace, "span": child, "parent": root, "start": begin, "attributes": model}))
    settle(server)
    about = {"user.id": "anna", "session.id": f"s-{trace.hex()}", "input.value": "outer?", "output.value": "outer!"}
    send(server, body({"trace": trace, "span": root, "start": begin, "seconds": 2, "attributes": about, "name": "app"}))
    settle(server)
    items = server.json(f"/api/v1/exchanges?kind=answer&trace={trace.hex()}")["items"]
    assert [(item["input"], item["user_id"], item["input_tokens"]) for item in items] == [("outer?", "anna", 100)]
    calls = server.json(f"/api/v1/exchanges?kind=call&trace={trace.hex()}")["items"]
    assert [(item["input"], item["user_id"], item["session_id"]) for item in calls] == [
        ("inner", "anna", f"s-{trace.hex()}")
    ]
    session = server.json(f"/api/v1/sessions/s-{trace.hex()}")
    assert [item["input"] for item in session["items"]] == ["outer?"]


def test_signals_and_scores_before_and_weeks_after(server: Server) -> None:
    trace, span = secrets.token_bytes(16), secrets.token_bytes(8)
    identity, tag = f"{trace.hex()}-{span.hex()}", trace.hex()[:8]
    say(server, "signals", {"name": "early", "value": 1, "exchange_id": identity})
    say(server, "scores", {"name": "judged_early", "value": 0.25, "trace_id": trace.hex()})
    settle(server)
    about = call("rated", user__id=f"u-{tag}", session__id=f"s-{tag}")
    send(server, body({"trace": trace, "span": span, "start": at(server), "attributes": about}))
    settle(server)
    move(server, now(server) + timedelta(days=17))
    say(server, "signals", {"name": "late", "value": -1, "trace_id": trace.hex()})
    say(server, "signals", {"name": "of_session", "value": 3, "session_id": f"s-{tag}"})
    say(server, "scores", {"name": "judged_late", "value": 0.75, "exchange_id": identity})
    settle(server)
    whole = server.json(f"/api/v1/exchanges/{identity}")
    assert {signal["name"]: signal["value"] for signal in whole["signals"]} == {"early": 1, "late": -1, "of_session": 3}
    ours = {name: score["value"] for name, score in whole["scores"].items() if name.startswith("judged_")}
    assert ours == {"judged_early": 0.25, "judged_late": 0.75}
    for wanted in ("signal.early=1", "signal.late=-1", "score.judged_late.gt=0.5", "score.judged_early.lt=0.5"):
        items = server.json(f"/api/v1/exchanges?kind=all&from=30d&{wanted}")["items"]
        assert [item["id"] for item in items] == [identity], wanted
    points = server.json("/api/v1/measures?measure=mean(score.judged_late)&measure=count&signal.late=-1&from=30d")
    assert {point["measure"]: point["value"] for point in points["points"]} == {
        "mean(score.judged_late)": 0.75,
        "count": 1,
    }


def test_what_is_old_expires_and_is_accounted_for(tmp_path: Path) -> None:
    """T18 after retention: received stays the sum of the rest, and nothing of the old is shown."""
    with serving(tmp_path / "data", clock="world", retention_days="7") as server:
        move(server, BEGIN)
        for day in range(3):
            move(server, BEGIN + timedelta(days=day))
            send(server, body(*({"start": at(server), "attributes": call(f"day {day}")} for _ in range(20))))
            say(server, "signals", {"name": "rating", "value": day, "session_id": "s"})
            settle(server)
        told = server.drain()
        assert (told["received"], told["stored"], told["expired"]) == (63, 63, 0)
        assert server.post("/api/v1/clock", {"to": BEGIN.isoformat()})[0] == 400, "the clock never goes back"
        move(server, BEGIN + timedelta(days=8, hours=12))
        assert server.stop() == 0
        server.start()  # retention runs once an hour, and at a start
        told = expired(server, 21)
        assert (told["received"], told["stored"], told["expired"]) == (63, 42, 21)
        assert {item["input"] for item in server.exchanges()} == {"day 1", "day 2"}
        points = server.json("/api/v1/measures?measure=count&from=30d")["points"]
        assert [point["value"] for point in points] == [40]
        send(server, body({"start": int(BEGIN.timestamp()) * SECOND}, {"start": at(server)}))
        told = server.drain()
        assert (told["received"], told["stored"], told["expired"]) == (65, 43, 22)


def expired(server: Server, items: int) -> dict[str, Any]:
    end = time.monotonic() + 120
    while (told := server.drain())["expired"] < items:
        assert time.monotonic() < end, (told, server.log()[-2000:])
        time.sleep(0.1)
    return told
