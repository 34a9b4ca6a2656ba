"""The loop closes in the real program, and an action is whole whatever is killed."""

from __future__ import annotations

import contextlib
import json
import random
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homeostat.records import policy as policies
from homeostat.records.policy import Policy, assign
from tests.live.harness import Server, serving
from tests.live.test_rollback import command, obeyed, obeys, prepared, put

pytestmark = pytest.mark.live
BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EXPECTS = {"measure": "mean(score.relevance)", "direction": "up", "at_least": 0.05, "by": "24h"}


def move(server: Server, to: datetime, *, wait: bool = True) -> None:
    status, answer = server.post("/api/v1/clock", {"to": to.isoformat(), "wait": wait})
    assert status == 200, answer


def policy(server: Server) -> Policy:
    return policies.from_json(server.json("/api/v1/routing")["routes"]["default"])


def talk(server: Server, start: datetime, minutes: int, bad: dict[str, float], dice: random.Random) -> None:
    """Ten questions a minute, of a thousand people; every answer gets thumbs, up or down. Told every five minutes."""
    served = policy(server)
    for begin in range(0, minutes, 5):
        move(server, start + timedelta(minutes=begin), wait=False)
        tell(server, start + timedelta(minutes=begin), served, bad, dice)
    move(server, start + timedelta(minutes=minutes))


def tell(server: Server, start: datetime, served: Policy, bad: dict[str, float], dice: random.Random) -> None:
    exchanges, signals = [], []
    for number in range(50):
        at = start + timedelta(seconds=6 * number)
        user = f"u{dice.randrange(1_000)}"
        release = assign(served, user=user).release
        id = f"{secrets.token_hex(16)}-{secrets.token_hex(8)}"
        exchanges.append({
            "id": id, "at": at.isoformat(), "input": "Where is it?", "output": "It is on its way.", "model": "m",
            "user_id": user, "release": release, "latency_ms": 500,
        })  # fmt: skip
        value = -1 if dice.random() < bad[release] else 1
        signals.append({"name": "thumbs", "value": value, "exchange_id": id,
                        "at": (at + timedelta(seconds=2)).isoformat()})  # fmt: skip
    assert server.post("/api/v1/exchanges", exchanges)[0] == 202
    assert server.post("/api/v1/signals", signals)[0] == 202


def test_a_canary_that_harms_is_rolled_back_and_the_verdict_says_that_it_helped(tmp_path: Path) -> None:
    """Nobody touches anything: found, rolled back by rule, judged, closed, told as a page of text."""
    dice, now = random.Random(5), BEGIN
    bad = {"A": 0.15, "B": 0.45}
    with serving(tmp_path / "data", clock="world", scoring="false") as server:
        move(server, now)
        for name in "AB":
            assert server.post("/api/v1/releases", {"name": name, "model": f"model-{name}"})[0] == 201
        assert put(server, {"A": 1}, 0)[0] == 201
        obeys(server, {"A": 1.0})
        talk(server, now, 60, bad, dice)
        now += timedelta(minutes=60)
        assert put(server, {"A": 90, "B": 10}, 1)[0] == 200
        obeys(server, {"A": 0.9, "B": 0.1})

        served = 0
        while obeyed(server) != {"A": 1.0}:
            assert served < 600, server.json("/api/v1/incidents")
            talk(server, now, 20, bad, dice)
            now, served = now + timedelta(minutes=20), served + 20
            time.sleep(0.3)  # the edge publishes within a second
        [action] = [each for each in server.json("/api/v1/actions")["items"] if each["state"] == "done"]
        assert (action["remedy"], action["by"], action["parameters"]["to"]) == (
            "rollback", "rule:automatic-rollback", "A",
        )  # fmt: skip
        assert action["expects"]["measure"] == "share(signal.thumbs=-1)" or "thumbs" in action["expects"]["measure"]
        assert action["incident"]

        said: list[dict[str, Any]] = []
        for _ in range(24):
            talk(server, now, 20, bad, dice)
            now += timedelta(minutes=20)
            said = server.json("/api/v1/verdicts")["items"]
            if said:
                break
        [verdict] = said
        assert (verdict["outcome"], verdict["rung"], verdict["claim"]) == ("worked", "randomised", "caused"), verdict
        assert verdict["high"] < 0 or verdict["low"] > 0
        incident = server.json(f"/api/v1/incidents/{action['incident']}")
        assert (incident["state"], incident["closed_by"]) == ("closed", f"verdict:{action['id']}")
        status, page = server.request("GET", f"/api/v1/incidents/{action['incident']}/story")
        assert status == 200 and b"WORKED" in page
        listed = {each["id"]: each["verdict"] for each in command(server, "action", "ls")["items"]}
        assert listed[action["id"]] == "worked", listed


def killed_while_acting(folder: Path, rounds: int, seed: int) -> None:
    """The core dies at a random moment of an approval; afterwards the action is done, or was never begun."""
    dice, ends = random.Random(seed), set()
    with serving(folder / "data", scoring="false") as server:
        prepared(server)
        for number in range(rounds):
            back = number % 2 == 0
            wanted = {"A": 1.0} if back else {"A": 0.5, "B": 0.5}
            body = {"remedy": "shift-traffic", "parameters": {"shares": wanted}, "expects": EXPECTS, "why": str(number)}
            status, made = server.post("/api/v1/actions", body)
            assert status == 201, made
            wait = dice.uniform(0, 0.08)

            def approve(id: int = made["id"]) -> None:
                with contextlib.suppress(OSError, ValueError):
                    server.post(f"/api/v1/actions/{id}/approve", {"why": "go"})

            asking = threading.Thread(target=approve)
            asking.start()
            time.sleep(wait)
            server.kill("core")
            asking.join(120)
            server.wait_ready()
            state = settled(server, made["id"])
            ends.add(state)
            assert state in ("proposed", "done"), (number, state)
            now = {name: round(share, 6) for name, share in server.json("/api/v1/policies/default")["shares"].items()}
            assert (now == wanted) == (state == "done"), (number, state, now)
            obeys(server, now)
            if state == "proposed":
                assert server.post(f"/api/v1/actions/{made['id']}/approve", {})[0] == 200
        assert ends


def settled(server: Server, id: int) -> str:
    """What it is once nothing is in hand any more."""
    end = time.monotonic() + 90
    while True:
        state = str(server.json(f"/api/v1/actions/{id}")["state"])
        if state not in ("approved", "doing", "undoing"):
            return state
        assert time.monotonic() < end, state
        time.sleep(0.2)


def test_an_action_is_whole_when_the_core_is_killed(tmp_path: Path) -> None:
    killed_while_acting(tmp_path, 1, 1)


@pytest.mark.nightly
def test_an_action_is_whole_when_the_core_is_killed_often(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print(json.dumps({"seed": seed}))
    killed_while_acting(tmp_path, 60, seed)


def test_two_who_decide_at_once(tmp_path: Path) -> None:
    """Of yes and no said at the same moment one counts, and what was done fits it."""
    with serving(tmp_path / "data", scoring="false") as server:
        prepared(server)
        for number in range(10):
            wanted = {"A": 1.0} if number % 2 == 0 else {"A": 0.5, "B": 0.5}
            body = {"remedy": "shift-traffic", "parameters": {"shares": wanted}, "expects": EXPECTS, "why": "race"}
            id = server.post("/api/v1/actions", body)[1]["id"]
            answers: dict[str, int] = {}

            def say(what: str, id: int = id, answers: dict[str, int] = answers) -> None:
                answers[what] = server.post(f"/api/v1/actions/{id}/{what}", {})[0]

            both = [threading.Thread(target=say, args=(what,)) for what in ("approve", "decline")]
            for one in both:
                one.start()
            for one in both:
                one.join(120)
            assert sorted(answers.values()) == [200, 409], answers
            state = server.json(f"/api/v1/actions/{id}")["state"]
            assert state == ("done" if answers["approve"] == 200 else "declined")
