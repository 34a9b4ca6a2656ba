"""Plain facts in the warehouse."""

from __future__ import annotations

import json
from pathlib import Path

from homeostat.observe import facts
from homeostat.observe.staged import NAMES
from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.warehouse.client import Warehouse

from .segments import NOON, Room, call, told


def test_the_same_question_of_two_people_is_two_exchanges(tmp_path: Path, warehouse: Warehouse, project: str) -> None:
    """History without times arrives all at once: nothing but the ids tells one row from the next."""
    room = Room(tmp_path, warehouse)
    lines = [
        {"fact": "exchange", "trace_id": f"{number:032x}", "span_id": f"{number:016x}", "input": "Where is it?",
         "output": output, "user_id": f"u{number}"}
        for number, output in enumerate(("On its way.", "Lost.", ""), 1)
    ]  # fmt: skip
    body = "\n".join(json.dumps(line) for line in lines).encode()
    room.put(Envelope(NOON, project, len(lines), Part.FACTS, body))
    room.load()
    assert [row["user_id"] for row in room.exchanges(project)] == ["u1", "u2", "u3"]


def test_facts_from_before_the_retention_expire_and_times_far_ahead_are_not_believed() -> None:
    noon, day = 1_795_176_000_000_000_000, 86_400 * 10**9
    said = [
        {"fact": "exchange", "trace_id": f"{n:032x}", "span_id": f"{n:016x}", "at": at}
        for n, at in enumerate(("1971-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "2026-11-20T11:00:00Z"), 1)
    ]
    said += [{"fact": kind, "id": "a", "name": "x", "at": "1971-01-01T00:00:00Z"} for kind in ("signal", "score")]
    body = "\n".join(json.dumps(fact) for fact in said).encode()
    found = facts.read(Envelope(noon, "p", len(said), Part.FACTS, body, oldest=noon - 30 * day), 0)
    assert (found.expired, found.bad, found.signals, found.scores) == (3, 0, [], [])
    ahead, fine = (dict(zip(NAMES, row, strict=True)) for row in found.exchanges)
    assert (ahead["at"], ahead["flags"]) == (ahead["received"], ["clock_skew"])
    assert (fine["at"].hour, fine["flags"]) == (11, [])


def test_a_latency_is_what_was_told_and_what_cannot_be_is_unknown(
    tmp_path: Path, warehouse: Warehouse, project: str
) -> None:
    """A cached answer takes 0 ms; a span without a start takes no 57 years, nor one that ends far away 73."""
    room = Room(tmp_path, warehouse)
    lines = [
        {"fact": "exchange", "trace_id": f"{n:032x}", "span_id": f"{n:016x}", "at": "2026-11-20T11:00:00Z",
         "input": "Where?", "output": "Here.", "name": f"plain {latency}", "latency_ms": latency}
        for n, latency in enumerate((None, 0, 0.5, 1500), 1)
    ]  # fmt: skip
    body = "\n".join(json.dumps(line) for line in lines).encode()
    spans = [
        call(5, 1, name="second"),
        call(6, 1, name="no length", seconds=0.0),
        call(7, 1, name="no start", at=-NOON / 1e9, seconds=NOON / 1e9),
        call(8, 1, name="neither", at=-NOON / 1e9, seconds=0.0),
        call(9, 1, name="far end", seconds=2.3e9),
        call(10, 1, name="milliseconds", at=-NOON / 1e9 + 1795.0, seconds=0.001),
    ]
    room.put(Envelope(NOON, project, len(lines), Part.FACTS, body), told(project, *spans))
    room.load()
    found = {row["name"]: (row["latency_ms"], row["flags"]) for row in room.exchanges(project)}
    assert found == {
        "plain None": (None, []), "plain 0": (0.0, []), "plain 0.5": (0.5, []), "plain 1500": (1500.0, []),
        "second": (1000.0, []), "no length": (None, []), "no start": (None, ["clock_skew"]),
        "neither": (None, ["clock_skew"]), "far end": (None, ["bad_time"]), "milliseconds": (None, ["clock_skew"]),
    }  # fmt: skip


def test_an_attribute_that_is_zero_false_or_empty_is_kept() -> None:
    fact = {"fact": "exchange", "trace_id": "1" * 32, "span_id": "1" * 16,
            "attributes": {"retries": 0, "cached": False, "ratio": 0.0, "some": [], "more": {}, "none": None, "one": 1,
                           "text": ""},
            "documents": [], "tool_calls": None}  # fmt: skip
    found = facts.read(Envelope(NOON, "p", 1, Part.FACTS, json.dumps(fact).encode()), 0)
    row = dict(zip(NAMES, found.exchanges[0], strict=True))
    assert row["attributes_json"] == {
        "retries": "0", "cached": "false", "ratio": "0.0", "some": "[]", "more": "{}", "one": "1",
    }  # fmt: skip
    assert (row["attributes"], row["documents"], row["tool_calls"]) == ({"text": ""}, "", "")
