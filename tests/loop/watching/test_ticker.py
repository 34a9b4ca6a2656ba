"""A project's watch, from rows to findings: what changed is found, restarts change nothing, nobody ticks twice."""

from __future__ import annotations

import secrets
import sys
import time
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from homeostat.act.monitors import plan
from homeostat.act.monitors.reading import monitor
from homeostat.analyze.inference.packing import packed
from homeostat.config import Settings
from homeostat.loop.watching import watched
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.ticker import Ticker
from homeostat.records import words
from homeostat.records.instant import iso, micros
from homeostat.records.policy import Policy, reshaped
from homeostat.store.ledger import Ledger, comparisons, findings, incidents, monitors, policies, projects, streams
from homeostat.store.ledger.streams import Fenced
from homeostat.store.warehouse.questions import drawn
from homeostat.store.warehouse.questions.measures.ask import ask
from homeostat.store.warehouse.questions.ticks import MINUTE
from tests.builders import NOON, exchange_row, new_text, score_row, signal_row, span_row, store

START = micros(NOON)


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def now_ns(self) -> int:
        return int(self.at.timestamp()) * 10**9


@dataclass
class World:
    context: Context
    project: str
    clock: Clock

    def live(
        self, minutes: range, *, errors: float = 0.02, seed: int = 1, score: float | None = 0.9, users: int = 0,
        **given: Any,
    ) -> None:  # fmt: skip
        """Ten users a minute, each once, or so many who come again and again; half of B's answers are bad."""
        random = Random(seed)
        exchanges, spans, scores, signals = [], [], [], []
        for minute in minutes:
            for _ in range(10):
                at = NOON + timedelta(minutes=minute, seconds=random.randrange(58))
                release = given.get("release") or ("B" if random.random() < given.get("share", 0) else "A")
                failed = random.random() < errors
                row = exchange_row(
                    self.project, at=at, status="error" if failed else "ok",
                    latency_ms=random.lognormvariate(6, 0.4), release=release,
                    user_id=f"u{random.randrange(users)}" if users else new_text(12),
                )  # fmt: skip
                exchanges.append(row)
                here = {"trace_id": row["trace_id"], "span_id": row["span_id"], "at": at}
                if "route" in given:
                    spans.append(span_row(self.project, attributes={"homeostat.route": given["route"]}, **here))
                bad = release == "B" and random.random() < 0.6
                if score is not None:
                    value = min(1.0, max(0.0, random.gauss(0.3 if bad else score, 0.1)))
                    scores.append(score_row(self.project, name="relevance", value=value, rung="model", **here))
                if random.random() < 0.3:
                    here |= {"at": at + timedelta(seconds=20), "received": at + timedelta(seconds=20)}
                    signals.append(signal_row(self.project, value=1.0 if random.random() < 0.9 else -1.0, **here))
        store(self.context.warehouse, exchanges=exchanges, spans=spans, scores=scores, signals=signals)

    def ticker(self) -> Ticker:
        return Ticker(self.context, self.project, secrets.token_hex(4))

    def tick(self, ticker: Ticker, minute: int) -> bool:
        self.clock.at = NOON + timedelta(minutes=minute)
        return ticker.advance(START + minute * MINUTE)

    def found(self) -> list[tuple[Any, ...]]:
        return [
            (one.monitor, one.direction, one.at, one.onset)
            for one in findings.newest(self.context.ledger, self.project)
        ]


@pytest.fixture
def world(warehouse, project, tmp_path):
    return make(warehouse, project, tmp_path / "ledger.db")


def make(warehouse, project, path) -> World:
    ledger, clock = Ledger(f"sqlite:///{path}", seal=b"s"), Clock()
    ledger.upgrade()
    projects.ensure(ledger, project, at=datetime.now(UTC))
    return World(Context(warehouse, ledger, clock, Settings(data=path.parent), None, lambda: None), project, clock)


@pytest.mark.parametrize("most", [100_000, 300])
def test_since_when_is_told_of_a_busy_application_too(world, monkeypatch, most):
    """Where too much came to be looked at one by one, the last of it tells first."""
    monkeypatch.setattr(drawn, "MOST", most)
    world.live(range(300))
    world.live(range(300, 360), errors=0.5, seed=2)
    ticker = world.ticker()
    for minute in range(0, 361, 30):
        world.tick(ticker, minute)
    [first, *_] = [one for one in findings.newest(world.context.ledger, world.project) if one.monitor == "errors"][::-1]
    assert abs(first.onset - START - 300 * MINUTE) <= 5 * MINUTE
    assert 0.3 < first.value < 0.7 and first.reference < 0.05


def test_what_changed_is_found_and_an_incident_is_opened(world):
    world.live(range(90))
    world.live(range(90, 150), errors=0.4, seed=2)
    ticker = world.ticker()
    for minute in range(10, 151, 10):
        world.tick(ticker, minute)
    found = [one for one in world.found() if one[0] == "errors"]
    assert len(found) == 1, world.found()
    _, direction, at, onset = found[0]
    assert direction == "up" and 90 <= at // MINUTE - START // MINUTE <= 97
    assert abs(onset - START - 90 * MINUTE) <= 5 * MINUTE
    assert {one[0] for one in world.found()} == {"errors"}
    [incident] = incidents.open(world.context.ledger, world.project)
    assert incident.severity == "critical" and incident.opened == at
    listed = {one["name"]: one["standing"]["state"] for one in watched.listed(
        world.context.ledger, world.context.warehouse, world.project, START + 150 * MINUTE
    )}  # fmt: skip
    assert listed["errors"] == "firing" and listed["latency"] == "ok" and listed["signal-thumbs"] == "ok"


def test_a_quiet_world_stays_quiet_and_one_that_is_empty_costs_nothing(world):
    ticker = world.ticker()
    assert world.tick(ticker, 5) and not world.tick(ticker, 5)
    world.live(range(5, 200))
    world.tick(ticker, 200)
    assert world.found() == []
    kept = streams.look(world.context.ledger, world.project)
    assert kept is not None and kept.ticked == START + 200 * MINUTE


def test_a_kill_after_any_tick_changes_nothing(warehouse, project, tmp_path):
    lasting, killed = (make(warehouse, project, tmp_path / name) for name in ("a.db", "b.db"))
    lasting.live(range(60))
    lasting.live(range(60, 90), errors=0.5, seed=3)
    ticker = lasting.ticker()
    for minute in range(10, 91, 10):
        lasting.tick(ticker, minute)
        killed.tick(Ticker(killed.context, project, "me"), minute)
    one, other = (streams.look(each.context.ledger, project) for each in (lasting, killed))
    assert lasting.found() == killed.found() != []
    assert one.standing == other.standing and one.cursors == other.cursors


def test_a_trial_is_read_again_in_pieces_and_its_users_stay_known(warehouse, project, tmp_path, monkeypatch):
    lasting, killed = (make(warehouse, project, tmp_path / name) for name in ("a.db", "b.db"))
    for each in (lasting, killed):
        policy = Policy("r", 1, reshaped([], {"A": 0.5, "B": 0.5}))
        assert policies.replace(each.context.ledger, project, policy, proved="", action="put", at=NOON)
    lasting.live(range(40), share=0.5, users=150)
    monkeypatch.setattr("homeostat.loop.watching.ticker._PIECE", 60)
    ticker = lasting.ticker()
    for minute in range(10, 41, 10):
        lasting.tick(ticker, minute)
    for minute in range(10, 41, 10):
        killed.tick(Ticker(killed.context, project, "me"), minute)
    one, other = (comparisons.latest(each.context.ledger, project) for each in (lasting, killed))
    assert one and one == other
    assert (
        streams.look(lasting.context.ledger, project).standing == streams.look(killed.context.ledger, project).standing
    )


def test_what_another_version_wrote_begins_anew_and_only_that(world):
    world.live(range(40))
    world.tick(Ticker(world.context, world.project, "me"), 40)
    kept = streams.look(world.context.ledger, world.project)
    state = msgspec.msgpack.decode(zlib.decompress(kept.state))
    state |= {"seasonal": zlib.compress(packed("seasonal", 0, {})), "trials": b"nothing"}
    with world.context.ledger.begin() as connection:
        written = replace(kept, state=zlib.compress(msgspec.msgpack.encode(state)))
        streams.move(connection, world.project, written)
    world.live(range(40, 42), seed=5)
    after = Ticker(world.context, world.project, "me")
    assert world.tick(after, 42)
    assert after.watch.sampled.ready.sum() >= 4


def test_who_lost_the_lease_keeps_nothing(world, monkeypatch):
    world.live(range(30))
    first, second = world.ticker(), world.ticker()
    world.tick(first, 10)
    assert not world.tick(second, 20)
    kept = streams.look(world.context.ledger, world.project)
    real = time.time()
    monkeypatch.setattr("homeostat.loop.watching.ticker.time.time", lambda: real + 1000)
    assert world.tick(second, 20)
    with world.context.ledger.begin() as connection, pytest.raises(Fenced):
        streams.move(connection, world.project, kept)
    after = streams.look(world.context.ledger, world.project)
    assert after.fence == kept.fence + 1 and after.ticked == START + 20 * MINUTE


def test_an_exchange_that_settles_again_is_not_counted_again(world):
    world.live(range(20))
    ticker = world.ticker()
    world.tick(ticker, 20)
    before = streams.look(world.context.ledger, world.project).standing
    settles = NOON + timedelta(minutes=20, seconds=30)
    row = exchange_row(world.project, at=NOON + timedelta(minutes=19), user_id="late", settles=settles)
    store(world.context.warehouse, exchanges=[row])
    world.tick(ticker, 21)
    again = row | {"version": 2, "settles": NOON + timedelta(minutes=22)}
    store(world.context.warehouse, exchanges=[again])
    world.tick(ticker, 25)
    after = streams.look(world.context.ledger, world.project).standing
    [key] = [key for key in after if key.startswith("latency")]
    assert before[key][0] == 200 and after[key][0] == 201


def test_a_release_that_does_harm_is_blamed_beside_the_other(world):
    for version, shares in ((1, {"A": 1.0}), (2, {"A": 0.5, "B": 0.5})):
        policy = Policy("r", version, reshaped([], shares))
        assert policies.replace(world.context.ledger, world.project, policy, proved="", action="put", at=NOON)
    world.live(range(80), share=0.5)
    ticker = world.ticker()
    for minute in range(10, 81, 10):
        world.tick(ticker, minute)
    rows = {one.measure: one for one in comparisons.latest(world.context.ledger, world.project)}
    worse = rows["mean(score.relevance)"]
    assert worse.harm > 1000 and worse.harmful == "down" and (worse.candidate, worse.baseline) == ("B", "A")
    assert worse.low < worse.estimate < worse.high < 0 and min(worse.users) > 300
    assert rows["share(status=error)"].harm < 20
    blamed = [one for one in findings.newest(world.context.ledger, world.project) if one.against == "release"]
    assert [one.measure for one in blamed] == ["mean(score.relevance)"] and blamed[0].release == "B"


@pytest.mark.parametrize("named", [True, False])
def test_of_routes_that_share_releases_each_is_compared_by_its_own_traffic(world, named):
    """What names no route is of neither."""
    for route in ("p", "q"):
        policy = Policy(route, 1, reshaped([], {"A": 0.5, "B": 0.5}))
        assert policies.replace(world.context.ledger, world.project, policy, proved="", action="put", at=NOON)
    world.live(range(80), share=0.5, **({"route": "p"} if named else {}))
    for minute in range(10, 81, 10):
        world.tick(Ticker(world.context, world.project, "me"), minute)
    told = comparisons.latest(world.context.ledger, world.project)
    assert {one.route for one in told} == ({"p"} if named else set())
    blamed = [one for one in findings.newest(world.context.ledger, world.project) if one.against == "release"]
    assert [one.evidence["route"] for one in blamed] == (["p"] if named else [])


def test_a_scorer_that_falls_silent_is_told_once(world):
    world.live(range(40))
    world.live(range(40, 120), score=None, seed=4)
    ticker = world.ticker()
    for minute in range(10, 121, 10):
        world.tick(ticker, minute)
    silent = [one for one in findings.newest(world.context.ledger, world.project) if one.against == "silence"]
    assert [one.measure for one in silent] == ["coverage(score.relevance)"]
    state = {one["name"]: one["standing"]["state"] for one in watched.listed(
        world.context.ledger, world.context.warehouse, world.project, START + 120 * MINUTE
    )}  # fmt: skip
    assert state["score-relevance"] == "dead"


def test_after_an_outage_of_ours_a_scorer_that_must_make_up_for_it_is_not_silent(world):
    world.live(range(40))
    world.live(range(40, 160), score=None, seed=4)
    ticker, again = (Ticker(world.context, world.project, "me") for _ in range(2))
    for minute in range(10, 41, 10):
        world.tick(ticker, minute)
    for minute in (90, 100, 119):  # 50 minutes at once, when it began again
        world.tick(again, minute)
    assert world.found() == []
    world.tick(again, 121)
    assert [name for name, *_ in world.found()] == ["score-relevance"]


def test_calls_that_fail_are_errors_and_neither_bad_answers_nor_a_silent_scorer(world):
    world.live(range(40))
    world.live(range(40, 120), errors=1.0, score=0.0, seed=4)
    ticker = world.ticker()
    for minute in range(10, 121, 10):
        world.tick(ticker, minute)
    assert {monitor for monitor, *_ in world.found()} == {"errors"}


def test_a_monitor_rehearsed_on_history(world):
    world.live(range(90))
    world.live(range(90, 150), errors=0.4, seed=2)
    [monitor] = [one for one in watched.monitors(world.context.ledger, world.project, ([], [])) if one.name == "errors"]
    told = watched.rehearsed(
        world.context.ledger, world.context.warehouse, monitor, START, START + 150 * MINUTE, 2.0
    )  # fmt: skip
    assert told["fired"] == 1 and told["firings"][0]["at"].startswith("2026-11-20T13:3")
    assert streams.look(world.context.ledger, world.project) is None


def test_a_simple_threshold_with_its_time_and_its_hysteresis(world):
    said = {"value": 0.2, "window": "10m", "min_n": 30, "for": "10m", "clear": 0.1}
    wanted = monitor({"name": "e", "measure": "share(status=error)", "direction": "up", "against": {"threshold": said}},
                     world.project)  # fmt: skip
    monitors.put(world.context.ledger, wanted, at=NOON, author="ann")
    world.live(range(30), errors=0.0)
    world.live(range(30, 60), errors=0.5, seed=2)
    world.live(range(60, 90), errors=0.0, seed=3)
    ticker, states = world.ticker(), []
    for minute in range(10, 91, 5):
        world.tick(ticker, minute)
        states.append(
            ticker.watch.standing[plan.watch(monitors.current(world.context.ledger, world.project)[0], {}).key("up")]
        )
        states[-1] = (minute, states[-1].firing > 0)
    [found] = [one for one in findings.newest(world.context.ledger, world.project) if one.monitor == "e"]
    assert found.at == START + 45 * MINUTE and found.against == "threshold" and found.reference == 0.2
    assert [minute for minute, firing in states if firing] == [45, 50, 55, 60, 65]


def simple(world: World, name: str, measure: str, threshold: dict[str, Any], **more: Any) -> None:
    wanted = monitor({"name": name, "measure": measure, "direction": "up", "against": {"threshold": threshold}} | more,
                     world.project)  # fmt: skip
    monitors.put(world.context.ledger, wanted, at=NOON, author="ann")


def stands(world: World, name: str) -> str:
    told = watched.listed(world.context.ledger, world.context.warehouse, world.project, START)
    return next(one["standing"]["state"] for one in told if one["name"] == name)


def test_a_second_outbreak_is_told_though_nobody_spoke_between(world):
    simple(world, "e", "share(status=error)", {"value": 0.2, "window": "5m", "min_n": 10})
    world.live(range(30), errors=0.5)
    world.live(range(60, 70), errors=0.5, seed=2)
    ticker = world.ticker()
    world.tick(ticker, 30)
    assert stands(world, "e") == "firing"
    for minute in range(35, 60, 5):
        world.tick(ticker, minute)
    assert stands(world, "e") == "no data"
    world.tick(ticker, 70)
    assert len([one for one in findings.newest(world.context.ledger, world.project) if one.monitor == "e"]) == 2


def test_a_threshold_watches_fifty_segments_and_forgets_those_that_are_gone(world):
    simple(world, "e", "share(status=error)", {"value": 0.2, "window": "5m", "min_n": 1}, by=["user"])
    world.live(range(10), errors=0.0)
    ticker = world.ticker()
    world.tick(ticker, 10)
    [one] = monitors.current(world.context.ledger, world.project)
    first = {key for key in ticker.watch.standing if key.startswith(plan.watch(one, {}).head)}
    assert len(first) == 50
    world.live(range(20, 30), errors=0.0, seed=2)
    world.tick(ticker, 30)
    second = {key for key in ticker.watch.standing if key.startswith(plan.watch(one, {}).head)}
    assert len(second) == 50 and not first & second


def test_a_threshold_does_not_count_what_shadows_said(world):
    simple(world, "e", "share(status=error)", {"value": 0.2, "window": "10m"})
    world.live(range(30), errors=0.0)
    shadows = [
        exchange_row(world.project, at=NOON + timedelta(minutes=n), status="error", tags=["shadow"])
        for n in range(30) for _ in range(20)
    ]  # fmt: skip
    store(world.context.warehouse, exchanges=shadows)
    world.tick(world.ticker(), 30)
    assert stands(world, "e") == "ok"


def test_a_threshold_on_how_many_answers_have_a_signal(world):
    simple(world, "votes", "coverage(signal.thumbs)", {"value": 0.9, "window": "10m"}, direction="down")
    world.live(range(30))
    world.tick(world.ticker(), 30)
    assert stands(world, "votes") == "firing"


def test_a_threshold_that_cannot_be_asked_for_is_dead_and_holds_up_nothing(world, monkeypatch):
    """As where more groups came than can be asked for: the others are watched, and people are told once."""
    simple(world, "many", "share(status=error)", {"value": 0.2, "window": "5m", "min_n": 1}, by=["user"])
    simple(world, "e", "share(status=error)", {"value": 0.2, "window": "5m", "min_n": 10})
    world.live(range(30), errors=0.5)
    ticker = world.ticker()
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules[ask.__module__], "MAX_GROUPS", 20)
        for minute in (10, 20):
            world.tick(ticker, minute)
    assert (stands(world, "many"), stands(world, "e")) == ("dead", "firing")
    [told] = [
        one for one in findings.newest(world.context.ledger, world.project) if one.measure.startswith("homeostat.")
    ]
    assert "The monitor many has not been watched since" in words.finding(told) and "points" in words.finding(told)
    kept = incidents.places(world.context.ledger, world.project, since=0)
    causes = [incidents.get(world.context.ledger, world.project, one.id).cause for one in kept]
    assert causes.count("homeostat") == 1
    world.tick(ticker, 30)
    assert stands(world, "many") != "dead"


def test_a_threshold_rehearsed_on_history(world):
    world.live(range(60), errors=0.0)
    world.live(range(60, 90), errors=0.5, seed=2)
    world.live(range(90, 120), errors=0.0, seed=3)
    world.live(range(120, 150), errors=0.5, seed=4)
    said = {"value": 0.2, "window": "10m", "min_n": 30}
    wanted = monitor({"name": "e", "measure": "share(status=error)", "direction": "up", "against": {"threshold": said}},
                     world.project)  # fmt: skip
    told = watched.rehearsed(
        world.context.ledger, world.context.warehouse, wanted, START, START + 150 * MINUTE, 2.0
    )  # fmt: skip
    fired = [one["at"][11:16] for one in told["firings"]]
    assert len(fired) == 2 and "13:03" < fired[0] < "13:10" and "14:03" < fired[1] < "14:10", fired
    assert told["values"] == 1500
    told = watched.rehearsed(world.context.ledger, world.context.warehouse, wanted, START, START + 121 * MINUTE, 2.0)
    assert [one["at"][11:16] for one in told["firings"]] == fired[:1], "what lies behind the time says nothing"


@pytest.mark.parametrize(
    ("measure", "said", "by"),
    [
        ("share(status=error)", {"value": 0.2, "window": "5m", "min_n": 20, "for": "1m", "clear": 0.05}, ["release"]),
        pytest.param("p90(latency_ms)", {"value": 700, "window": "3m"}, [], marks=pytest.mark.nightly),
        pytest.param("rate", {"value": 0.1, "window": "90s", "min_n": 5, "for": "2m"}, [], marks=pytest.mark.nightly),
        ("mean(score.relevance)", {"value": 0.8, "window": "5m", "min_n": 5, "for": "3m"}, ["release"]),
    ],
)
def test_a_rehearsal_says_what_live_says(world, measure, said, by):
    """Look for look, minute by minute: a bad stretch that lies in one window only is none less."""
    direction = "down" if measure == "mean(score.relevance)" else "up"
    simple(world, "e", measure, said, by=by, direction=direction)
    world.live(range(8), errors=0.02, share=0.5)
    world.live(range(8, 13), errors=0.6, seed=2, share=0.9)
    world.live(range(13, 24), errors=0.02, seed=3, share=0.5)
    ticker = world.ticker()
    for minute in range(1, 25):
        world.tick(ticker, minute)
    live = [(one.at, dict(one.segment)) for one in findings.newest(world.context.ledger, world.project, 100)
            if one.monitor == "e"]  # fmt: skip
    wanted = next(one for one in monitors.current(world.context.ledger, world.project) if one.name == "e")
    told = watched.rehearsed(world.context.ledger, world.context.warehouse, wanted, START, START + 24 * MINUTE, 2.0)
    rehearsed = [(one["at"], one["segment"]) for one in told["firings"]]
    assert live and sorted(rehearsed, key=str) == sorted(((iso(at), segment) for at, segment in live), key=str)
    assert told["standing"]["state"] == stands(world, "e")


def test_a_long_window_is_looked_at_less_often_than_every_minute(world):
    """So that a rehearsal of weeks takes no longer than one of hours."""
    said = {"value": 0.2, "window": "1d", "min_n": 30}
    wanted = monitor({"name": "e", "measure": "share(status=error)", "direction": "up", "against": {"threshold": said}},
                     world.project)  # fmt: skip
    world.live(range(60), errors=0.5)
    told = watched.rehearsed(world.context.ledger, world.context.warehouse, wanted, START, START + 120 * MINUTE, 2.0)
    assert [one["at"][11:16] for one in told["firings"]] == ["12:12"]


def test_a_file_that_says_nothing_new_changes_nothing(world):
    said = {"name": "e", "measure": "share(status=error)", "direction": "up", "against": {"reference": "all"}}
    put = [monitors.put(world.context.ledger, monitor(said, world.project), at=NOON, author="ann")]
    monitors.set_state(world.context.ledger, put[0], "paused", at=NOON, author="ann")
    put.append(monitors.put(world.context.ledger, monitor(said, world.project), at=NOON, author="ann"))
    put.append(monitors.put(world.context.ledger, monitor(said | {"state": "on"}, world.project), at=NOON, author="a"))
    assert [(one.version, one.state) for one in put] == [(1, "on"), (1, "paused"), (1, "on")]
