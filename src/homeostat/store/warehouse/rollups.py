"""Rollups: what charts ask for, added up by project and hour. Rebuilt from the raw rows, never added to.

No materialized view feeds them: exchanges are rewritten, merged and erased, and a sum that only grows cannot follow.
The ledger's marks say which hours changed; `run` rebuilds those that have been quiet for a while. Until then, and
whenever the rollups do not hold what is asked, questions go to the raw rows and give the same numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from homeostat.records.instant import EPOCH, micros
from homeostat.store.ledger import marks
from homeostat.store.ledger.database import Ledger
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.measures.buckets import index_sql
from homeostat.store.warehouse.questions.measures.hours import seconds
from homeostat.store.warehouse.questions.measures.names import COARSE, ROLLED, ROLLED_BUCKETS, number_sql

#: An exchange can change by waiting alone for 60 s (an orphan becomes an answer, an open one settles). An hour that got
#: nothing for longer than that gives the same sums from then on.
QUIET: Final = timedelta(seconds=70)
#: Hours rebuilt in one query, so that neither its text nor its memory grows without limit.
BATCH: Final = 48
_FINAL: Final = "SETTINGS do_not_merge_across_partitions_select_final = 1, max_partitions_per_insert_block = 0"
#: Raw rows of some hours; the window first, because the index knows it.
_WHERE: Final = (
    "project = {project:String} AND at >= fromUnixTimestamp64Micro({low:Int64}, 'UTC') "
    "AND at < fromUnixTimestamp64Micro({high:Int64}, 'UTC') "
    "AND toInt64(toUnixTimestamp(toStartOfHour(at))) IN {hours:Array(Int64)}"
)
_DIMENSIONS: Final = (
    "is_answer", "is_call", "model", "requested_model", "provider", "release", "environment", "status", "prompt_name",
    "prompt_version", "name",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did: hours rebuilt, hours that still change, hours that were marked again meanwhile."""

    rebuilt: int = 0
    busy: int = 0
    again: int = 0


def run(warehouse: Warehouse, ledger: Ledger, now: datetime, *, limit: int = 2000) -> Done:
    """Rebuild marked hours that are quiet, the ones that have waited longest first."""
    waiting: dict[str, dict[int, tuple[datetime, int]]] = defaultdict(dict)
    for project, hour, mark in marks.all(ledger, limit):
        waiting[project][seconds(hour)] = (hour, mark)
    quiet = {
        project: sorted(set(hours) - unquiet(warehouse, project, hours, now)) for project, hours in waiting.items()
    }
    busy = sum(len(hours) - len(quiet[project]) for project, hours in waiting.items())
    rebuilt = again = 0
    if any(quiet.values()):
        # Before, not after: a question that has just looked up which builds count must still find them.
        forget(warehouse)
    for project, ready in quiet.items():
        for start in range(0, len(ready), BATCH):
            batch = ready[start : start + BATCH]
            rebuild(warehouse, project, batch)
            for second in batch:
                # A mark that moved while we read tells of rows that we may not have seen: the hour stays marked.
                cleared = marks.clear(ledger, project, *waiting[project][second])
                rebuilt, again = rebuilt + cleared, again + (not cleared)
    return Done(rebuilt, busy, again)


def mark_missing(warehouse: Warehouse, ledger: Ledger) -> int:
    """Mark every hour that holds exchanges and was never built; returns how many. For the start of a core.

    Usually none: the loader marks what it loads. It heals a restored ledger, and rows that something else wrote.
    """
    rows = warehouse.jobs.query(
        "SELECT toString(project), hour FROM (SELECT project, toStartOfHour(at) AS hour, 1 AS raw, 0 AS built "
        "FROM exchanges GROUP BY project, hour UNION ALL "
        "SELECT project, toDateTime64(hour, 6, 'UTC') AS hour, 0 AS raw, 1 AS built FROM rollups WHERE marker) "
        "GROUP BY project, hour HAVING max(raw) AND NOT max(built)"
    ).result_rows
    marks.add(ledger, [(project, EPOCH + timedelta(seconds=seconds(hour))) for project, hour in rows], 0)
    return len(rows)


def unquiet(warehouse: Warehouse, project: str, hours: Iterable[int], now: datetime) -> set[int]:
    """Those of the hours (seconds since 1970) that may still change without a new row."""
    wanted = sorted(hours)
    found: set[int] = set()
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        # Without FINAL: an older version that is young enough tells that its newer one is, too, and this runs often.
        rows = warehouse.jobs.query(
            f"SELECT DISTINCT toInt64(toUnixTimestamp(toStartOfHour(at))) FROM exchanges WHERE {_WHERE} "  # noqa: S608
            "AND (received > fromUnixTimestamp64Micro({quiet:Int64}, 'UTC') "
            "OR greatest(answer_from, settles) > fromUnixTimestamp64Micro({now:Int64}, 'UTC'))",
            _parameters(project, batch) | {"quiet": micros(now - QUIET), "now": micros(now)},
        ).result_rows
        found |= {row[0] for row in rows}
    return found


def rebuild(warehouse: Warehouse, project: str, hours: Sequence[int]) -> int:
    """Add up these hours (seconds since 1970) anew; returns the build's number.

    The sums are written first and the markers after them: a build without its marker does not count, so a reader sees
    an hour whole or not at all, also when we die in between.
    """
    client = warehouse.jobs
    parameters = _parameters(project, hours)
    build = (
        1
        + client.query("SELECT max(build) FROM rollups WHERE project = {project:String}", parameters).result_rows[0][0]
    )
    client.command(_insert(), parameters=parameters | {"build": build})
    markers = [[project, True, EPOCH + timedelta(seconds=second), build, True] for second in hours]
    client.insert("rollups", markers, column_names=["project", "coarse", "hour", "build", "marker"])
    return int(build)


def _insert() -> str:
    """Twice: by every dimension, and coarse, by the few that most charts ask for."""
    columns = ["project", "coarse", "hour", "build", "marker", *_DIMENSIONS, "n", *ROLLED]
    values = ["project", "grouping(provider) = 1", "toStartOfHour(at) AS hour_of", "{build:UInt64}", "false"]
    values += [*_DIMENSIONS, "count()"]
    for field in ROLLED:
        x = f"toFloat64({number_sql(field)})"
        values.append(
            f"(count({x}), ifNull(sum({x}), 0), ifNull(sum({x} * {x}), 0), "
            f"toFloat64(ifNull(min({x}), 0)), toFloat64(ifNull(max({x}), 0)))"
        )
    for field, name in ROLLED_BUCKETS.items():
        x = f"toFloat64({number_sql(field)})"
        columns += [f"{name}_buckets", f"{name}_counts"]
        counts = f"sumMapIf([{index_sql(f'assumeNotNull({x})')}], [toUInt32(1)], {x} IS NOT NULL)"
        values += [f"({counts} AS {name}_map).1", f"{name}_map.2"]
    return (
        f"INSERT INTO rollups ({', '.join(columns)}) SELECT {', '.join(values)} FROM exchanges FINAL "  # noqa: S608
        f"WHERE {_WHERE} AND (is_answer OR is_call) GROUP BY GROUPING SETS "
        f"((project, hour_of, {', '.join(_DIMENSIONS)}), (project, hour_of, is_answer, is_call, {', '.join(COARSE)})) "
        f"{_FINAL}"
    )


def forget(warehouse: Warehouse, *, least: int = 20_000) -> int:
    """Delete builds that no longer count where they outweigh those that do; returns how many months were cleaned.

    They take room but never count, so this can wait: deleting rewrites a month, which costs more than many rebuilds.
    """
    client = warehouse.jobs
    crowded = client.query(
        "SELECT project, month, groupArray(toInt64(toUnixTimestamp(hour))), groupArray(newest) FROM ("
        "SELECT project, toYYYYMM(hour) AS month, hour, maxIf(build, marker) AS newest, count() AS n, "
        "arraySum(arrayFilter((k, b) -> b < newest, groupArray(1), groupArray(build))) AS dead "
        "FROM rollups GROUP BY project, month, hour) GROUP BY project, month "
        "HAVING sum(dead) > greatest({least:UInt64}, sum(n) - sum(dead))",
        {"least": least},
    ).result_rows
    for project, month, hours, newest in crowded:
        client.command(
            f"ALTER TABLE rollups DELETE IN PARTITION {int(month)} WHERE project = {{project:String}} "
            "AND build < transform(toInt64(toUnixTimestamp(hour)), {hours:Array(Int64)}, {newest:Array(UInt64)}, "
            "toUInt64(0)) SETTINGS mutations_sync = 1",
            parameters={"project": project, "hours": list(hours), "newest": list(newest)},
        )
    return len(crowded)


def _parameters(project: str, hours: Sequence[int]) -> dict[str, Any]:
    low, high = min(hours, default=0), max(hours, default=0) + 3600
    return {"project": project, "hours": list(hours), "low": low * 1_000_000, "high": high * 1_000_000}
