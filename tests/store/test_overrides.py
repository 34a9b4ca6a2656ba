"""Overrides: durable, obeyed while the policy is the one they were made against, and no longer."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.records import policy as policies
from homeostat.records.policy import Policy, reshaped
from homeostat.records.rollback import Rollback, rolled_back
from homeostat.records.snapshot import Snapshot
from homeostat.store import control, overrides
from homeostat.store.overrides import Override

PUBLISHED = Policy("chat", 7, reshaped([], {"A": 0.9, "B": 0.1}), previous_good="A", pinned={"vip": "B"})
BACK = Rollback("r1", "operator", "2026-11-21T10:00:00+00:00", "2026-11-21T10:00:00+00:00", reason="B is rude")


def override(policy: Policy = PUBLISHED, wanted: Rollback = BACK, project: str = "p") -> Override:
    after = rolled_back(policy, wanted)
    assert after is not None
    return Override(project, policy.version, (wanted,), after)


def document(policy: Policy) -> dict[str, object]:
    routes = {policy.route: policies.as_json(policy)}
    return {"version": policy.version + 3, "routes": routes, "releases": {"A": {}, "B": {}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    control.pepper(tmp_path / "control")
    return tmp_path / "control"


def publish(folder: Path, policy: Policy, version: int) -> None:
    control.publish(folder, Snapshot(version, "now", {}, policies={"p": document(policy)}))


def test_there_and_back(folder: Path) -> None:
    overrides.write(folder, override())
    assert overrides.listed(folder) == [override()]
    (path,) = (folder / "overrides" / "p").iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("chat.json", 0o600)
    overrides.drop(folder, override())
    assert overrides.listed(folder) == []
    assert not (folder / "overrides" / "p").exists()


@pytest.mark.parametrize("route", ["meta-llama/Llama-3.1:free", "..", ".hidden", "a" * 80, "/" * 80, "ü", "a.json"])
def test_any_route_has_a_file_of_its_own(folder: Path, route: str) -> None:
    for each in (route, "chat"):
        overrides.write(folder, override(replace(PUBLISHED, route=each)))
    assert {held.policy.route for held in overrides.listed(folder)} == {route, "chat"}
    assert {path.parent for path in folder.rglob("*.json")} == {folder / "overrides" / "p"}


def test_the_reader_obeys_it_at_once_and_until_the_policy_changes(folder: Path) -> None:
    publish(folder, PUBLISHED, 1)
    reader = control.Reader(folder)
    before = reader()
    assert before is not None and before.policies["p"]["routes"]["chat"]["shares"] == {"A": 0.9, "B": 0.1}
    overrides.write(folder, override())
    after = reader.refresh()
    assert after is not None
    chat = after.policies["p"]["routes"]["chat"]
    assert (chat["shares"], chat["pinned"], chat["version"], chat["updated_by"]) == ({"A": 1.0}, {}, 8, "operator")
    assert after.policies["p"]["version"] == before.policies["p"]["version"] + 1, "who waits for a change sees one"
    publish(folder, replace(PUBLISHED, version=8, pieces=reshaped([], {"B": 1.0})), 2)
    newer = reader.refresh()
    assert newer is not None and newer.policies["p"]["routes"]["chat"]["shares"] == {"B": 1.0}


def test_it_holds_for_a_reader_that_starts_cold_and_ends_when_it_is_dropped(folder: Path) -> None:
    publish(folder, PUBLISHED, 1)
    overrides.write(folder, override())
    cold = control.Reader(folder, every=0)
    first = cold()
    assert first is not None and first.policies["p"]["routes"]["chat"]["shares"] == {"A": 1.0}
    assert cold() is first, "nothing changed: the same object, whoever compares it is quick"
    overrides.drop(folder, override())
    last = cold()
    assert last is not None and last.policies["p"]["routes"]["chat"]["shares"] == {"A": 0.9, "B": 0.1}


def test_what_concerns_others_is_left_alone(folder: Path) -> None:
    other = document(PUBLISHED)
    held = [override(project="q"), override(replace(PUBLISHED, route="mail")), override(replace(PUBLISHED, version=6))]
    assert overrides.applied({"p": other}, held) == {"p": other}


def test_what_was_added_meanwhile_is_not_dropped(folder: Path) -> None:
    overrides.write(folder, override())
    longer = replace(override(), steps=(BACK, replace(BACK, id="r2", to="B")))
    overrides.write(folder, longer)
    overrides.drop(folder, override())
    assert overrides.listed(folder) == [longer]


def test_a_damaged_one_is_nobodys_and_set_aside(folder: Path) -> None:
    overrides.write(folder, override())
    overrides.write(folder, override(project="q"))
    path = folder / "overrides" / "p" / "chat.json"
    path.write_bytes(path.read_bytes().replace(b'"A"', b'"C"'))
    assert overrides.listed(folder) == [override(project="q")]
    assert overrides.set_aside(folder) == ["chat.json"]
    assert overrides.set_aside(folder) == []
    assert path.with_name("chat.json.damaged").exists()


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    text = overrides.encode(override())
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.binary(min_size=1, max_size=1)) + text[place + 1 :]
    try:
        assert overrides.decode(changed) == override()
    except ValueError:
        return


def _hold(folder: Path, ready: object, seconds: float) -> None:
    with overrides.locked(folder):
        ready.set()  # type: ignore[attr-defined]
        time.sleep(seconds)
    os._exit(0)


def test_the_lock_keeps_others_out_and_does_not_wait_for_ever(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(folder, ready, 120))
    holder.start()
    try:
        assert ready.wait(60)
        begun = time.monotonic()
        with overrides.locked(folder, 0.2), overrides.locked(folder, 30):
            assert time.monotonic() - begun >= 0.2, "a thread that has it may take it again"
    finally:
        holder.kill()
        holder.join(60)
    with overrides.locked(folder, 30):
        pass  # who was killed holds nothing


def test_two_threads_take_turns(folder: Path) -> None:
    inside: list[int] = []

    def work() -> None:
        for _ in range(20):
            with overrides.locked(folder, 30):
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert inside == []
    assert json.loads(overrides.encode(override()))["against"] == 7
