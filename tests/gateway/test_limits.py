"""What a key may use: counted in windows, told with the time to wait."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from homeostat.doors.answers import Refused
from homeostat.gateway.limits import Limits
from homeostat.records.limits import BadLimits, check, of
from homeostat.records.snapshot import PublishedKey, Snapshot
from homeostat.records.visitor import Visitor
from homeostat.store import control
from tests.gateway.conftest import Gate, Open


def published(**limits: int) -> Snapshot:
    return Snapshot(1, "", {"k": PublishedKey("k", b"", "p", frozenset(), limits=limits)})


class Day:
    """A clock that stands where the test puts it."""

    now = 86_400.0 * 20_000

    def __call__(self) -> float:
        return self.now


def refused(limits: Limits, key: str = "k") -> int:
    """Seconds to wait; 0: it may pass."""
    try:
        limits.admit(key)
    except Refused as refusal:
        assert (refusal.status, refusal.code) == (429, "key_limit")
        return refusal.retry_after
    return 0


def test_requests_a_minute() -> None:
    clock, snapshot = Day(), published(requests_per_minute=2)
    limits = Limits(lambda: snapshot, clock)
    clock.now += 10
    assert [refused(limits) for _ in range(3)] == [0, 0, 50]
    clock.now += 49.5
    assert refused(limits) == 1
    clock.now += 0.5
    assert refused(limits) == 0


def test_tokens_stop_the_calls_that_come_after() -> None:
    clock, snapshot = Day(), published(tokens_per_minute=100, tokens_per_day=150)
    limits = Limits(lambda: snapshot, clock)
    limits.spent("k", 99)
    assert refused(limits) == 0
    limits.spent("k", 30)
    assert refused(limits) == 60
    clock.now += 60
    assert refused(limits) == 0
    limits.spent("k", 30)
    assert refused(limits) == 86_340
    clock.now += 86_340
    assert refused(limits) == 0


def test_money_counts_on_its_own_day() -> None:
    clock = Day()
    key = PublishedKey("k", b"", "p", frozenset(), limits={"usd_per_day": 2.5}, paid=(20_000, 2.4))
    limits = Limits(lambda: Snapshot(1, "", {"k": key}), clock)
    assert refused(limits) == 0
    key = replace(key, paid=(20_000, 2.5))
    assert refused(limits) == 86_400
    clock.now += 86_400
    assert refused(limits) == 0, "another day"


@pytest.mark.parametrize("key", ["", "other"])
def test_keys_without_limits_have_none(key: str) -> None:
    snapshot = published(requests_per_minute=1)
    limits = Limits(lambda: snapshot)
    assert [refused(limits, key) for _ in range(5)] == [0] * 5
    nothing = Limits(lambda: None)
    assert refused(nothing) == 0


def test_own_limits_stand_before_those_of_all() -> None:
    said = {"*": {"requests_per_minute": 5}, "k": {"tokens_per_day": 7}}
    assert (of(said, "k"), of(said, "x")) == ({"tokens_per_day": 7}, {"requests_per_minute": 5})


@pytest.mark.parametrize("said", [
    [], {"k": 1}, {"k": {"requests": 1}}, {"k": {"requests_per_minute": 0}}, {"k": {"requests_per_minute": True}},
    {"k": {"requests_per_minute": 1.5}}, {"k": {"usd_per_day": -1.5}}, {"k": {"usd_per_day": float("nan")}},
    {"k": {"requests_per_minute": "1"}},
])  # fmt: skip
def test_bad_limits_are_named_and_shut_nobody_out(said: object) -> None:
    with pytest.raises(BadLimits, match="limits"):
        check(said)
    assert of(said, "k") == {}


def test_limits_survive_the_snapshot() -> None:
    snapshot = published(requests_per_minute=2)
    assert control.decode(control.encode(snapshot)).keys["k"].limits == {"requests_per_minute": 2}


def test_a_snapshot_of_an_older_version_has_none() -> None:
    text = json.loads(control.encode(published()))
    del text["keys"][0]["limits"], text["sha256"]
    text["sha256"] = control._sum(text)
    assert control.decode(json.dumps(text).encode()).keys["k"].limits == {}


def test_calls_are_counted_and_refused_in_the_apis_words(open_gate: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.loop.serving.Visitor", lambda project, scopes: Visitor(project, scopes, "k"))
    gate: Gate = open_gate()
    gate.snapshot = published(tokens_per_day=25)
    assert gate.ask({"model": "m", "messages": []})[0] == 200
    gate.spans()
    status, headers, body = gate.ask({"model": "m", "messages": []})
    assert (status, json.loads(body)["error"]["type"]) == (429, "rate_limit_error")
    assert 0 < int(headers["retry-after"]) <= 86_400
    assert gate.send("GET", "/v1/models")[0] == 200, "what is no call is not limited"
    assert len(gate.fake.seen) == 2
