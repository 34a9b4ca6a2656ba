"""Envelopes as a segment file, and what the two paths make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from homeostat.observe.exact import rows
from homeostat.observe.exact.rows import Dropped
from homeostat.observe.fast import FastPath, Odd
from homeostat.observe.staged import NAMES
from homeostat.records.outcome import Outcome
from homeostat.store.spool.envelope import Envelope, Part, encode
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.splice import restore

LIMITS = {"attribute_limit": 20_000, "text_limit": 5_000}


def write(path: Path, envelopes: Sequence[Envelope]) -> None:
    """The file that an edge would have written."""
    before = 0
    with path.open("wb") as file:
        for envelope in envelopes:
            file.writelines(encode(envelope, before))
            before += envelope.items


class Both:
    """Runs segments through the fast path, and the same envelopes through the complete one."""

    def __init__(self, warehouse: Warehouse, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.seg"
        self.warehouse = warehouse
        self.fast = FastPath(warehouse, staged=f"{name}_staged", **LIMITS)
        self.fast.prepare()

    def run(self, envelopes: Sequence[Envelope]) -> tuple[dict[int, Odd], list[Outcome], list[dict[str, Any]]]:
        """(spans left to the complete path, what was dropped, staged rows in a fixed order).

        Once with every span laid out in a table, and once more as the loader does it when shapes are known.
        """
        write(self.path, envelopes)
        self.fast.clear()
        self.fast.lay_out(self.path, together=64)
        laid_out = self._done(self.fast.stage())
        closely = self.fast.closely
        self.fast.tries()
        known = self._done(self.fast.take(self.path, items=sum(each.items for each in envelopes), together=48))
        assert known == laid_out
        assert self.fast.closely == closely
        return known

    def _done(self, slow: dict[int, Odd]) -> tuple[dict[int, Odd], list[Outcome], list[dict[str, Any]]]:
        dropped = self.fast.dropped()
        found = self.warehouse.load.query(f"SELECT {', '.join(NAMES)} FROM {self.fast.staged}").result_rows
        self.fast.clear()
        return slow, dropped, ordered([_told(dict(zip(NAMES, row, strict=True))) for row in found])


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """As it came. The engine's client leaves out that its times are UTC."""
    came = restore(row["attributes"], row["input"], row["output"])
    times = {name: row[name].replace(tzinfo=UTC) for name in ("at", "received")}
    return {**row, **times, "attributes": came}


def expected(envelopes: Sequence[Envelope], slow: Mapping[int, Odd]) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """(dropped, rows) of the complete path for all spans but those left to it."""
    dropped: dict[tuple[str, str], int] = {}
    out: list[dict[str, Any]] = []
    first = 0
    for env, envelope in enumerate(envelopes):
        if envelope.part is not Part.TRACES or envelope.outcome:
            continue
        found = rows(envelope, env, first=first, **LIMITS)
        left = slow.get(env, Odd(env, first, frozenset()))
        assert (left.env, left.first) == (env, first)
        assert left.positions is not None
        odd = rows(envelope, env, first=first, only=left.positions, **LIMITS)
        assert [row for row in found if row["ordinal"] in left.positions] == odd
        assert odd.dropped == Dropped()
        first += len(found) + found.dropped.expired + found.dropped.invalid_id
        for fate in ("expired", "invalid_id"):
            key = (envelope.project, fate)
            dropped[key] = dropped.get(key, 0) + getattr(found.dropped, fate)
        out += [{**row, "exact": False} for row in found if row["ordinal"] not in left.positions]
    outcomes = [
        Outcome(project, "expired", n) if fate == "expired" else Outcome(project, "rejected", n, fate)
        for (project, fate), n in sorted(dropped.items())
        if n
    ]
    return outcomes, ordered(out)


def ordered(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda row: (row["env"], row["ordinal"]))


def same(fast: list[dict[str, Any]], exact: list[dict[str, Any]]) -> None:
    """Column by column, so that a failure names the column."""
    assert len(fast) == len(exact)
    for one, other in zip(fast, exact, strict=True):
        differing = {name: (one[name], other[name]) for name in NAMES if one[name] != other[name]}
        assert not differing, (differing, other["attributes"], other["attributes_json"])
