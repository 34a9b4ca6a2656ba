"""What is stored already is rewritten, never left beside its newer self: later rows, and pieces of one segment."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.warehouse.client import Warehouse

from ..segments import NOON, Room, call, told


@pytest.fixture
def room(tmp_path: Path, warehouse: Warehouse) -> Iterator[Room]:
    yield Room(tmp_path, warehouse)


def test_an_exchange_told_as_json_and_then_as_a_span_is_one(room: Room, project: str) -> None:
    trace = secrets.randbits(62) + 1
    line = (
        f'{{"fact": "exchange", "trace_id": "{trace:032x}", "span_id": "{1:016x}", "model": "gpt-4o-mini", '
        '"at": "2026-11-20T11:59:50.250000Z", "input": "hello", "output": "good day", "input_tokens": 9}'
    )
    room.put(Envelope(NOON, project, 1, Part.FACTS, line.encode()))
    room.load()
    room.put(told(project, call(trace, 1)))
    room.load()
    assert len(room.exchanges(project)) == 1


def test_pieces_of_one_segment_know_each_other(room: Room, project: str) -> None:
    trace = secrets.randbits(62) + 1
    root = {"trace": trace, "span": 1, "name": "chain", "input__value": "hello", "output__value": "good day"}
    bad = Envelope(NOON, project, 4, Part.TRACES, b"\x0a\xff\xff\xff\xff\x0f no protobuf")
    room.put(told(project, call(trace, 2, parent=1)), bad, told(project, root))
    room.load()
    found = room.exchanges(project, "is_answer, is_call, calls")
    other = Room(room.folder / "other", room.warehouse)
    other.put(told(f"{project}-2", call(trace, 2, parent=1), root))
    other.load()
    assert found == other.exchanges(f"{project}-2", "is_answer, is_call, calls")
    assert len(found) == 2
