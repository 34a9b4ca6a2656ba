"""Whole texts of exchanges: they lie in the span row that `input_row` and `output_row` name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from homeostat.records.exchange import Exchange
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import TEXT_WINDOW, WINDOW, Bound


def texts(warehouse: Warehouse, project: str, now: datetime, exchanges: Sequence[Exchange]) -> list[tuple[str, str]]:
    """Input and output of each exchange: in its own row mostly, found by its time; others are looked for around it."""
    if not exchanges:
        return []
    bound = Bound(project, now, min(e.at for e in exchanges), max(e.at for e in exchanges) + 1)
    ats = bound.add(sorted({e.at for e in exchanges}), "Array(Int64)")
    among = f"{WINDOW} AND at IN (SELECT fromUnixTimestamp64Micro(arrayJoin({ats}), 'UTC'))"
    keys = {key for e in exchanges for key in (e.input_row, e.output_row) if key}
    found = _rows(warehouse, bound, among, keys)
    if missing := keys - found.keys():
        found |= _rows(warehouse, bound, TEXT_WINDOW, missing)
    return [
        (
            found.get(e.input_row, (e.input_start, ""))[0],
            found.get(e.output_row, ("", e.output_start))[1],
        )
        for e in exchanges
    ]


def _rows(warehouse: Warehouse, bound: Bound, among: str, keys: set[int]) -> dict[int, tuple[str, str]]:
    wanted = bound.add(sorted(keys), "Array(UInt64)")
    sql = f"SELECT row_key, input, output FROM spans WHERE {among} AND row_key IN (SELECT arrayJoin({wanted}))"  # noqa: S608
    return {row["row_key"]: (row["input"], row["output"]) for row in warehouse.ask(sql, bound.values)}
