"""The fast path over one segment: lay it out, say what is too odd for SQL, stage the rest, count what was dropped."""

# ruff: noqa: S608 (SQL made of our own tables only; values are bound)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from homeostat.observe import staged as staged_columns
from homeostat.observe.fast import close, flat, mapping, schema
from homeostat.observe.fast.plan import Plan, plan
from homeostat.records.outcome import Outcome
from homeostat.store.warehouse.client import PLAINLY, Warehouse

#: Fewer items than this are read faster in Python: planning the SQL alone takes as long as walking these.
WORTH: Final = 400
#: So many shapes are remembered from load to load; then it begins anew.
REMEMBERED: Final = 1000
#: Where more than one span in so many is not staged at once, the next loads do not try: those are decoded twice.
SELDOM: Final = 4
_NOT_TRIED: Final = 16

_SETTINGS: Final = (
    "max_threads = 1, max_insert_threads = 1, query_plan_enable_optimizations = 0, compile_expressions = 0, "
    "output_format_json_escape_forward_slashes = 0, precise_float_parsing = 1, "
    "short_circuit_function_evaluation = 'enable', min_insert_block_size_rows = 0, min_insert_block_size_bytes = 0, "
    f"storage_file_read_method = 'pread', {PLAINLY}"  # a mapped segment would count as memory of the process
)

_planned = lru_cache(maxsize=4096)(plan)


@dataclass(frozen=True, slots=True)
class Odd:
    """What of an envelope is left to the complete path: the spans at `positions`, counted from `first`; None: all.

    `env` is what its other rows say of the envelope, if there are any.
    """

    env: int | None = None
    first: int = 0
    positions: frozenset[int] | None = None


class FastPath:
    """Fills the Memory table `staged` (columns of `observe.staged`) from a segment file, on `warehouse.load`.

    The order of one load: `take`, `dropped`, `clear`. Spans of shapes that were seen before go from the file to
    `staged` in one statement; what that leaves is laid out in a table of its own first (`lay_out`), its new shapes are
    planned, and it is staged from there (`stage`). Both ways are the same expressions over the same rows.

    An envelope is named by its index among the records of the file, as `enumerate(envelope.decode(data))` gives it.
    What `take` returns is not in the table: the loader takes it by the complete path and inserts its rows. So it does
    with log records, which are not seen here at all. A segment of less than `WORTH` items is better taken by the
    complete path altogether.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        *,
        attribute_limit: int = 262_144,
        text_limit: int = 1_048_576,
        staged: str = "staged",
    ) -> None:
        self.warehouse = warehouse
        self.staged = staged
        self._limits = {"attribute": attribute_limit, "text": text_limit}
        self._flat, self._plans, self._told = f"{staged}_flat", f"{staged}_plans", f"{staged}_told"
        self._close = close.CloseReading(warehouse, (self._flat, staged, self._told), self._limits)
        self.closely = 0  # spans of this segment whose words Python read
        self._all = flat.insert(self._flat, "{file}")
        self._rest = flat.insert(self._flat, "{file}", f"position NOT IN (SELECT ordinal FROM {staged})")
        self._known: dict[tuple[int, ...], Plan] = {}  # the table of plans holds these
        self._not_tried = 0
        self._laid_out = True  # the table of laid-out spans may hold something

    def prepare(self) -> None:
        """Create the Memory tables, empty."""
        plans = f"CREATE TABLE IF NOT EXISTS {self._plans} {mapping.PLANS} ENGINE = Memory"
        tables = (flat.table(self._flat), plans, close.table(self._told))
        for ddl in (*tables, staged_columns.table(self.staged)):
            self._command(ddl)
        self._forget()
        self.clear()

    def take(self, path: Path, *, items: int, together: int = 1) -> dict[int, Odd]:
        """Stage every span of a sound segment file that SQL can express; returns the others, by envelope.

        `items` spans are in it; so many envelopes are decoded at once: small blocks keep what is worked out small.
        """
        self.closely = 0
        if not self._known or self._not_tried:
            self._not_tried = max(0, self._not_tried - 1)
            self.lay_out(path, together=together)
            return self.stage()
        self._read(self._known_shapes(), path, together)
        done = self._rows(f"SELECT count() FROM {self.staged}")[0][0]
        if done == items:
            return {}
        if (items - done) * SELDOM > items:
            self._not_tried = _NOT_TRIED
        self._laid_out = True
        self._read(self._rest, path, together)
        return self.stage()

    def tries(self) -> None:
        """The next load tries the short way again, however the last ones went."""
        self._not_tried = 0

    def lay_out(self, path: Path, *, together: int = 1) -> None:
        """Decode a sound segment file into the table of laid-out spans."""
        self._laid_out = True
        self._read(self._all, path, together)

    def _known_shapes(self) -> str:
        """The statement that stages the spans that the plans which are known understand."""
        names = ", ".join(staged_columns.NAMES)
        rows = mapping.rows(flat.rows("{file}"), self._plans, mapping.uses(self._known.values()))
        for name, limit in self._limits.items():
            rows = rows.replace(f"{{{name}:UInt64}}", str(limit))
        return f"INSERT INTO {self.staged} ({names}) SELECT {names} FROM ({rows}) WHERE NOT exact"

    def _read(self, insert: str, path: Path, together: int) -> None:
        settings = f"{schema.SETTINGS}, {_SETTINGS}, max_block_size = {together}"
        self.warehouse.read_file(
            self.warehouse.load, insert, path, fmt="Protobuf", structure=schema.STRUCTURE, settings=settings
        )

    def stage(self) -> dict[int, Odd]:
        """Insert a row into `staged` for every laid-out span that SQL can express; returns the others, by envelope."""
        self.closely = 0
        used = mapping.uses(self._plan_shapes())
        names = ", ".join(staged_columns.NAMES)
        rows = mapping.rows(self._flat, self._plans, used)
        self._command(f"INSERT INTO {self.staged} ({names}) {rows} SETTINGS {_SETTINGS}", self._limits)
        return self._odd_spans()

    def _odd_spans(self) -> dict[int, Odd]:
        """The spans whose rows only hold a place, which is free after this. What Python can tell of them is staged."""
        found = self._rows(f"SELECT ordinal, env FROM {self.staged} WHERE exact ORDER BY ordinal")
        if not found:
            return {}
        read = self._close.read([position for position, _ in found])
        self.closely = len(read)
        self._command(f"ALTER TABLE {self.staged} DELETE WHERE exact")
        if read:
            names = ", ".join(staged_columns.NAMES)
            rows = mapping.closely_read(self._flat, self._told)
            self._command(f"INSERT INTO {self.staged} ({names}) {rows} SETTINGS {_SETTINGS}")
        left: dict[int, set[int]] = {}
        for position, env in found:
            if position not in read:
                left.setdefault(env, set()).add(position)
        if not left:
            return {}
        begun = self._rows(
            f"SELECT env, min(at) FROM (SELECT env, position AS at FROM {self._flat} UNION ALL "
            f"SELECT env, ordinal AS at FROM {self.staged}) GROUP BY env"
        )
        first: dict[int, int] = {int(env): int(position) for env, position in begun}
        return {env: Odd(env, first[env], frozenset(positions)) for env, positions in sorted(left.items())}

    def dropped(self) -> list[Outcome]:
        """The spans that are rows on no path, per project: expired, rejected for invalid ids."""
        if not self._laid_out:
            return []
        found = self._rows(
            f"SELECT project, toString(fate), count() FROM {self._flat} WHERE fate != 'kept' "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )
        return [
            Outcome(project, "expired", items) if fate == "expired" else Outcome(project, "rejected", items, fate)
            for project, fate, items in found
        ]

    def release(self) -> None:
        """Everything but the staged rows: it has been read, and it is most of the memory of a load."""
        if self._laid_out:
            for table in (self._flat, self._told):
                self._command(f"TRUNCATE TABLE {table}")
        self._laid_out = False

    def clear(self) -> None:
        """Empty all tables: the segment is done, or its load is given up."""
        self.release()
        self._command(f"TRUNCATE TABLE {self.staged}")

    def _plan_shapes(self) -> list[Plan]:
        """Decide for every laid-out shape how its spans are read."""
        shapes = [
            tuple(row[0])
            for row in self._rows(f"SELECT DISTINCT shape FROM {self._flat} WHERE fate = 'kept' AND NOT odd")
        ]
        if len(self._known) + len(shapes) > REMEMBERED:
            self._forget()
        plans = {shape: found for shape in shapes if (found := _planned(shape)) is not None}
        new = [_row(*one) for one in plans.items() if one[0] not in self._known]
        names = ("shape", "planned", "op", "how", "place")
        self.warehouse.insert(self.warehouse.load, self._plans, names, new)
        self._known |= plans
        return list(plans.values())

    def _forget(self) -> None:
        """Begin anew with the plans."""
        self._command(f"TRUNCATE TABLE {self._plans}")
        self._known = {}

    def _command(self, sql: str, parameters: dict[str, Any] | None = None) -> None:
        self.warehouse.load.command(sql, parameters=parameters)

    def _rows(self, sql: str, parameters: dict[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = self.warehouse.load.query(sql, parameters).result_rows
        return found


def _row(shape: tuple[int, ...], found: Plan) -> list[Any]:
    return [list(shape), 1, found.op, [int(how) for how, _ in found.picks], [place for _, place in found.picks]]
