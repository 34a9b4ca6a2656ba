"""What detectors are ticked with: for each unit and minute how many values there were, and their sum.

One question brings many minutes and many columns, so that catching up costs what the data costs and not what the time
does. A column is a value of an exchange (or NULL: this exchange has none). Three relations: exchanges, exchanges with
their scores, signals with the exchange that they are about. What a shadow said nobody got: it is in none of them.

An exchange counts in the minute in which it ended, or, when it was known only later, in the first minute that has not
been ticked yet: a closed minute is never opened again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.records.instant import as_datetime
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import drawn, related
from homeostat.store.warehouse.questions.bound import SAID_WINDOW, WINDOW, Bound, moment
from homeostat.store.warehouse.questions.feed import READY
from homeostat.store.warehouse.questions.fields import COMPARE, FIELDS, GIVEN
from homeostat.store.warehouse.questions.filters import Condition, Filters, number
from homeostat.store.warehouse.questions.measures import native, sources
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.routed import routed

Family = Literal["fact", "score", "signal"]
Unit = Literal["user", "session", "exchange"]
MINUTE: Final = 60_000_000
STEPS: Final = 6
"""So many parts of a minute are told apart: what is sure in the middle of it need not be so at its end."""
WINDOW_MICROS: Final = 3_600_000_000
"""A unit counts once in such a window."""
_WEEK: Final = 7 * 86_400_000_000
_BACK: Final = 6 * 3_600_000_000
"""Signals about older exchanges are described, and never ticked."""
_MOST_NAMES: Final = 30
_FAST: Final = 600_000_000
"""Signals that come within this time of their exchange tell whether signals come at all."""
_UNIT: Final[dict[Unit, str]] = {
    "user": "multiIf(user_id != '', concat('u', user_id), session_id != '', concat('s', session_id), hex(trace_id))",
    "session": "if(session_id != '', concat('s', session_id), hex(trace_id))",
    "exchange": "concat(hex(trace_id), hex(span_id))",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One value of each exchange: a score or signal of this name, a number, or whether a condition holds."""

    name: str = ""
    """Of the score or signal; empty for facts."""
    number: str = ""
    """The field; empty: the value itself (scores, signals), or the condition."""
    condition: Condition | None = None
    where: Filters = field(default_factory=Filters)
    rung: str = ""
    fast: bool = False
    """Signals only: those that came within ten minutes of their exchange, each a 1; no name: all of them."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What to take: everything that became known after `after`, up to `until` (both µs), into minutes from `floor`."""

    after: int
    until: int
    floor: int
    end: int = 0
    """The last of the minutes ends here, when that is later than `until`: told before it was over, by some clocks."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One row for each (minute, unit, segment), or for each exchange."""

    minute: NDArray[Any]
    unit: NDArray[Any]
    """Hash of the unit."""
    window: NDArray[Any]
    """Hours since 1970 in which the exchange began: never changes, so nothing can be counted twice."""
    release: list[str]
    segment: list[str]
    count: NDArray[Any]
    """[columns, rows]"""
    total: NDArray[Any]
    late: NDArray[Any] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    """Of single exchanges: it ended long before it became ready, so it may have been told before; empty: none is."""
    share: float = 1.0
    """Of the units: less than all of them where there are very many."""
    step: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.int64))
    """The part of a minute in which it began, counted since 1970; empty: nobody knows."""
    route: list[str] = field(default_factory=list)
    """The route that it came by, where that was asked for; an empty text: it was not, or it names none."""

    def __len__(self) -> int:
        return len(self.minute)


#: A minute of very many exchanges is summed on disk: it must not fail for want of memory, again and again.
_SPILL: Final = 150_000_000
SEPARATOR: Final = "\x1f"
#: What was said so long (µs) before its answer was known counts with it.
_WAITS: Final = 3_600_000_000
#: An exchange is ready so soon (µs) after it ended; what is ready later may have been ready before.
_SETTLES: Final = 20_000_000


def rows(
    warehouse: Warehouse, project: str, family: Family, columns: Sequence[Column], piece: Piece, *,
    by: Sequence[str] = (), unit: Unit = "user", since: int | None = None, before: int | None = None,
    arrival: bool = False, each: bool = False, routes: bool = False,
) -> Rows:  # fmt: skip
    """Sums by minute, unit, release and segment; `each`: every exchange by itself, in the order in which they ended.

    `since`, `before`: only exchanges that began then; else all since the hour before that of `floor`. `arrival`: scores
    made elsewhere, which count when the later of them and their exchange came. `routes`: by route too. Of very many a
    share of the units.
    """
    late = (piece.floor // WINDOW_MICROS - 1) * WINDOW_MICROS if since is None else since
    bound = Bound(project, as_datetime(piece.until), max(0, late), before or piece.until + 1)
    bound.values |= {"after": piece.after, "until": piece.until, "floor": piece.floor}
    bound.values["early"] = max(0, piece.after - _WAITS)
    bound.values["end"] = max(piece.until, piece.end)
    # Signals follow the answers, so that shares agree.
    came = f"received > {moment('after')} AND received <= {moment('until')}"
    crowd = f"scores WHERE {_elsewhere(columns, bound)} AND {came}" if arrival else f"exchanges WHERE {_BECAME_READY}"
    share = drawn.share(warehouse, crowd, bound.values)
    some = drawn.units(_UNIT[unit], share)
    if family == "signal":
        relation = _signals(columns, bound, some, _ways(warehouse, bound))
    else:
        relations = {"fact": _facts, "score": _arrived if arrival else _scores}
        relation = relations[family](columns, bound, some)
    told: list[str] = []
    for at, column in enumerate(columns):
        here, value = _value(family, column, bound)
        told += [f"toFloat64(countIf({here})) AS n{at}", f"toFloat64(sumIf({value}, {here})) AS s{at}"]
    if routes:
        relation = routed(relation, bound)
    relation, segment = _split(relation, by, bound)
    apart = "known_us" if each else "toInt64(0)"
    route = "route" if routes else "''"
    placed = "greatest(least(known_us, {end:Int64} - 1), {floor:Int64})"
    sql = (
        f"SELECT intDiv({placed}, {MINUTE}) AS minute, min(intDiv({placed}, {MINUTE // STEPS})) AS step, "  # noqa: S608
        f"sipHash64({_UNIT[unit]}) AS unit_key, intDiv(at_us, {WINDOW_MICROS}) AS window, "
        "CAST(release, 'String') AS of_release, "
        f"CAST({segment}, 'String') AS of_segment, {apart} AS moment, {route} AS of_route, "
        f"{', '.join(told)} FROM {relation} AS told "
        "GROUP BY minute, unit_key, window, of_release, of_segment, moment, of_route "
        "ORDER BY minute, moment, window, unit_key "
        "SETTINGS use_skip_indexes_if_final = 1, do_not_merge_across_partitions_select_final = 1, "
        f"max_bytes_before_external_group_by = {_SPILL}"
    )
    with warehouse.reader() as client:
        found = native.columns(client.raw_query(sql, parameters=bound.values, fmt="Native"))
    return replace(_read(found, len(columns), piece.after - _SETTLES if each else None), share=share)


def _read(found: dict[str, Any], columns: int, ended: int | None) -> Rows:
    if "minute" not in found or not len(found["minute"]):
        none = np.zeros(0, np.int64)
        return Rows(none, none.astype(np.uint64), none, [], [], np.zeros((columns, 0)), np.zeros((columns, 0)))
    count, total = (np.stack([found[f"{letter}{number}"] for number in range(columns)]) for letter in "ns")
    return Rows(
        found["minute"], found["unit_key"], found["window"], found["of_release"], found["of_segment"],
        count, total, np.zeros(0, dtype=bool) if ended is None else np.asarray(found["moment"] < ended),
        step=found["step"], route=found["of_route"],
    )  # fmt: skip


_AT: Final = "toUnixTimestamp64Micro(at) AS at_us"
_ENDED: Final = "toUnixTimestamp64Micro(at) + toInt64(ifNull(latency_ms, 0) * 1000)"


_ANSWER: Final = f"is_answer AND {GIVEN}"
_BECAME_READY: Final = f"{WINDOW} AND {_ANSWER} AND {READY} > {moment('after')} AND {READY} <= {moment('until')}"


def _ready(some: str) -> str:
    """Exchanges of the piece, by the moment at which they became ready; `some`: which of them."""
    return (
        f"SELECT {sources.COLUMNS}, {_AT}, {_ENDED} AS known_us FROM exchanges FINAL WHERE {_BECAME_READY} AND {some}"  # noqa: S608
    )


def _facts(_columns: Sequence[Column], _bound: Bound, some: str) -> str:
    return _ready(some)


def _scores(columns: Sequence[Column], bound: Bound, some: str) -> str:
    """A score of ours stands at the time of its exchange: older ones than the oldest of the piece are not read."""
    ready = _ready(some)
    when = f"{WINDOW} AND at >= (SELECT minOrNull(at) FROM ({ready}))"  # noqa: S608
    if some != "true":
        when += f" AND (trace_id, span_id) IN (SELECT trace_id, span_id FROM ({ready}))"  # noqa: S608
    return _with_scores(columns, bound, ready, when)


def _elsewhere(columns: Sequence[Column], bound: Bound) -> str:
    names = bound.add(sorted({column.name for column in columns}), "Array(String)")
    return f"{SAID_WINDOW} AND source != 'homeostat' AND name IN {names} AND isFinite(value)"


def _with_scores(columns: Sequence[Column], bound: Bound, answers: str, when: str) -> str:
    names = bound.add(sorted({column.name for column in columns}), "Array(String)")
    scores = (
        "SELECT trace_id, span_id, groupArray((name, rung_text, newest)) AS said FROM ("  # noqa: S608
        "SELECT trace_id, span_id, name, toString(rung) AS rung_text, argMax(value, at) AS newest FROM scores "
        f"WHERE {when} AND name IN {names} AND isFinite(value) GROUP BY trace_id, span_id, name, rung) "
        "GROUP BY trace_id, span_id"
    )
    return f"SELECT e.*, said FROM ({answers}) AS e INNER JOIN ({scores}) AS s USING (trace_id, span_id)"  # noqa: S608


def _arrived(columns: Sequence[Column], bound: Bound, some: str) -> str:
    """Scores made elsewhere, each with its exchange, and one about a whole trace with each answer there; of several of
    a name the exchange's own, and the newest."""
    bound.values |= {"earlier": bound.values["low"]}
    fields = "toString(rung) AS rung_text, value"
    told = _belonging("scores", _elsewhere(columns, bound), bound, some, fields, frozenset("tse"))
    return (
        f"SELECT *, {_ENDED} AS known_us, [(s_name, rung_text, value)] AS said FROM ({told}) "  # noqa: S608
        "ORDER BY is_own DESC, by_trace DESC, said_us DESC LIMIT 1 BY trace_id, span_id, s_name, rung_text"
    )


def _ways(warehouse: Warehouse, bound: Bound) -> frozenset[str]:
    """What the signals that may count now are about, as letters of `_WAYS`; `e`: some exchanges are told elsewhere.

    Millions of exchanges of the hours before are looked through, and each column that need not be is a third saved.
    """
    bound.values |= {"earlier": max(0, bound.values["low"] - _BACK)}
    came = f"{_CAME['signals']} > {moment('early')} AND {_CAME['signals']} <= {moment('until')}"
    here = f"project = {{project:String}} AND at >= {moment('earlier')}"
    found = warehouse.ask(
        f"SELECT groupUniqArray(substring({_ABOUT['signals']}, 1, 1)) AS ways, "  # noqa: S608
        f"(SELECT count() FROM (SELECT 1 FROM exchanges WHERE {here} AND notEmpty(elsewhere) LIMIT 1)) AS merged "
        f"FROM signals WHERE {here} AND {came}",
        bound.values,
    )[0]
    return frozenset(found["ways"]) | frozenset("e" * found["merged"])


def _signals(columns: Sequence[Column], bound: Bound, some: str, ways: frozenset[str]) -> str:
    """Signals, each with the exchange that it is about; of the last hours only."""
    mine = f"project = {{project:String}} AND at >= {moment('earlier')}"
    names = sorted({column.name for column in columns})
    if "" not in names:
        mine += f" AND name IN {bound.add(names, 'Array(String)')}"
    told = _belonging("signals", mine, bound, some, "value, label", ways)
    return f"SELECT *, first_us AS known_us FROM ({told})"  # noqa: S608


#: When something that was said is known.
_CAME: Final[dict[related.Table, str]] = {"scores": "received", "signals": "greatest(at, received)"}
#: What something may be about: the first letter of `about`, the column of exchanges, where it is looked up, by what.
_WAYS: Final = (
    ("t", "trace_id", "trace_key", "sipHash64({{project:String}}, toFixedString({}, 16))"),
    ("s", "session_id", "session_id", "{}"),
    ("u", "user_id", "user_id", "{}"),
)
#: Traces in which a gateway told it, or a call below it, too.
_TOO: Final = "arrayDistinct(arrayMap(x -> concat('t', substring(x, 1, 16)), elsewhere))"
_NAMED: Final = f"trace_id != {related.NO_TRACE}, concat('t', trace_id), session_id != '', concat('s', session_id)"
_ABOUT: Final[dict[related.Table, str]] = {
    "scores": f"multiIf({_NAMED}, '')", "signals": f"multiIf({_NAMED}, concat('u', user_id))",
}  # fmt: skip
#: It is named by the id that a gateway gave it.
_NAMES_IT: Final = (
    "notEmpty(elsewhere) AND has(elsewhere, CAST(concat(substring(about, 2), s_span), 'FixedString(24)'))"
)


def _belonging(
    table: related.Table, mine: str, bound: Bound, some: str, fields: str, ways: frozenset[str]
) -> str:  # fmt: skip
    """What was said (`mine`), with the exchange that it belongs to, once both are known: in the piece in which the
    later of the two came. What waited for longer than an hour is not looked for.

    About a span it belongs to the answer that holds it, else to the last one of the trace; a signal about a trace to
    its first answer, a score to each; about a session, or a user alone, as everywhere (`related.nearest`).
    """
    came, about = _CAME[table], _ABOUT[table]
    known = [each for each in _WAYS if each[0] in ways]
    of = ", ".join(f"concat('{letter}', {column})" for letter, column, _, _ in known)
    of = f"arrayJoin(arrayConcat({_TOO}, [{of}]))" if "e" in ways else f"arrayJoin([{of}])" if of else "''"
    waited = f"SELECT {of} FROM exchanges WHERE {_BECAME_READY}"  # noqa: S608
    told = (
        f"SELECT {about} AS about, span_id AS s_span, name AS s_name, {fields}, row_key AS said_key, at AS said_at, "  # noqa: S608
        f"toUnixTimestamp64Micro(at) AS said_us, toUnixTimestamp64Micro({came}) AS came_us FROM {table} "
        f"WHERE {mine} AND {came} <= {moment('until')} AND ({came} > {moment('after')} "
        f"OR (at > {moment('early')} AND {came} > {moment('early')} AND {about} IN ({waited})))"
    )
    # Signals tell of the hours before, so few rows are asked for of very many: each way looks at each of them once.
    asked = " OR ".join(
        f"{place} IN (SELECT {key.format('substring(about, 2)')} FROM ({told}) WHERE startsWith(about, '{letter}'))"  # noqa: S608
        for letter, _, place, key in known if table == "signals"
    )  # fmt: skip
    asked = f"{asked} OR notEmpty(elsewhere)" if asked and "e" in ways else asked or "true"
    here = f"project = {{project:String}} AND at >= {moment('earlier')} AND at <= {moment('until')}"
    # Versions of one exchange are of the same time: of very many only those of these times are merged to the newest.
    times = f"at IN (SELECT at FROM exchanges WHERE {here} AND ({asked}))" if asked != "true" else "true"  # noqa: S608
    ready = (
        f"SELECT {sources.COLUMNS}, {_AT}, toUnixTimestamp64Micro({READY}) AS ready_us FROM exchanges FINAL "  # noqa: S608
        f"PREWHERE {here} AND {times} WHERE {READY} <= {moment('until')} AND {_ANSWER} AND {some} AND ({asked})"
    )
    answers = f"SELECT *, {of} AS about FROM ({ready})"  # noqa: S608
    whole = f"by_trace AND s_span = {related.NO_SPAN}"
    place = f"if({whole}, span_id, {related.NO_SPAN})" if table == "scores" else related.NO_SPAN
    paired = (
        f"SELECT e.*, s.* EXCEPT (about), startsWith(about, 't') AS by_trace, {place} AS place, "  # noqa: S608
        f"(has(arrayPushBack(members, span_id), s_span) OR {_NAMES_IT}) AS is_own, "
        "min(greatest(came_us, ready_us)) OVER (PARTITION BY said_key, place) AS first_us "
        f"FROM ({answers}) AS e INNER JOIN ({told}) AS s USING (about) "
        f"WHERE by_trace OR abs(at_us - said_us) <= {related.NEAR} * 1000000"
    )
    order = f"is_own DESC, multiIf(NOT by_trace, 0, {whole}, at_us, -at_us), {related.nearest('', 'said_at')}"
    return f"SELECT * FROM ({paired}) WHERE first_us > {{after:Int64}} ORDER BY {order} LIMIT 1 BY said_key, place"  # noqa: S608


def _value(family: Family, column: Column, bound: Bound) -> tuple[str, str]:
    """Whether an exchange has a value, and the value: both as expressions."""
    here = column.where.where(bound)
    if family == "score":
        name = bound.add(column.name, "String")
        rung = f" AND x.2 = {bound.add(column.rung, 'String')}" if column.rung else ""
        mine = f"arrayFirstOrNull(x -> x.1 = {name}{rung}, said).3"
        value = f"ifNull({mine}, 0)"
        return f"isNotNull({mine}) AND ({here})", _tested(column, value, "''", bound)
    if family == "signal":
        named = f"s_name = {bound.add(column.name, 'String')}" if column.name else "true"
        if column.fast:
            return f"{named} AND said_us - at_us <= {_FAST} AND ({here})", "1"
        return f"{named} AND ({here})", _tested(column, "ifNull(value, 0)", "label", bound)
    if column.condition is not None:
        return f"({here})", f"toFloat64({Filters((column.condition,)).where(bound)})"
    if not column.number:
        return f"({here})", "0"
    column_sql = FIELDS[column.number].sql
    return f"isNotNull({column_sql}) AND ({here})", f"toFloat64(ifNull({column_sql}, 0))"


def _tested(column: Column, value: str, label: str, bound: Bound) -> str:
    """The value itself, or whether it passes the test of a share."""
    asked = column.condition
    if asked is None:
        return f"toFloat64({value})"
    if asked.op in COMPARE:
        each = [f"{value} {COMPARE[asked.op]} {bound.add(number(column.name, one), 'Float64')}" for one in asked.values]
        return f"toFloat64({' AND '.join(each)})"
    texts = bound.add(list(asked.values), "Array(String)")
    if asked.op == "contains":
        return f"toFloat64(arrayExists(p -> positionCaseInsensitiveUTF8({label}, p) > 0, {texts}))"
    numbers = bound.add([float(one) for one in asked.values if _is_number(one)], "Array(Float64)")
    same = f"(has({numbers}, toFloat64({value})) OR ({label} != '' AND has({texts}, {label})))"
    return f"toFloat64({'NOT ' if asked.op == 'not' else ''}{same})"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _split(relation: str, by: Sequence[str], bound: Bound) -> tuple[str, str]:
    """The relation with what it is split by, and the expression of the segment."""
    keys = tuple(name.partition(".")[2] for name in by if name.startswith("attribute."))
    parts = []
    for name in by:
        own = FIELDS.get(name)
        if own is not None and own.type in ("text", "flag"):
            parts.append(f"toString({own.sql})")
        elif name.startswith("attribute.") and name.partition(".")[2]:
            parts.append(f"a{keys.index(name.partition('.')[2])}")
        else:
            raise Refused(f"Monitors cannot be split by {name}.", hint="Known: model, release, ... attribute.<key>.")
    segment = f"arrayStringConcat([{', '.join(parts)}], '{SEPARATOR}')" if parts else "''"
    return sources.with_attributes(f"({relation})", keys, bound), segment


def names(warehouse: Warehouse, project: str, now: int) -> tuple[list[str], list[str]]:
    """Names of the signals, and of the scores made elsewhere, that came in the last week; the most frequent first."""
    bound = Bound(project, as_datetime(now), max(0, now - _WEEK), now + 1)
    found = []
    for table, more in (("signals", ""), ("scores", " AND source != 'homeostat' AND isFinite(value)")):
        told = warehouse.ask(
            f"SELECT CAST(name, 'String') AS called, count() AS n FROM {table} WHERE {WINDOW}{more} "  # noqa: S608
            f"GROUP BY called ORDER BY n DESC, called LIMIT {_MOST_NAMES}",
            bound.values,
        )
        found.append([str(row["called"]) for row in told])
    return found[0], found[1]
