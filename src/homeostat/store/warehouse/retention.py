"""Retention: facts are removed by age, and by size, oldest days first. A job on the event clock, never an engine's TTL.

Whole days are dropped as partitions, which is instant and gives the room back. Signals and scores lie in months, so
their expired days are deleted. What was dropped is counted by project, so that the ledger can say `expired`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from homeostat.records.instant import micros
from homeostat.records.outcome import Outcome
from homeostat.store.ledger import expiring
from homeostat.store.ledger.database import Ledger
from homeostat.store.ledger.expiring import Expiring
from homeostat.store.warehouse.client import DATABASE, Warehouse

#: Tables in partitions of a day; the others lie in partitions of a month.
_DAILY: Final = ("exchanges", "spans")
#: Their rows are no items that were accepted; nor are the scores that we made ourselves. They go first, so that what
#: accounting calls expired is shown nowhere.
_DERIVED: Final = ("exchanges", "rollups")
_TABLES: Final = (*_DERIVED, "spans", "signals", "scores")
_ACCEPTED: Final = {"scores": "source != 'homeostat'"}
_COLUMN: Final = {"rollups": "start"}


def run(
    warehouse: Warehouse, ledger: Ledger | None, now: datetime, *, days: int, bytes: int = 0, exact: bool = False
) -> list[Outcome]:
    """Remove what is older than `days`, then oldest days beyond `bytes` on disk (0: no limit). Returns what expired.

    With a ledger its outcomes are moved too, step by step: after a crash they say what is truly gone.
    `exact` removes to the second and not only whole days; it rewrites one day, so it is for those who must.
    """
    expired = _resumed(warehouse.jobs, ledger) if ledger else Counter[str]()
    oldest = now - timedelta(days=days)
    first = max(oldest.date(), _first_day_within(warehouse, bytes, now.date()) if bytes else date.min)
    expired += _expire(warehouse.jobs, ledger, first)
    if exact and first == oldest.date():
        expired += _delete(warehouse.jobs, ledger, _TABLES, oldest)
    return [Outcome(project, "expired", items) for project, items in sorted(expired.items()) if items]


def _resumed(client: Any, ledger: Ledger) -> Counter[str]:
    """A removal that somebody began and died of: what of it is gone has expired; what is left goes its usual way."""
    begun = expiring.pending(ledger)
    if begun is None:
        return Counter()
    gone = Counter(begun.items) - _count(client, begun)
    expiring.done(ledger, gone)
    return gone


def _expire(client: Any, ledger: Ledger | None, first: date) -> Counter[str]:
    """Drop every day before `first`."""
    expired: Counter[str] = Counter()
    for table in _TABLES:
        if table in _DAILY:
            expired += _drop(client, ledger, table, first)
        else:
            expired += _delete(client, ledger, (table,), datetime(first.year, first.month, first.day, tzinfo=UTC))
    return expired


def _drop(client: Any, ledger: Ledger | None, table: str, first: date) -> Counter[str]:
    """Drop the partitions of every day before `first`."""
    expired: Counter[str] = Counter()
    for day in sorted(day for day in _partitions(client, table) if day < first):
        drop = f"ALTER TABLE {table} DROP PARTITION {_number(day)}"
        what = Expiring(table, "toYYYYMMDD(at) = {bound:Int64}", _number(day), {})
        if table in _DERIVED:
            client.command(drop)
        else:
            expired += _remove(client, ledger, what, drop)
    return expired


def _delete(client: Any, ledger: Ledger | None, tables: tuple[str, ...], before: datetime) -> Counter[str]:
    """Delete rows before a moment; tables without any are left alone, because deleting rewrites."""
    expired: Counter[str] = Counter()
    for table in tables:
        where = f"{_COLUMN.get(table, 'at')} < fromUnixTimestamp64Micro({{bound:Int64}}, 'UTC')"
        what = Expiring(table, where, micros(before), {})
        items = table not in _DERIVED
        gone = _remove(
            client,
            ledger if items else None,
            what,
            f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 1",
        )
        if items:
            expired += gone
    return expired


def _remove(client: Any, ledger: Ledger | None, what: Expiring, statement: str) -> Counter[str]:
    """Count, say so, remove, and count as expired: in this order, so that a crash anywhere loses no number."""
    found = _count(client, what)
    if not found:
        return found
    if ledger:
        expiring.begin(ledger, replace(what, items=dict(found)))
    client.command(statement, parameters={"bound": what.bound} if "{bound" in statement else None)
    if ledger:
        expiring.done(ledger, found)
    return found


def _first_day_within(warehouse: Warehouse, limit: int, today: date) -> date:
    """The oldest day that may stay so that everything takes at most `limit` bytes. Today always stays."""
    rows = warehouse.jobs.query(
        "SELECT table, partition, sum(bytes_on_disk) FROM system.parts WHERE active AND database = {name:String} "
        "GROUP BY table, partition",
        {"name": DATABASE},
    ).result_rows
    total = sum(size for _, _, size in rows)
    by_day: Counter[date] = Counter()
    for table, partition, size in rows:
        if table in _DAILY:
            by_day[_day(partition)] += size
    first = date.min
    for day in sorted(by_day):
        if total <= limit or day >= today:
            break
        total -= by_day[day]
        first = day + timedelta(days=1)
    return first


def _partitions(client: Any, table: str) -> list[date]:
    rows = client.query(
        "SELECT DISTINCT partition FROM system.parts "
        "WHERE active AND database = {name:String} AND table = {table:String}",
        {"name": DATABASE, "table": table},
    ).result_rows
    return [_day(partition) for (partition,) in rows]


def _count(client: Any, what: Expiring) -> Counter[str]:
    """Items by project; a project whose rows are none has a zero."""
    accepted = f"countIf({_ACCEPTED.get(what.table, 'true')})"
    sql = f"SELECT toString(project), {accepted} FROM {what.table} WHERE {what.where} GROUP BY project"  # noqa: S608
    return Counter(dict(client.query(sql, {"bound": what.bound}).result_rows))


def _day(partition: str) -> date:
    return datetime.strptime(partition, "%Y%m%d").date()


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
