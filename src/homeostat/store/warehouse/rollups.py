"""Rollups: what charts ask for, added up by project and hour. Rebuilt from the raw rows, never added to.

No materialized view feeds them: exchanges are rewritten, merged and erased, and a sum that only grows cannot follow.
The ledger's marks say which hours changed, and in which minutes; `run` rebuilds the hours that are over and have been
quiet for a while. Of a busy hour that is not, it adds up by minute what has settled. Until then, and whenever the
rollups do not hold what is asked, questions go to the raw rows and give the same numbers.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from homeostat.records.instant import EPOCH, micros
from homeostat.store.ledger import marks
from homeostat.store.ledger.database import Ledger
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import moment
from homeostat.store.warehouse.questions.fields import FIELDS
from homeostat.store.warehouse.questions.measures.buckets import index_sql
from homeostat.store.warehouse.questions.measures.hours import MAX_PIECES, Builds, bit, builds, joined, seconds
from homeostat.store.warehouse.questions.measures.names import COARSE, ROLLED, ROLLED_BUCKETS
from homeostat.store.warehouse.questions.measures.steps import HOUR, MINUTE, SECOND

#: An exchange can change by waiting alone for 60 s (an orphan becomes an answer, an open one settles): nothing is built
#: before all that it holds has. Besides, what was built before is left alone until it got nothing for so long.
QUIET: Final = timedelta(seconds=70)
#: A minute that was never built waits less: spans come together, and what is raw costs whoever asks.
SOON: Final = timedelta(seconds=10)
#: A minute of fewer rows is read as quickly as it is.
WORTHWHILE: Final = 500
#: Hours looked at or rebuilt in one query, so that neither its text nor its memory grows without limit.
BATCH: Final = 48
_FINAL: Final = "SETTINGS do_not_merge_across_partitions_select_final = 1, max_partitions_per_insert_block = 0"
_STARTS: Final = {HOUR: "toStartOfHour(at)", MINUTE: "toStartOfMinute(at)"}
_DIMENSIONS: Final = (
    "is_answer", "is_call", "model", "requested_model", "provider", "release", "environment", "status", "prompt_name",
    "prompt_version", "name",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did: hours rebuilt, minutes built in hours that still change, such hours, and hours that were marked
    again meanwhile.
    """

    rebuilt: int = 0
    minutes: int = 0
    busy: int = 0
    again: int = 0


@dataclass(slots=True)
class _Hour:
    """A marked hour (seconds since 1970): its minutes that are not built as they are, and what may be built of it."""

    hour: datetime
    start: int
    mark: int
    unbuilt: list[int]
    quiet: bool = False
    settled: list[int] = dataclasses.field(default_factory=list)


def run(warehouse: Warehouse, ledger: Ledger, now: datetime, *, limit: int = 2000) -> Done:
    """Rebuild marked hours that are quiet, the ones that have waited longest first, and settled minutes of others."""
    waiting = _waiting(warehouse, ledger, now, limit)
    if any(hour.quiet for hours in waiting.values() for hour in hours):
        # Before, not after: a question that has just looked up which builds count must still find them.
        forget(warehouse)
    rebuilt = minutes = busy = again = 0
    for project, hours in waiting.items():
        ready = [hour for hour in hours if hour.quiet]
        for start in range(0, len(ready), BATCH):
            batch = ready[start : start + BATCH]
            rebuild(warehouse, project, [hour.start for hour in batch])
            for hour in batch:
                # A mark that moved while we read tells of rows that we may not have seen: the hour stays marked.
                cleared = marks.clear(ledger, project, hour.hour, hour.mark)
                rebuilt, again = rebuilt + cleared, again + (not cleared)
        busy += len(hours) - len(ready)
        parts = {hour.hour: hour.settled for hour in hours if hour.settled}
        if parts:
            settled = [minute for part in parts.values() for minute in part]
            # What is marked from here on stays marked: we may not see those rows.
            marks.begin(ledger, project, {hour: sum(map(bit, part)) for hour, part in parts.items()})
            rebuild(warehouse, project, settled, MINUTE)
            marks.end(ledger, project, parts)
            minutes += len(settled)
    return Done(rebuilt, minutes, busy, again)


def mark_missing(warehouse: Warehouse, ledger: Ledger) -> int:
    """Mark every hour that holds exchanges and was never built; returns how many. For the start of a core.

    Usually none: the loader marks what it loads. It heals a restored ledger, and rows that something else wrote.
    """
    rows = warehouse.jobs.query(
        "SELECT toString(project), hour FROM (SELECT project, toStartOfHour(at) AS hour, 1 AS raw, 0 AS built "  # noqa: S608
        "FROM exchanges GROUP BY project, hour UNION ALL "
        "SELECT project, toDateTime64(start, 6, 'UTC') AS hour, 0 AS raw, 1 AS built FROM rollups "
        f"WHERE grain = 'marker' AND seconds = {HOUR}) GROUP BY project, hour HAVING max(raw) AND NOT max(built)"
    ).result_rows
    missing = [(project, EPOCH + timedelta(seconds=seconds(hour)), marks.EVERY) for project, hour in rows]
    marks.add_missing(ledger, missing)
    return len(rows)


def _waiting(warehouse: Warehouse, ledger: Ledger, now: datetime, limit: int) -> dict[str, list[_Hour]]:
    """Marked hours by project, and what may be built of them."""
    marked = marks.all(ledger, limit)
    if not marked:
        return {}
    starts = [seconds(hour) for _, hour, _, _ in marked]
    built = builds(warehouse, sorted({mark[0] for mark in marked}), min(starts), max(starts) + HOUR)
    waiting: dict[str, list[_Hour]] = defaultdict(list)
    for (project, hour, changed, mark), start in zip(marked, starts, strict=True):
        known = built[project].minutes
        unbuilt = [m for m in range(start, start + HOUR, MINUTE) if m not in known or changed & bit(m)]
        waiting[project].append(_Hour(hour, start, mark, unbuilt))
    for project, hours in waiting.items():
        hours.sort(key=lambda one: one.start)
        for first in range(0, len(hours), BATCH):
            _look(warehouse, project, hours[first : first + BATCH], built[project], now)
    return waiting


def _look(warehouse: Warehouse, project: str, hours: Sequence[_Hour], built: Builds, now: datetime) -> None:
    """Say which of the hours are over and quiet, and of the others which minutes are, and are worth it."""
    at = micros(now)
    where, parameters = _of(project, [minute for hour in hours for minute in hour.unbuilt], MINUTE)
    # Without FINAL: an older version that is young enough tells that its newer one is, too, and this runs often.
    rows = warehouse.jobs.query(
        "SELECT toInt64(toUnixTimestamp(toStartOfMinute(at))) AS minute, count(), "  # noqa: S608
        "toUnixTimestamp64Micro(max(received)), toUnixTimestamp64Micro(max(greatest(answer_from, settles))) "
        f"FROM exchanges WHERE {where} GROUP BY minute",
        parameters,
    ).result_rows
    found = {minute: (count, received) for minute, count, received, settled in rows if settled <= at}
    restless = {row[0] for row in rows} - set(found)
    quiet, soon = micros(now - QUIET), micros(now - SOON)
    for hour in hours:
        mine = [found[minute] for minute in hour.unbuilt if minute in found]
        calm = restless.isdisjoint(hour.unbuilt) and all(received <= quiet for _, received in mine)
        hour.quiet = calm and (hour.start + HOUR) * SECOND <= at
        if hour.quiet:
            continue
        for minute in hour.unbuilt:
            count, received = found.get(minute, (0, 0))
            early_enough = received <= (quiet if minute in built.minutes else soon)
            if count >= WORTHWHILE and early_enough and (minute + MINUTE) * SECOND <= at:
                hour.settled.append(minute)


def rebuild(warehouse: Warehouse, project: str, starts: Sequence[int], length: int = HOUR) -> int:
    """Add up these hours, or minutes, anew (their starts in seconds since 1970); returns the build's number.

    The sums are written first and the markers after them: a build without its marker does not count, so a reader sees
    an hour whole or not at all, also when we die in between.
    """
    client = warehouse.jobs
    newest = "SELECT max(build) FROM rollups WHERE project = {project:String}"  # also of a build that died half made
    build = 1 + client.query(newest, {"project": project}).result_rows[0][0]
    where, parameters = _of(project, starts, length)
    parameters |= {"build": build, "starts": list(starts)}
    where += f" AND toInt64(toUnixTimestamp({_STARTS[length]})) IN {{starts:Array(Int64)}}"
    client.command(_insert(length, where), parameters=parameters)
    markers = [[project, "marker", EPOCH + timedelta(seconds=start), length, build] for start in starts]
    client.insert("rollups", markers, column_names=["project", "grain", "start", "seconds", "build"])
    return int(build)


def _insert(length: int, where: str) -> str:
    """Twice: by every dimension, and coarse, by the few that most charts ask for."""
    columns = ["project", "grain", "start", "seconds", "build", *_DIMENSIONS, "n", *ROLLED]
    values = ["project", "if(grouping(provider) = 1, 'coarse', 'fine')", f"{_STARTS[length]} AS started"]
    values += [str(length), "{build:UInt64}", *_DIMENSIONS, "count()"]
    for field in ROLLED:
        x = f"toFloat64({FIELDS[field].sql})"
        values.append(
            f"(count({x}), ifNull(sum({x}), 0), ifNull(sum({x} * {x}), 0), "
            f"toFloat64(ifNull(min({x}), 0)), toFloat64(ifNull(max({x}), 0)))"
        )
    for field, name in ROLLED_BUCKETS.items():
        x = f"toFloat64({FIELDS[field].sql})"
        columns += [f"{name}_buckets", f"{name}_counts"]
        counts = f"sumMapIf([{index_sql(f'assumeNotNull({x})')}], [toUInt32(1)], {x} IS NOT NULL)"
        values += [f"({counts} AS {name}_map).1", f"{name}_map.2"]
    return (
        f"INSERT INTO rollups ({', '.join(columns)}) SELECT {', '.join(values)} FROM exchanges FINAL "  # noqa: S608
        f"WHERE {where} AND (is_answer OR is_call) GROUP BY GROUPING SETS "
        f"((project, started, {', '.join(_DIMENSIONS)}), (project, started, is_answer, is_call, {', '.join(COARSE)})) "
        f"{_FINAL}"
    )


def forget(warehouse: Warehouse, *, least: int = 20_000) -> int:
    """Delete builds that no longer count where they outweigh those that do; returns how many months were cleaned.

    What is older than the newest build of its whole hour does not. It takes room, so it can wait: deleting rewrites a
    month, which costs more than many rebuilds.
    """
    client = warehouse.jobs
    crowded = client.query(
        "SELECT project, month, groupArray(toInt64(toUnixTimestamp(hour))), groupArray(newest) FROM ("  # noqa: S608
        "SELECT project, toYYYYMM(start) AS month, toStartOfHour(start) AS hour, count() AS n, "
        f"maxIf(build, grain = 'marker' AND seconds = {HOUR}) AS newest, "
        "arraySum(arrayFilter((k, b) -> b < newest, groupArray(1), groupArray(build))) AS dead "
        "FROM rollups GROUP BY project, month, hour) GROUP BY project, month "
        "HAVING sum(dead) > greatest({least:UInt64}, sum(n) - sum(dead))",
        {"least": least},
    ).result_rows
    for project, month, hours, newest in crowded:
        client.command(
            f"ALTER TABLE rollups DELETE IN PARTITION {int(month)} WHERE project = {{project:String}} "
            "AND build < transform(toInt64(toUnixTimestamp(toStartOfHour(start))), {hours:Array(Int64)}, "
            "{newest:Array(UInt64)}, toUInt64(0)) SETTINGS mutations_sync = 1",
            parameters={"project": project, "hours": list(hours), "newest": list(newest)},
        )
    return len(crowded)


def _of(project: str, starts: Sequence[int], length: int) -> tuple[str, dict[str, Any]]:
    """Raw rows of these hours, or minutes, and of what may lie between them, as the index finds them; parameters."""
    parameters: dict[str, Any] = {"project": project}
    within = []
    for i, span in enumerate(joined(((start, start + length) for start in starts), MAX_PIECES)):
        for name, edge in zip((f"low{i}", f"high{i}"), span, strict=True):
            parameters[name] = edge * SECOND
        within.append(f"(at >= {moment(f'low{i}')} AND at < {moment(f'high{i}')})")
    return f"project = {{project:String}} AND ({' OR '.join(within) or 'false'})", parameters
