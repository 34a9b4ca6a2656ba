"""A segment is in the warehouse exactly once, whatever is in it and whenever it fails."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from homeostat.observe import exact
from homeostat.observe.refused import Doubtful
from homeostat.store.ledger import marks, outcomes, segments
from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.warehouse.client import Warehouse

from .segments import NOON, Room, call, chain, told


@pytest.fixture
def room(tmp_path: Path, warehouse: Warehouse) -> Iterator[Room]:
    yield Room(tmp_path, warehouse)


def new_id() -> int:
    return secrets.randbits(62) + 1


def facts(project: str, *lines: dict[str, object]) -> Envelope:
    body = "\n".join(json.dumps(line) for line in lines).encode()
    return Envelope(NOON, project, len(lines), Part.FACTS, body)


def spans(room: Room, project: str) -> int:
    return int(room.warehouse.ask("SELECT count() AS n FROM spans WHERE project = {p:String}", {"p": project})[0]["n"])


def test_a_segment_is_stored_counted_and_gone(room: Room, project: str) -> None:
    path = room.put(told(project, call(new_id(), 1), call(new_id(), 1)), told(project, call(new_id(), 1)))
    loaded = room.loader.load_next()
    assert loaded is not None and (loaded.items, loaded.again) == (3, False)
    assert not path.exists()
    assert spans(room, project) == 3
    assert [row["is_answer"] for row in room.exchanges(project)] == [True] * 3
    assert outcomes.totals(room.ledger, project) == {"stored": 3, "rejected": {}, "expired": 0, "erased": 0}
    assert [name for name, *_ in marks.all(room.ledger, 10)] == [project]
    assert segments.state(room.ledger, loaded.number) == "loaded"
    assert room.loader.load_next() is None


def test_every_minute_that_changed_is_marked(room: Room, project: str) -> None:
    """Also where a later span rewrites an exchange, merges it away or gives it another place."""
    trace, same = new_id(), {"gen_ai__response__id": secrets.token_hex(8)}
    loads = [
        [call(trace, 2, parent=1, at=-200.0), call(new_id(), 1, at=-3000.0), call(new_id(), 1, at=-3900.0)],
        [call(trace, 4, parent=3, at=-129.0, **same), call(new_id(), 1, at=-3000.0)],
        [call(trace, 3, parent=1, at=-190.0, seconds=70.0, **same)],
        [chain(trace, 1, at=-320.0)],
    ]
    version = 0
    for spans in loads:
        room.put(told(project, *spans))
        assert room.loader.load_next() is not None
        written = room.warehouse.ask(
            "SELECT toStartOfHour(at) AS hour, groupBitOr(bitShiftLeft(toUInt64(1), toMinute(at))) AS minutes, "
            "max(version) AS newest FROM exchanges WHERE project = {p:String} AND version > {v:UInt64} GROUP BY hour",
            {"p": project, "v": version},
        )
        version = max(row["newest"] for row in written)
        marked = marks.all(room.ledger, 10)
        assert {hour: minutes for _, hour, minutes, _ in marked} == {
            row["hour"].replace(tzinfo=UTC): row["minutes"] for row in written
        }
        assert all(marks.clear(room.ledger, name, hour, mark) for name, hour, _, mark in marked)
    gone = "SELECT uniqExact(trace_id, span_id) AS n FROM exchanges WHERE project = {p:String} AND gone"
    assert room.warehouse.ask(gone, {"p": project})[0]["n"] == 1


def test_what_is_sent_again_is_a_duplicate(room: Room, project: str) -> None:
    first = told(project, call(new_id(), 1))
    room.put(first, first)
    room.put(first, told(project, call(new_id(), 1)))
    assert room.load() == 2
    assert spans(room, project) == 2
    assert len(room.exchanges(project)) == 2
    assert outcomes.totals(room.ledger, project)["rejected"] == {"duplicate": 2}


def test_a_duplicate_is_known_after_a_restart(room: Room, project: str, tmp_path: Path) -> None:
    first = told(project, call(new_id(), 1))
    room.put(first)
    room.load()
    again = Room(tmp_path / "again", room.warehouse)
    again.put(first)
    again.load()
    assert spans(room, project) == 1
    assert outcomes.totals(again.ledger, project)["rejected"] == {"duplicate": 1}


def test_every_item_ends_somewhere(room: Room, project: str) -> None:
    broken = told(project, call(new_id(), 1), call(0, 1))
    late = told(project, call(new_id(), 1, at=-10 * 86400.0))
    room.put(
        broken,
        Envelope(late.received, project, 1, Part.TRACES, late.body, oldest=NOON - 86400 * 10**9),
        Envelope(NOON, project, 7, Part.NOTHING, b"", outcome="metric_not_kept"),
        facts(project, {"fact": "signal", "id": "s1", "name": "thumbs", "value": 1, "user_id": "u"}, {"fact": "other"}),
    )
    room.load()
    assert outcomes.totals(room.ledger, project) == {
        "stored": 2,
        "rejected": {"bad_fact": 1, "invalid_id": 1, "metric_not_kept": 7},
        "expired": 1,
        "erased": 0,
    }


def test_plain_facts_become_rows(room: Room, project: str) -> None:
    trace, span = f"{new_id():032x}", f"{new_id():016x}"
    said = {"trace_id": trace, "span_id": span}
    signal = {
        "fact": "signal",
        "id": "a",
        "name": "thumbs",
        "value": -1.0,
        "comment": "no",
        "at": "2026-11-20T11:00:00Z",
    } | said
    score = {"fact": "score", "id": "b", "name": "relevance", "value": 0.5, "rung": "judge", "scorer": "me"} | said
    exchange = {
        "fact": "exchange", "at": "2026-11-20T11:30:00.000001Z", "latency_ms": 1500.0, "kind": "answer",
        "model": "gpt-4o-mini", "input": "hello", "output": "good day", "input_tokens": 9, "user_id": "u1",
        "tags": ["x"], "attributes": {"shop": "north", "n": 1},
        "tool_calls": [{"name": "look"}], "status": "ok",
    } | said  # fmt: skip
    room.put(facts(project, signal, score, exchange), facts(project, signal, score, exchange))
    room.load()
    (row,) = room.exchanges(project)
    assert (row["is_answer"], row["is_call"], row["latency_ms"], row["input_start"]) == (True, True, 1500.0, "hello")
    assert (row["user_id"], row["tags"], row["tools"], row["input_tokens"]) == ("u1", ["x"], ["look"], 9)
    asked = {"p": project}
    (opinion,) = room.warehouse.ask(
        "SELECT value, comment, hex(span_id) AS s FROM signals WHERE project = {p:String}", asked
    )
    assert opinion == {"value": -1.0, "comment": "no", "s": span.upper()}
    (judged,) = room.warehouse.ask("SELECT value, rung FROM scores WHERE project = {p:String}", asked)
    assert judged == {"value": 0.5, "rung": "judge"}
    kept = room.warehouse.ask("SELECT attributes, attributes_json FROM spans WHERE project = {p:String}", asked)
    assert kept == [{"attributes": {"shop": "north"}, "attributes_json": {"n": "1"}}]
    assert outcomes.totals(room.ledger, project) == {
        "stored": 3,
        "rejected": {"duplicate": 3},
        "expired": 0,
        "erased": 0,
    }


def test_one_bad_envelope_costs_the_others_nothing(room: Room, project: str) -> None:
    good = [told(project, call(new_id(), 1)) for _ in range(5)]
    bad = Envelope(NOON, project, 4, Part.TRACES, b"\x0a\xff\xff\xff\xff\x0f no protobuf")
    room.put(*good[:3], bad, *good[3:])
    room.load()
    assert spans(room, project) == 5
    assert outcomes.totals(room.ledger, project) == {
        "stored": 5,
        "rejected": {"undecodable": 4},
        "expired": 0,
        "erased": 0,
    }
    (kept,) = (room.spool / "quarantine").glob("*.refused")
    assert b"no protobuf" in kept.read_bytes()


def test_damage_is_counted(room: Room, project: str) -> None:
    path = room.put(
        told(project, call(new_id(), 1)),
        told(project, call(new_id(), 1), call(new_id(), 2)),
        told(project, call(new_id(), 1)),
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    room.load()
    assert spans(room, project) == 2
    assert outcomes.totals(room.ledger, project)["rejected"] == {"damaged": 2}


def test_a_sick_store_is_no_bad_segment(room: Room, project: str) -> None:
    room.put(told(project, call(new_id(), 1)))

    def full(at: str) -> None:
        if at == "drafted":
            raise DatabaseError(
                "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)"
            )

    room.seam = full
    for _ in range(3):
        with pytest.raises(DatabaseError):
            room.loader.load_next()
    room.seam = lambda _: None
    loaded = room.loader.load_next()
    assert loaded is not None and loaded.again
    assert spans(room, project) == 1
    assert len(room.exchanges(project)) == 1
    assert outcomes.totals(room.ledger, project) == {"stored": 1, "rejected": {}, "expired": 0, "erased": 0}


def test_what_takes_too_much_memory_again_and_again_is_taken_apart(
    room: Room, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At first the machine is suspected; then the piece: it gets smaller, and what alone is too large goes aside."""
    monkeypatch.setattr("homeostat.observe.refused.PATIENCE", 2)
    real = exact.rows

    def rows(envelope: Envelope, *args: Any, **options: Any) -> Any:
        if b"too large" in envelope.body:
            raise MemoryError
        return real(envelope, *args, **options)

    monkeypatch.setattr("homeostat.observe.exact.rows", rows)
    room.put(*(told(project, call(new_id(), 1, note=note)) for note in ("a", "too large", "b")))
    for _ in range(2):
        with pytest.raises(MemoryError):
            room.loader.load_next()
    room.load()
    assert spans(room, project) == 2
    assert outcomes.totals(room.ledger, project) == {
        "stored": 2, "rejected": {"undecodable": 1}, "expired": 0, "erased": 0,
    }  # fmt: skip


def test_what_hides_in_telemetry_is_found(room: Room, project: str) -> None:
    trace = new_id()
    judged = call(trace, 1)
    judgement = {
        "trace": trace, "span": 2, "parent": 1, "name": "relevance", "openinference__span__kind": "EVALUATOR",
        "evaluations__0__evaluation__name": "relevance", "evaluations__0__evaluation__score": 1,
    }  # fmt: skip
    room.put(told(project, judged, judgement))
    room.load()
    (score,) = room.warehouse.ask("SELECT name, value FROM scores WHERE project = {p:String}", {"p": project})
    assert score == {"name": "relevance", "value": 1.0}
    assert outcomes.totals(room.ledger, project)["stored"] == 2


def test_small_segments_are_loaded_together(room: Room, project: str, warehouse: Warehouse) -> None:
    together = Room(room.folder / "together", warehouse, together=64)
    for _ in range(5):
        together.put(told(project, call(new_id(), 1)), told(project, call(new_id(), 1)))
    assert together.load() == 1
    assert spans(together, project) == 10
    assert outcomes.totals(together.ledger, project)["stored"] == 10
    assert list(together.spool.glob("*.seg")) == []


def test_a_fault_of_ours_sets_nothing_aside(room: Room, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    room.put(told(project, call(new_id(), 1)))
    with monkeypatch.context() as broken:
        broken.setattr("homeostat.observe.exact.rows", lambda *_, **__: 1 / 0)
        with pytest.raises(Doubtful):
            room.loader.load_next()
        assert room.loader.load_next() is None, "it waits for another segment to load"
    assert len(list(room.spool.glob("*.seg"))) == 1
    room.put(told(project, call(new_id(), 1)))
    room.load()
    assert spans(room, project) == 2
    assert outcomes.totals(room.ledger, project)["rejected"] == {}


def test_a_segment_that_alone_is_unreadable_goes_aside_once_another_loads(room: Room, project: str) -> None:
    room.put(Envelope(NOON, project, 4, Part.TRACES, b"\x0a\xff\xff\xff\xff\x0f no protobuf"))
    with pytest.raises(Doubtful):
        room.loader.load_next()
    room.put(told(project, call(new_id(), 1)))
    room.load()
    assert spans(room, project) == 1
    assert outcomes.totals(room.ledger, project)["rejected"] == {"undecodable": 4}


def test_what_a_dead_process_left_for_the_engine_is_gone(room: Room, project: str) -> None:
    left = room.spool / ".piece-17"
    left.write_bytes(b"what somebody said")
    room.put(told(project, call(new_id(), 1)))
    room.load()
    assert not left.exists()


def test_what_began_before_the_retention_stands_at_its_edge(room: Room, project: str) -> None:
    """A body of spans that began on a thousand different days must not open a thousand partitions."""
    begun = (call(new_id(), 1, at=-86_400.0 * days, seconds=86_400.0 * days) for days in range(1, 500))
    room.put(replace(told(project, *begun), oldest=NOON - 2 * 86_400 * 10**9))
    room.load()
    days = room.warehouse.ask(
        "SELECT uniq(toDate(at)) AS days, count() AS n FROM spans WHERE project = {p:String}", {"p": project}
    )
    assert days == [{"days": 2, "n": 499}]
