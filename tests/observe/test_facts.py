"""Plain facts in the warehouse."""

from __future__ import annotations

import json
from pathlib import Path

from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.warehouse.client import Warehouse

from .segments import NOON, Room


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
