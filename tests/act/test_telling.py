"""What waits is told: at least once, by no more messages than asked for, and one slow receiver delays nobody."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update

from homeostat.act import incidents
from homeostat.act.notifiers import Outbound, building
from homeostat.act.outbox import machine_now, tell, tried
from homeostat.act.telling import Teller, pause, quiet_until
from homeostat.records.channel import Channel, Quiet, Rules
from homeostat.store.ledger import Ledger, channels, outbox, projects
from homeostat.store.ledger import incidents as kept_incidents
from homeostat.store.ledger.tables import outbox as table
from tests.act.found import HOUR, T0, finding, kept
from tests.act.notifiers.receivers import Receiver, receiving
from tests.loop.serving import until

KEY = b"k" * 32
DOOR = Outbound(frozenset({"127.0.0.1"}), seconds=10.0)
SECOND = 1_000_000


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = opened(tmp_path / "ledger.db")
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as there:
        yield there


def opened(path: Path) -> Ledger:
    made = Ledger(f"sqlite:///{path}", seal=b"seal")
    made.upgrade()
    projects.ensure(made, "p", at=datetime(2026, 1, 1, tzinfo=UTC))
    return made


def channel(ledger: Ledger, there: Receiver, name: str = "hook", **rules: Any) -> None:
    given = {"every": 0.0} | rules
    sealed = building.seal(KEY, "p", name, {"secret": "s"})
    channels.put(ledger, Channel("p", name, "webhook", {"url": there.url}, sealed, Rules(**given)))


def teller(ledger: Ledger) -> Teller:
    return Teller(ledger, KEY, DOOR)


def fire(ledger: Ledger, n: int = 1, *, first: int = 0, **values: Any) -> list[int]:
    """So many incidents, each of a stream of its own, days apart."""
    made = []
    for at in range(first, first + n):
        onset = T0 + at * 26 * HOUR
        found = kept(ledger, finding(f"mean(score.s{at})", onset=onset, **values))
        made.append(incidents.take(ledger, "p", found, at=onset + HOUR)[0].id)
    return made


def states(ledger: Ledger) -> list[str]:
    with ledger.read() as connection:
        return list(connection.execute(select(table.c.state).order_by(table.c.made, table.c.key)).scalars())


def hurry(ledger: Ledger) -> None:
    """Time passes: all that waits is due."""
    with ledger.begin() as connection:
        connection.execute(update(table).values(due=0, held_until=0))


def events(there: Receiver) -> list[tuple[int, str]]:
    return [(each["incident"], each["kind"]) for seen in there.seen for each in seen.json["events"]]


def test_each_thing_is_told_once_with_a_key_of_its_own(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver)
    ids = fire(ledger, 20)
    incidents.close(ledger, "p", ids[0], by="key:a", at=T0 + 9 * HOUR)
    assert teller(ledger).serve("p", "hook") == 21
    assert sorted(events(receiver)) == sorted([*((id, "opened") for id in ids), (ids[0], "closed")])
    assert len({seen.headers["idempotency-key"] for seen in receiver.seen}) == 21
    assert set(states(ledger)) == {"sent"}
    assert teller(ledger).round() == 0


def test_nothing_is_told_of_what_was_rolled_back(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver)
    with pytest.raises(ZeroDivisionError), ledger.begin():
        fire(ledger)
        raise ZeroDivisionError
    assert teller(ledger).serve("p", "hook") == 0 and receiver.seen == []


def test_who_fails_is_told_later_under_the_same_key(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver)
    fire(ledger)
    receiver.script = ["500", "reset", "429 after 30", "garbage"]
    tells = teller(ledger)
    for _ in range(4):
        tells.serve("p", "hook")
        hurry(ledger)
    assert len({seen.headers["idempotency-key"] for seen in receiver.seen}) == 1
    assert len(receiver.seen) == 4 and states(ledger) == ["sent"]


def test_the_wait_grows_and_retry_after_counts(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver)
    fire(ledger)
    receiver.script = ["429 after 1234"]
    teller(ledger).serve("p", "hook")
    with ledger.read() as connection:
        due = connection.execute(select(table.c.due)).scalar_one()
    assert 1230 < (due - machine_now()) / SECOND < 1240
    waits = [pause(n) for n in range(1, 12)]
    assert 1.5 <= waits[0] <= 2 and 225 <= waits[-1] <= 300
    assert all(later > earlier for earlier, later in pairwise(waits[:7]))


def test_dead_after_a_day_and_at_once_where_nothing_helps(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver)
    fire(ledger)
    receiver.always = "500"
    with ledger.begin() as connection:
        connection.execute(update(table).values(made=machine_now() - 25 * 3600 * SECOND))
    teller(ledger).serve("p", "hook")
    fire(ledger, first=1)
    receiver.always = "404"
    teller(ledger).serve("p", "hook")
    assert states(ledger) == ["dead", "dead"]
    there = channels.get(ledger, "p", "hook")
    assert there is not None and there.problem == "the receiver answered 404"


def test_a_storm_is_one_message_a_minute(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver, every=60.0)
    fire(ledger)
    tells = teller(ledger)
    assert tells.serve("p", "hook") == 1
    ids = fire(ledger, 40, first=1)
    for _ in range(5):
        assert tells.serve("p", "hook") == 0
    channels.used(ledger, "p", "hook", sent=machine_now() - 61 * SECOND)
    hurry(ledger)
    assert tells.serve("p", "hook") == 1
    assert len(receiver.seen) == 2
    assert [id for id, _ in events(receiver)[1:]] == ids
    assert set(states(ledger)) == {"sent"}


def test_what_is_critical_does_not_wait_for_what_is_not(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver, every=3600.0)
    fire(ledger)
    tells = teller(ledger)
    assert tells.serve("p", "hook") == 1
    (grave,) = fire(ledger, first=1, severity="critical")
    assert tells.serve("p", "hook") == 1
    assert events(receiver)[-1] == (grave, "opened")
    fire(ledger, first=2, severity="critical")
    assert tells.serve("p", "hook") == 0


def test_a_message_that_failed_comes_again_as_it_was(ledger: Ledger, receiver: Receiver) -> None:
    """What came meanwhile does not change what the key stands for."""
    channel(ledger, receiver, every=60.0)
    fire(ledger, 3)
    receiver.script = ["500"]
    tells = teller(ledger)
    tells.serve("p", "hook")
    fire(ledger, 2, first=3)
    hurry(ledger)
    tells.serve("p", "hook")
    first, second = receiver.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.json["events"] == second.json["events"] and len(first.json["events"]) == 3


def test_quiet_hours_hold_back_all_but_critical(ledger: Ledger, receiver: Receiver) -> None:
    here = datetime.now(UTC)
    since, until = f"{(here.hour - 1) % 24:02d}:00", f"{(here.hour + 2) % 24:02d}:00"
    channel(ledger, receiver, quiet=Quiet(since, until))
    fire(ledger)
    (grave,) = fire(ledger, first=1, severity="critical")
    teller(ledger).serve("p", "hook")
    assert events(receiver) == [(grave, "opened")]
    assert sorted(states(ledger)) == ["sent", "waiting"]


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-03-03T23:30:00+00:00", "2026-03-04T06:00:00+00:00"),  # over midnight, in Berlin's winter
        ("2026-03-04T05:59:00+00:00", "2026-03-04T06:00:00+00:00"),
        ("2026-03-04T06:00:00+00:00", None),
        ("2026-03-03T20:59:00+00:00", None),
        ("2026-07-03T04:59:00+00:00", "2026-07-03T05:00:00+00:00"),  # in its summer
        ("2026-07-03T05:01:00+00:00", None),
    ],
)
def test_when_quiet_hours_end(now: str, ends: str | None) -> None:
    quiet = Quiet("22:00", "07:00", "Europe/Berlin")
    at = int(datetime.fromisoformat(now).timestamp()) * SECOND
    assert quiet_until(quiet, at) == (int(datetime.fromisoformat(ends).timestamp()) * SECOND if ends else 0)


def test_nobody_acknowledged(ledger: Ledger, receiver: Receiver) -> None:
    with receiving() as boss:
        channel(ledger, boss, "boss", only_escalations=True)
        channel(ledger, receiver, escalate_after=15.0, escalate_to="boss")
        seen, unseen = fire(ledger, 2)
        tells = teller(ledger)
        tells.serve("p", "hook")
        assert tells.serve("p", "boss") == 0, "a quarter of an hour has not passed"
        incidents.acknowledge(ledger, "p", seen, by="key:a", at=T0 + HOUR)
        hurry(ledger)
        tells.serve("p", "boss")
        assert events(boss) == [(unseen, "escalated")]


def test_silence_and_severity(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver, severity="critical")
    (one,) = fire(ledger)
    incidents.silence(ledger, "p", one, until=T0 + 9 * HOUR, by="key:a", at=T0 + HOUR)
    worse = kept(ledger, finding("mean(score.s0)", onset=T0 + 2 * HOUR, severity="critical"))
    incidents.take(ledger, "p", worse, at=T0 + 2 * HOUR)
    assert states(ledger) == []
    incidents.silence(ledger, "p", one, until=0, by="key:a", at=T0 + 3 * HOUR)
    (two,) = fire(ledger, first=5, severity="critical")
    teller(ledger).serve("p", "hook")
    assert events(receiver) == [(one, "unsilenced"), (two, "opened")]


def test_what_waits_is_silenced_too(ledger: Ledger, receiver: Receiver) -> None:
    with receiving() as boss:
        channel(ledger, boss, "boss", only_escalations=True)
        channel(ledger, receiver, escalate_after=1.0, escalate_to="boss")
        receiver.script = ["500"]
        (one,) = fire(ledger)
        tells = teller(ledger)
        tells.serve("p", "hook")
        incidents.silence(ledger, "p", one, until=T0 + 9 * HOUR, by="key:a", at=T0 + HOUR)
        hurry(ledger)
        assert (tells.serve("p", "hook"), tells.serve("p", "boss")) == (0, 0)
        assert len(receiver.seen) == 1 and boss.seen == [] and set(states(ledger)) == {"dropped"}


def test_of_a_message_that_comes_again_only_the_silenced_part_is_left_out(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver, every=60.0)
    one, two = fire(ledger, 2)
    receiver.script = ["500"]
    tells = teller(ledger)
    tells.serve("p", "hook")
    incidents.silence(ledger, "p", one, until=T0 + 9 * HOUR, by="key:a", at=T0 + HOUR)
    hurry(ledger)
    assert tells.serve("p", "hook") == 1
    assert [[each["incident"] for each in seen.json["events"]] for seen in receiver.seen] == [[one, two], [two]]
    assert len({seen.headers["idempotency-key"] for seen in receiver.seen}) == 1


def test_in_silence_an_open_alert_is_settled_and_nobody_is_told(ledger: Ledger, receiver: Receiver) -> None:
    with receiving() as pager, receiving() as hub:
        channel(ledger, receiver)
        for name, kind, settings, secret in (
            ("pager", "pagerduty", {"url": pager.url}, {"routing_key": "r"}),
            ("hub", "github", {"repository": "o/r", "url": f"http://127.0.0.1:{hub.port}"}, {"token": "t"}),
        ):
            sealed = building.seal(KEY, "p", name, secret)
            channels.put(ledger, Channel("p", name, kind, settings, sealed, Rules(every=0.0)))
        (one,) = fire(ledger)
        tells = teller(ledger)

        def told() -> None:
            for name in ("hook", "pager", "hub"):
                tells.serve("p", name)

        told()
        until = T0 + 9 * HOUR
        incidents.silence(ledger, "p", one, until=until, by="key:a", at=T0 + HOUR)
        incidents.acknowledge(ledger, "p", one, by="key:a", at=T0 + 2 * HOUR)
        incidents.close(ledger, "p", one, by="key:a", at=T0 + 3 * HOUR)
        told()
        assert events(receiver) == [(one, "opened")]
        assert [each.json["event_action"] for each in pager.seen] == ["trigger", "acknowledge", "resolve"]
        changed = [each for each in hub.seen if each.method == "PATCH"]
        assert [each.json for each in changed] == [{"state": "closed"}]
        # It comes back in silence: whoever settled it then hears of it after the silence.
        incidents.reopen(ledger, "p", one, by="key:a", at=T0 + 4 * HOUR)
        told()
        assert len(pager.seen) == 3 and len(receiver.seen) == 1
        incidents.speak(ledger, at=until)
        told()
        assert events(receiver)[1:] == [(one, "unsilenced")]
        assert pager.seen[-1].json["event_action"] == "trigger"
        assert [each.json for each in hub.seen if each.method == "PATCH"][1:] == [{"state": "open"}]


def test_what_a_test_opened_is_closed_after_a_while(ledger: Ledger, receiver: Receiver) -> None:
    sealed = building.seal(KEY, "p", "pager", {"routing_key": "r"})
    pager = Channel("p", "pager", "pagerduty", {"url": receiver.url}, sealed, Rules(every=0.0))
    channels.put(ledger, pager)
    channel(ledger, receiver)
    hook = channels.get(ledger, "p", "hook")
    assert hook is not None
    for each in (pager, pager, hook):
        tried(ledger, each, at=T0)
    tells = teller(ledger)
    assert (tells.serve("p", "pager"), tells.serve("p", "hook")) == (0, 0), "five minutes have not passed"
    hurry(ledger)
    assert (tells.serve("p", "pager"), tells.serve("p", "hook")) == (1, 0)
    assert [each.json["event_action"] for each in receiver.seen] == ["resolve"]
    assert receiver.seen[0].json["dedup_key"] == "homeostat-p-0"
    assert outbox.counts(ledger)["p", "hook"]["last"] > 0


def test_after_its_silence_what_is_still_open_is_told_again(ledger: Ledger, receiver: Receiver) -> None:
    with receiving() as boss:
        channel(ledger, boss, "boss", only_escalations=True)
        channel(ledger, receiver, escalate_after=1.0, escalate_to="boss")
        left, taken, over = fire(ledger, 3)
        tells = teller(ledger)
        tells.serve("p", "hook")
        for each in (left, taken, over):
            incidents.silence(ledger, "p", each, until=T0 + 99 * HOUR, by="key:a", at=T0 + 60 * HOUR)
        incidents.acknowledge(ledger, "p", taken, by="key:a", at=T0 + 61 * HOUR)
        incidents.close(ledger, "p", over, by="key:a", at=T0 + 61 * HOUR)
        assert incidents.speak(ledger, at=T0 + 98 * HOUR) == 0
        assert incidents.speak(ledger, at=T0 + 99 * HOUR) == 3
        assert incidents.speak(ledger, at=T0 + 99 * HOUR) == 0
        tells.serve("p", "hook")
        assert events(receiver)[3:] == [(left, "unsilenced")]
        assert tells.serve("p", "boss") == 0
        hurry(ledger)
        tells.serve("p", "boss")
        assert events(boss) == [(left, "escalated")]
        kept_now = [kept_incidents.get(ledger, "p", each) for each in (left, taken, over)]
        assert [each.silenced_until for each in kept_now if each] == [0, 0, 0]


def test_one_who_hangs_delays_nobody(ledger: Ledger, receiver: Receiver) -> None:
    with receiving("hang") as slow:
        for n in range(4):
            channel(ledger, slow, f"slow{n}")
        channel(ledger, receiver)
        fire(ledger, 3)
        slow.hangs = 250.0
        Teller(ledger, KEY, Outbound(frozenset({"127.0.0.1"}), seconds=250.0)).round()
        until(lambda: len(receiver.seen) == 3)


def test_what_waits_for_a_channel_that_is_gone(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver)
    fire(ledger)
    channels.remove(ledger, "p", "hook")
    assert teller(ledger).serve("p", "hook") == 0
    assert states(ledger) == ["dropped"] and receiver.seen == []


def test_a_channel_that_is_off_keeps_what_waits(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver)
    fire(ledger)
    there = channels.get(ledger, "p", "hook")
    assert there is not None
    from dataclasses import replace

    channels.put(ledger, replace(there, state="off"))
    assert teller(ledger).serve("p", "hook") == 0
    channels.put(ledger, there)
    hurry(ledger)
    assert teller(ledger).serve("p", "hook") == 1


def test_secrets_are_sealed_for_one_channel(ledger: Ledger, receiver: Receiver, tmp_path: Path) -> None:
    channel(ledger, receiver)
    there = channels.get(ledger, "p", "hook")
    assert there is not None
    assert building.unseal(KEY, there) == {"secret": "s"}
    from dataclasses import replace

    for wrong in (replace(there, name="other"), replace(there, project="q"), replace(there, sealed=there.sealed[:-4])):
        with pytest.raises(building.BadChannel):
            building.unseal(KEY, wrong)
    with pytest.raises(building.BadChannel):
        building.unseal(b"x" * 32, there)


_CHILDREN = """
import os, signal, sys
from homeostat.act.notifiers import Outbound
from homeostat.act.telling import Teller
from homeostat.store.ledger import Ledger, channels, outbox

def told(die_at):
    ledger, counted = Ledger(f"sqlite:///{sys.argv[1]}", seal=b"seal"), 0
    def step(inner):
        def run(*given, **named):
            nonlocal counted
            counted += 1
            if counted == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return inner(*given, **named)
        return run
    # Every word to the ledger and to the receiver is a step, before which the process may be killed.
    for module, names in ((outbox, ("ready", "bind", "end", "of_batch")), (channels, ("remember", "used", "thread"))):
        for name in names:
            setattr(module, name, step(getattr(module, name)))
    tells = Teller(ledger, b"k" * 32, Outbound(frozenset({"127.0.0.1"}), seconds=10.0))
    tells._told, tells._written = step(tells._told), step(tells._written)
    tells.serve("p", "hook")
    os._exit(0)

for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            told(int(line))
        finally:
            os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.parametrize("every", [0.0, 60.0])
def test_killed_between_any_two_steps_nothing_is_lost(tmp_path: Path, receiver: Receiver, every: float) -> None:
    """SIGKILL at step 1, 2, 3, … until a run ends by itself; then somebody takes over."""
    path = tmp_path / "ledger.db"
    ledger = opened(path)
    channel(ledger, receiver, every=every)
    told: dict[str, Any] = {}
    killed = first = 0
    command = [sys.executable, "-c", _CHILDREN, str(path)]
    children = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert children.stdin is not None and children.stdout is not None
    for step in range(1, 60):
        ids = fire(ledger, 2, first=first)
        first += 2
        before = len(receiver.seen)
        print(step, file=children.stdin, flush=True)
        code = int(children.stdout.readline())
        hurry(ledger)
        channels.used(ledger, "p", "hook", sent=0)
        while teller(ledger).serve("p", "hook"):
            channels.used(ledger, "p", "hook", sent=0)
        for seen in receiver.seen[before:]:
            # One key stands for one text, however often it comes.
            assert told.setdefault(seen.headers["idempotency-key"], seen.json["events"]) == seen.json["events"]
        new = {each["incident"] for seen in receiver.seen[before:] for each in seen.json["events"]}
        assert set(ids) <= new
        assert set(states(ledger)) == {"sent"}
        if code != -signal.SIGKILL:
            assert code == 0
            break
        killed += 1
    else:
        pytest.fail("it never came to its end")
    children.stdin.close()
    assert children.wait(120) == 0
    assert killed >= 6
    counted = [each["incident"] for events in told.values() for each in events]
    assert len(counted) == len(set(counted)), "nothing is told under two keys"
    ledger.close()


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_storm_of_ten_thousand_is_one_message_a_minute(ledger: Ledger, receiver: Receiver) -> None:
    """T12: ten thousand firings of two hundred incidents in three minutes; nobody is told more than once a minute, and
    nothing is lost."""
    channel(ledger, receiver, every=60.0)
    ids, tells = fire(ledger, 200), teller(ledger)
    storm = [kept_incident for id in ids if (kept_incident := kept_incidents.get(ledger, "p", id)) is not None]
    for minute in range(4):
        with ledger.begin():
            for n in range(2_500):
                one = storm[n % len(storm)]
                assert tell(ledger, one, "worse", "t", f"{minute}/{n}", at=one.opened, made=machine_now() + n) == 1
        hurry(ledger)
        for _ in range(4):
            tells.serve("p", "hook")
        assert len(receiver.seen) == minute + 1
        channels.used(ledger, "p", "hook", sent=machine_now() - 61 * SECOND)
    for _ in range(20):
        if set(states(ledger)) == {"sent"}:
            break
        channels.used(ledger, "p", "hook", sent=machine_now() - 61 * SECOND)
        hurry(ledger)
        assert tells.serve("p", "hook") == 1
    told = [(each["incident"], each["text"]) for seen in receiver.seen for each in seen.json["events"]]
    assert set(states(ledger)) == {"sent"} and len(told) == len(set(told)) == 10_200
    assert len({seen.headers["idempotency-key"] for seen in receiver.seen}) == len(receiver.seen) <= 8


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_thousand_alerts_through_a_bad_receiver(ledger: Ledger, receiver: Receiver) -> None:
    """A third of the requests fails in one way or another: each alert is told, under one key, and none is lost."""
    dice = Random(12)
    channel(ledger, receiver)
    ids = set(fire(ledger, 1_000))
    faults = ["500", "429 after 1", "reset"]
    receiver.script = [dice.choice(faults) if dice.random() < 0.33 else "ok" for _ in range(4_000)]
    for _ in range(200):
        hurry(ledger)
        with ledger.begin() as connection:  # what can never be taken is dead after a day; no day has passed here
            connection.execute(update(table).where(table.c.state == "dead").values(state="waiting"))
        teller(ledger).serve("p", "hook")
        if set(states(ledger)) == {"sent"}:
            break
    assert set(states(ledger)) == {"sent"}
    told: dict[str, Any] = {}
    for seen in receiver.seen:
        assert told.setdefault(seen.headers["idempotency-key"], seen.json["events"]) == seen.json["events"]
    counted = [each["incident"] for events in told.values() for each in events]
    assert len(counted) == len(set(counted)) == 1_000 and set(counted) == ids


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_storm_of_a_thousand_is_one_message(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver, every=60.0)
    fire(ledger)
    tells = teller(ledger)
    assert tells.serve("p", "hook") == 1
    fire(ledger, 1_000, first=1)
    for _ in range(20):
        assert tells.serve("p", "hook") == 0
    channels.used(ledger, "p", "hook", sent=machine_now() - 61 * SECOND)
    hurry(ledger)
    assert tells.serve("p", "hook") == 1
    assert len(receiver.seen) == 2


def test_the_state_says_who_is_not_told(ledger: Ledger, receiver: Receiver) -> None:
    channel(ledger, receiver)
    fire(ledger, 2)
    counted = outbox.counts(ledger, "p")["p", "hook"]
    assert counted["waiting"] == 2 and counted["oldest"] > 0
    json.dumps(counted)
