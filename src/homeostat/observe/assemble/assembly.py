"""Staged rows to stored spans and exchanges: the loader's fifth step."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final

import numpy as np

from homeostat.observe import staged as staging
from homeostat.observe.assemble import answers, calls, finish, keys, lone, places, rows, tree
from homeostat.observe.assemble.relatives import Kin, Relatives, moment
from homeostat.observe.prices import Overrides, Pair, Prices
from homeostat.store.ledger.marks import Mark
from homeostat.store.warehouse.client import Warehouse

#: The minute of a row as a mark tells it: a bit of its hour.
_MINUTE: Final = "bitShiftLeft(toUInt64(1), toMinute(at))"
_WRITE: Final = f"{finish.SETTINGS}, max_insert_threads = 1, {finish.WRITE}"


@dataclass(frozen=True, slots=True)
class Assembled:
    """What became of the staged rows."""

    stored: dict[str, int]  # rows by project
    doubled: dict[str, int]  # rows by project that were here or stored already
    marks: frozenset[Mark]  # hours whose exchanges changed, by project, and the minutes


@dataclass(slots=True)
class _Summary:
    """Of the rows of a load."""

    stored: dict[str, int] = field(default_factory=dict)  # by project
    models: set[Pair] = field(default_factory=set)  # that were called
    marks: set[Mark] = field(default_factory=set)  # hours and minutes of rows that are exchanges, were each alone


class Assembly:
    """Works on one staging table, with tables of its own beside it (Memory, named after it)."""

    def __init__(
        self,
        warehouse: Warehouse,
        staged: str,
        *,
        kin: Kin | None = None,
        overrides: Callable[[str], Overrides] = lambda _: {},
    ) -> None:
        """`overrides`: the prices that a project chose for itself."""
        self._client = warehouse.load
        self._staged = staged
        self._clean = f"{staged}_clean"
        self._rows = f"{staged}_rows"
        self._nodes = f"{staged}_nodes"
        self._tree = f"{staged}_tree"
        self._places = f"{staged}_places"
        self._calls = f"{staged}_calls"
        self._kin = kin or Kin(warehouse)
        self._prices = Prices()
        self._overrides = overrides
        self._filled: set[str] = set()  # own tables that may hold something

    def prepare(self) -> None:
        """Its own tables, empty."""
        run = self._client.command
        for name in self._own():
            run(f"DROP TABLE IF EXISTS {name}")
        self._filled.clear()
        run(staging.table(self._clean))
        run(f"CREATE TABLE {self._rows} ({', '.join(f'{name} {kind}' for name, kind in rows.COLUMNS)}) ENGINE = Memory")
        run(f"CREATE TABLE {self._nodes} ({', '.join(f'{name} {kind}' for name, kind in rows.COLUMNS)}, "
            "first_received DateTime64(6, 'UTC')) ENGINE = Memory")  # fmt: skip
        run(tree.table(self._tree))
        columns = ", ".join(f"{name} {kind}" for name, kind in places.COLUMNS)
        run(f"CREATE TABLE {self._places} ({columns}) ENGINE = Memory")
        columns = f"* EXCEPT (version, gone), toUInt64(0) AS top_trace, {keys.NO_SPAN} AS top_id"
        run(f"CREATE TABLE {self._calls} ENGINE = Memory EMPTY AS SELECT {columns} FROM exchanges")

    def clear(self) -> None:
        """Empty its tables."""
        self._clear_tables(self._own())

    def store(
        self,
        segment: int,
        version: int,
        received: int,
        seam: Callable[[str], None] = lambda _: None,
    ) -> Assembled:
        """Store what is staged: `spans` first, then the exchanges that it makes or changes. `received`: unix µs."""
        here = self._kin.staged(self._staged)
        kin = self._kin.find(here)
        relation, doubled = self._without_doubles(kin)
        self._client.command(self._spans(relation, segment))
        self._kin.remember(here, received)
        seam("spans")
        told = self._summary(relation)
        called = {project for project, *_ in told.models}
        self._prices.ensure(self._client, told.models, {project: self._overrides(project) for project in called})
        if len(kin.touched):
            alone = not np.isin(here.traces, kin.touched).all()
            marks = self._exchanges(relation, kin, version, seam, alone=alone)
        else:
            marks = told.marks
            seam("drafted")
            self._lone(relation, version, told.models)
            seam("exchanges")
        return Assembled(told.stored, doubled, frozenset(marks))

    def bury(self, since: int, version: int) -> set[Mark]:
        """Tombstones for exchanges written from version `since` on whose own rows were taken back."""
        written = f"SELECT * FROM exchanges WHERE version >= {since} AND gone = 0"
        bounds = f"at BETWEEN (SELECT min(at) FROM ({written})) AND (SELECT max(at) FROM ({written}))"
        gone = (
            f"SELECT DISTINCT project, at, trace_id, span_id FROM ({written}) "
            f"WHERE row_key NOT IN (SELECT row_key FROM spans WHERE {bounds})"
        )
        marks = self._marks(f"({gone})")
        if marks:
            self._entomb(gone, version)
        return marks

    def _without_doubles(self, kin: Relatives) -> tuple[str, dict[str, int]]:
        """The staged rows without those that are here twice or stored already, and how many those were by project."""
        if not kin.doubled and not len(kin.repeated):
            return self._staged, {}
        new = f"row_key NOT IN ({_numbers(kin.repeated)})" if len(kin.repeated) else "1"
        self._clear_tables((self._clean,))
        self._filled.add(self._clean)
        self._client.command(
            f"INSERT INTO {self._clean} SELECT * FROM {self._staged} WHERE {new} "
            "ORDER BY env, ordinal LIMIT 1 BY row_key SETTINGS max_query_size = 10000000"
        )
        left = self._client.query(
            f"SELECT project, sum(n) FROM (SELECT project, 1 AS n FROM {self._staged} UNION ALL "
            f"SELECT project, -1 AS n FROM {self._clean}) GROUP BY project HAVING sum(n) > 0"
        )
        return self._clean, dict(left.result_rows)

    @staticmethod
    def _spans(relation: str, segment: int) -> str:
        """The statement that stores the facts."""
        kept = [name for name in staging.NAMES if name not in ("env", "ordinal", "exact", "ident")]
        names = ", ".join((*kept, *staging.KEYS))
        return f"INSERT INTO spans ({names}, segment) SELECT {names}, {segment} FROM {relation} SETTINGS {_WRITE}"

    def _summary(self, relation: str) -> _Summary:
        """What the rows are about, asked once."""
        found = self._client.query(
            "SELECT project, op, provider, model, requested_model, toStartOfHour(at) AS hour, count(), "
            f"groupBitOrIf({_MINUTE}, {lone.TELLS}) FROM {relation} "
            "GROUP BY project, op, provider, model, requested_model, hour SETTINGS max_threads = 1"
        ).result_rows
        told = _Summary()
        for project, op, provider, model, requested, hour, count, minutes in found:
            told.stored[project] = told.stored.get(project, 0) + count
            if (model or requested) and op in lone.CALLS:
                told.models.add((project, provider, model or requested))
            if minutes:
                told.marks.add((project, hour.replace(tzinfo=UTC), minutes))
        return told

    def _lone(self, relation: str, version: int, models: set[Pair]) -> None:
        """Write the exchanges of rows that are all alone."""
        plain = self._prices.plain(models)
        if plain is None:
            self._run(finish.insert(finish.priced(f"({lone.drafts(relation)})"), version), more=finish.WRITE)
        else:
            self._run(lone.insert(relation, version), plain, finish.WRITE)

    def _exchanges(
        self, relation: str, kin: Relatives, version: int, seam: Callable[[str], None], *, alone: bool
    ) -> set[Mark]:
        """Write the exchanges of the staged traces; those that have rows stored already anew. `alone`: some have no
        relatives.
        """
        self._clear_tables(self._own()[1:])
        self._filled.update(self._own()[1:])
        self._lay_out(relation, kin)
        seam("drafted")
        columns = ", ".join(finish.stored_columns())
        drafts = calls.drafts(self._tree)
        if alone:
            drafts += f" UNION ALL {lone.drafts(relation, f'trace_key NOT IN ({_numbers(kin.touched)})')}"
        self._run(
            f"INSERT INTO {self._calls} ({columns}, top_trace, top_id) "
            f"SELECT {columns}, top_trace, top_id FROM ({finish.priced(f'({drafts})')})"
        )
        ids = f"(SELECT {answers.IDS} FROM {self._calls} UNION ALL {answers.ids(self._tree)})"
        marks = self._marks(ids)
        gone = self._gone(kin, ids)
        buried = self._marks(f"({gone})") if gone else set()
        fresh = f"SELECT {columns} FROM {self._calls} UNION ALL {answers.exchanges(self._tree, self._calls)}"
        self._run(finish.insert(fresh, version), more=finish.WRITE)
        seam("exchanges")
        if buried:
            self._entomb(gone, version)
        seam("tombstones")
        return marks | buried

    def _entomb(self, gone: str, version: int) -> None:
        self._run(
            "INSERT INTO exchanges (project, at, trace_id, span_id, version, gone) "
            f"SELECT *, {version}, 1 FROM ({gone})"
        )

    def _lay_out(self, relation: str, kin: Relatives) -> None:
        """The touched traces as nodes in their places."""
        self._gather(relation, kin)
        self._run(
            f"INSERT INTO {self._nodes} ({_names(nodes=True)}) "
            f"SELECT {_names(nodes=True)} FROM ({tree.nodes(self._rows)})"
        )
        found = places.find(self._client.raw_query(places.query(self._nodes), fmt="RowBinary"))
        if not len(found[0]):
            return
        names = [name for name, _ in places.COLUMNS]
        self._client.insert(self._places, found, column_names=names, column_oriented=True)
        placed = tree.placed(self._nodes, self._places, differing=self._differing())
        self._run(f"INSERT INTO {self._tree} {placed}")

    def _gather(self, relation: str, kin: Relatives) -> None:
        """The rows of the touched traces: staged, and stored before these, also by an earlier piece of the segment."""
        names = _names()
        run = self._run
        touched = f"trace_key IN ({_numbers(kin.touched)})"
        run(f"INSERT INTO {self._rows} ({names}) {rows.select(relation)} WHERE {touched}")
        if len(kin.stored):
            run(f"INSERT INTO {self._rows} ({names}) {rows.select('spans')} "
                f"PREWHERE trace_key IN ({_numbers(kin.stored)}) "
                f"WHERE row_key NOT IN (SELECT row_key FROM {relation} WHERE {touched}) "
                f"AND at BETWEEN {moment(kin.lowest)} AND {moment(kin.highest)}")  # fmt: skip

    def _differing(self) -> bool:
        """Whether a trace disagrees with itself about user, session, release …"""
        row = self._client.query(
            f"SELECT max(d) FROM (SELECT {_differs()} AS d FROM {self._nodes} GROUP BY trace_key)"
        ).result_rows[0]
        return bool(row[0])

    def _gone(self, kin: Relatives, ids: str) -> str:
        """Stored exchanges that are none any more: merged into others, or of another time. Empty: there are none."""
        if not len(kin.stored):
            return ""
        return f"""SELECT project, at, trace_id, span_id FROM exchanges
            WHERE at BETWEEN {moment(kin.lowest)} AND {moment(kin.highest)} AND trace_key IN ({_numbers(kin.stored)})
                AND (trace_key, span_id) IN (SELECT trace_key, span_id FROM {self._tree})
                AND (trace_key, span_id, at) NOT IN (SELECT trace_key, span_id, at FROM {ids})
            GROUP BY project, at, trace_id, span_id HAVING argMax(gone, version) = 0"""

    def _marks(self, relation: str) -> set[Mark]:
        found = self._client.query(
            f"SELECT project, toStartOfHour(at) AS hour, groupBitOr({_MINUTE}) FROM {relation} GROUP BY project, hour "
            "SETTINGS max_query_size = 10000000"
        )
        return {(project, hour.replace(tzinfo=UTC), minutes) for project, hour, minutes in found.result_rows}

    def _clear_tables(self, names: Iterable[str]) -> None:
        for name in self._filled.intersection(names):
            self._client.command(f"TRUNCATE TABLE IF EXISTS {name}")
            self._filled.discard(name)  # not before: a table that could not be emptied is not empty

    def _run(self, sql: str, parameters: dict[str, Any] | None = None, more: str = "") -> None:
        settings = ", ".join(filter(None, (finish.SETTINGS, more)))
        self._client.command(f"{sql} SETTINGS {settings}", parameters=parameters)

    def _own(self) -> tuple[str, ...]:
        return (self._clean, self._rows, self._nodes, self._tree, self._places, self._calls)


def _names(*, nodes: bool = False) -> str:
    return ", ".join((*rows.NAMES, "first_received") if nodes else rows.NAMES)


def _numbers(values: Any) -> str:
    return ",".join(map(str, np.asarray(values).tolist()))


def _differs() -> str:
    return " OR ".join(f"uniqExactIf({name}, {name} != '') > 1" for name in rows.CONTEXT)
