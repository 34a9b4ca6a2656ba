"""Close reading: spans that SQL can lay out and store, but whose words only the complete path's readers understand.

Their known attributes come to Python as `flat.py` laid them out, the readers of `observe.exact` fill the mapped
columns, and the engine stages the rows with those. Nothing is decoded twice, and of the raw attributes only the known
ones leave the engine: a fraction of what the complete path costs.
"""

# ruff: noqa: S608 (SQL made of our own tables only; values are bound)

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from homeostat.observe import staged
from homeostat.observe.exact import Event, Item, mapped
from homeostat.observe.fast.plan import COLUMNS
from homeostat.store.warehouse.client import Warehouse

#: So many spans are in Python at once.
BUNCH: Final = 2000

_TYPES: Final = dict(staged.COLUMNS)
TOLD: Final = ("position", "op", *COLUMNS)
_SHORT: Final = "[name, status_message, scope, scope_version, events]"
_LIMITS: Final = "arrayExists(x -> length(x) > {attribute:UInt64}, "


def table(name: str) -> str:
    """DDL of the table of what was read."""
    columns = ", ".join(f"{column} {_TYPES.get(column, 'UInt32')}" for column in TOLD)
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns}) ENGINE = Memory"


class CloseReading:
    """Fills the table `told` with the mapped columns of spans, by their position."""

    def __init__(self, warehouse: Warehouse, tables: tuple[str, str, str], limits: dict[str, int]) -> None:
        flat, rows, self._told = tables
        self._warehouse = warehouse
        self._limits = limits
        part = "arrayMap(p -> {0}[p], arraySort(places))".format
        self._ask = (
            f"SELECT position, {part('keys')}, {part('texts')}, {part('strings')}, "
            "arrayCount(p -> p <= own, places), events, start_ns, status_code, status_message "
            f"FROM {flat} WHERE position BETWEEN {{first:UInt32}} AND {{last:UInt32}} "
            f"AND NOT odd AND NOT {_LIMITS}texts) AND NOT {_LIMITS}{_SHORT}) "
            f"AND position IN (SELECT ordinal FROM {rows} WHERE exact)"
        )

    def read(self, positions: Sequence[int]) -> set[int]:
        """Read what can be read of the staged rows that only hold a place: of those at these positions; says which."""
        done: set[int] = set()
        for start in range(0, len(positions), BUNCH):
            bunch = positions[start : start + BUNCH]
            rows = list(self._rows(bunch[0], bunch[-1]))
            self._warehouse.insert(self._warehouse.load, self._told, TOLD, rows)
            done |= {row[0] for row in rows}
        return done

    def _rows(self, first: int, last: int) -> Iterator[list[Any]]:
        bounds = {"attribute": self._limits["attribute"], "first": first, "last": last}
        for position, *laid_out in self._warehouse.load.query(self._ask, bounds).result_rows:
            read = mapped(_item(*laid_out), self._limits["attribute"], self._limits["text"])
            if read is not None:
                yield [position, *(read[column] for column in TOLD[1:])]


def _item(keys: Sequence[str], texts: Sequence[str], strings: Sequence[int], own: int, events: str, *more: Any) -> Item:
    """A span as the readers want it, with the attributes that they may ask for."""
    values = (text if is_string else json.loads(text) for text, is_string in zip(texts, strings, strict=True))
    pairs = list(zip(keys, values, strict=True))
    start, status, message = more
    return Item(
        attributes=dict(pairs[:own]),
        resource=dict(pairs[own:]),
        events=[Event(e["name"], int(e["time_ns"]), e["attributes"]) for e in json.loads(events)] if events else [],
        start=start,
        status_code=status,
        status_message=message,
    )
