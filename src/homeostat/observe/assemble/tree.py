"""Traces of several rows: one node per span, and what it inherits from its trace."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from typing import Final

from homeostat.observe.assemble import keys, rows
from homeostat.observe.dialects import MADE_UP_SESSIONS

_KEPT: Final = (
    "project",
    "trace_id",
    "parent_id",
    "at",
    "form",
    "row_key",
    "start_ns",
    "end_ns",
    "name",
    "scope",
    "status_code",
)
_SIDES: Final = ("input", "output")
_MADE_UP: Final = " OR ".join(
    f"(scope = '{scope}' AND match(session_id, '{pattern}'))" for scope, pattern in MADE_UP_SESSIONS
)


def nodes(relation: str) -> str:
    """One row per span: its own row first, then the log records that name it."""
    rank = "(form, at, row_key)"
    made = {name: f"argMin({name}, {rank})" for name in _KEPT}
    for name in (*rows.TEXTS, *rows.CONTEXT, "response_key"):
        empty = "0" if name == "response_key" else "''"
        made[name] = f"argMinIf({name}, {rank}, {name} != {empty})"
    # A conversation id that an SDK made up gives way to one that the application told somewhere in the trace.
    declared = f"SELECT trace_key FROM {relation} WHERE session_id != '' AND NOT ({_MADE_UP})"
    says_more = f"session_id != '' AND NOT (({_MADE_UP}) AND trace_key IN ({declared}))"
    made["session_id"] = f"argMinIf(session_id, {rank}, {says_more})"
    # A log record may be told in the context of a span that is no call: it lends its texts, not its kind of work.
    made["op"] = f"argMin(op, {rank})"
    made["prompt_version"] = f"argMinIf(prompt_version, {rank}, prompt_name != '')"
    made.update({name: f"argMin({name}, {rank})" for name in rows.NUMBERS})  # skips NULL
    # Older conventions tell every turn of the conversation in a record of its own: the last is what is asked now.
    asked = f"(form, if(form = {rows.LOG}, -toInt64(least(start_ns, 9000000000000000000)), 0), at, row_key)"
    for side in _SIDES:
        told = f"{side}_chars > 0"
        for name in (f"{side}_row", f"{side}_start", f"{side}_chars"):
            made[name] = f"argMinIf({name}, {asked if side == 'input' else rank}, {told})"
    made["input_hash"] = f"argMinIf(input_hash, {asked}, input_chars > 0)"
    made["received"] = "max(received)"
    made["first_received"] = "min(received)"
    for name in ("tags", "tools", "flags"):
        made[name] = f"arrayDistinct(arrayFlatten(groupArray({name})))"
    columns = ", ".join(f"{expression} AS {name}" for name, expression in made.items())
    return (
        f"SELECT trace_key, span_id, {columns} FROM {relation} WHERE trace_key != 0 AND span_id != {keys.NO_SPAN} "
        f"GROUP BY trace_key, span_id HAVING countIf(form != {rows.LOG}) > 0"
    )


def common(relation: str) -> str:
    """Per trace: what anybody in it says of user, session, release …, and whether they disagree."""
    columns = [f"argMinIf({name}, (at, row_key), {name} != '') AS {name}" for name in rows.CONTEXT]
    columns += [f"uniqExactIf({name}, {name} != '') > 1 AS {name}_differs" for name in rows.CONTEXT]
    differs = " OR ".join(f"{name}_differs" for name in rows.CONTEXT)
    return (
        f"SELECT *, {differs} AS differs FROM (SELECT trace_key, {', '.join(columns)}, max(received) AS last, "
        "min(received) AS first, arrayDistinct(arrayFlatten(groupArray(tags))) AS tags "
        f"FROM {relation} GROUP BY trace_key)"
    )


def nearest(relation: str, traces: str) -> str:
    """For the nodes of traces that disagree: own value, else the nearest ancestor's that has one, at most 32 above."""
    filled = ", ".join(f"if(below.{name} = '', above.{name}, below.{name}) AS {name}" for name in rows.CONTEXT)
    wanting = " OR ".join(f"below.{name} = ''" for name in rows.CONTEXT)
    found = ", ".join(f"argMax(climb.{name}, hops) AS {name}" for name in rows.CONTEXT)
    return f"""WITH RECURSIVE climb AS (
            SELECT trace_key, span_id, parent_id, toUInt8(0) AS hops, {", ".join(rows.CONTEXT)} FROM {relation}
            WHERE trace_key IN ({traces})
            UNION ALL
            SELECT below.trace_key AS trace_key, below.span_id AS span_id, above.parent_id AS parent_id,
                toUInt8(below.hops + 1) AS hops, {filled}
            FROM climb AS below INNER JOIN {relation} AS above
                ON above.trace_key = below.trace_key AND above.span_id = below.parent_id
            WHERE below.hops < 32 AND ({wanting}))
        SELECT trace_key, span_id, {found} FROM climb GROUP BY trace_key, span_id"""


def table(name: str) -> str:
    """DDL of the nodes with their places."""
    columns = [f"{column} {kind}" for column, kind in rows.COLUMNS]
    columns += [f"{column} DateTime64(6, 'UTC')" for column in ("first_received", "first", "last")]
    columns += ["rank UInt32", "lost Bool", "top_id FixedString(8)", "lead_trace UInt64", "lead_id FixedString(8)"]
    return f"CREATE TABLE {name} ({', '.join(columns)}) ENGINE = Memory"


def placed(nodes: str, places: str, *, differing: bool) -> str:
    """The nodes with their places and what they inherit."""
    told = f"({common(nodes)})"
    made = {}
    for name in rows.CONTEXT:
        values = [f"node.{name}", f"near.{name}" if differing else "", f"told.{name}"]
        made[name] = _first(*filter(None, values))
    made["tags"] = "if(empty(node.tags), told.tags, node.tags)"
    columns = ", ".join(f"{made.get(name, 'node.' + name)} AS {name}" for name in (*rows.NAMES, "first_received"))
    near = ""
    if differing:
        traces = f"SELECT trace_key FROM {told} WHERE differs"
        near = f"LEFT JOIN ({nearest(nodes, traces)}) AS near USING (trace_key, span_id)"
    return (
        f"SELECT {columns}, told.first AS first, told.last AS last, rank, lost, {_id('top_key')} AS top_id, "
        "lead_trace, "
        f"{_id('lead_key')} AS lead_id FROM {nodes} AS node "
        f"INNER JOIN (SELECT *, {_id('span_key')} AS span_id FROM {places}) AS place USING (trace_key, span_id) "
        f"INNER JOIN {told} AS told USING (trace_key) {near}"
    )


def _id(key: str) -> str:
    """A span id from the number that Python saw."""
    return f"CAST(reinterpretAsFixedString({key}), 'FixedString(8)')"


def _first(*values: str) -> str:
    """The first that is not empty."""
    *others, last = values
    choice = last
    for value in reversed(others):
        choice = f"if({value} != '', {value}, {choice})"
    return choice
