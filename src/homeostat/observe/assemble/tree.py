"""Traces of several rows: one node per span, with its place in the tree and what it inherits.

Parents arrive after their children, twice, or never, and a hostile sender makes circles. So the tree is not walked: every span
points to its parent, and pointing is doubled (a parent's parent, then the parent of that …) until everybody points to where the way ends.
"""

from __future__ import annotations

from math import ceil, log2
from typing import Final

from homeostat.observe.assemble import keys, lone, rows

#: Larger traces are treated flat: pointers are arrays, and the engine copies them for every element.
LARGEST: Final = 4000

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


def nodes(relation: str) -> str:
    """One row per span: its own row first, then the log records that name it."""
    rank = "(form, at, row_key)"
    made = {name: f"argMin({name}, {rank})" for name in _KEPT}
    for name in (*rows.TEXTS, *rows.CONTEXT, "response_key"):
        empty = "0" if name == "response_key" else "''"
        made[name] = f"argMinIf({name}, {rank}, {name} != {empty})"
    made["prompt_version"] = f"argMinIf(prompt_version, {rank}, prompt_name != '')"
    made.update({name: f"argMin({name}, {rank})" for name in rows.NUMBERS})  # skips NULL
    for side in _SIDES:
        told = f"{side}_chars > 0"
        for name in (f"{side}_row", f"{side}_start", f"{side}_chars"):
            made[name] = f"argMinIf({name}, {rank}, {told})"
    made["input_hash"] = f"argMinIf(input_hash, {rank}, input_chars > 0)"
    made["received"] = "max(received)"
    made["first_received"] = "min(received)"
    for name in ("tags", "tools", "flags"):
        made[name] = f"arrayDistinct(arrayFlatten(groupArray({name})))"
    columns = ", ".join(f"{expression} AS {name}" for name, expression in made.items())
    return (
        f"SELECT trace_key, span_id, {columns} FROM {relation} WHERE trace_key != 0 AND span_id != {keys.NO_SPAN} "  # noqa: S608
        f"GROUP BY trace_key, span_id HAVING countIf(form != {rows.LOG}) > 0"
    )


def steps(largest: int) -> int:
    """How often pointing is doubled until no way in a trace of so many spans can be longer."""
    return max(1, ceil(log2(min(max(largest, 2), LARGEST) + 1)))


def places(relation: str, largest: int) -> str:
    """For every node: depth, whether its way up ends at a parent that is not here, its topmost answer, the call above it."""
    doublings = steps(largest)
    base = f"""SELECT trace_key, groupArray(span_id) AS ids, groupArray(parent_id) AS named, groupArray({lone.IS_CALL}) AS calling,
            groupArray({lone.CAPABLE}) AS capable, arrayEnumerate(ids) AS own,
            if(length(ids) > {LARGEST}, arrayMap(p -> toUInt32(0), ids), arrayMap(p -> toUInt32(indexOf(ids, p)), named)) AS parents
        FROM {relation} GROUP BY trace_key"""  # noqa: S608 - our own names
    # A way that does not end is a circle: whoever is on it or below it stands alone.
    ways = _double(base, "parents", "far", doublings)
    up = f"SELECT *, arrayMap((p, f) -> if(f = 0, p, 0), parents, far) AS up, arrayMap(f -> f != 0, far) AS circling FROM ({ways})"  # noqa: S608
    deep = f"SELECT *, arrayMap(p -> toUInt32(p != 0), up) AS steps_0, up AS way_0 FROM ({up})"  # noqa: S608
    for n in range(doublings):
        deep = (
            f"SELECT * EXCEPT (steps_{n}, way_{n}), arrayMap((d, w) -> d + steps_{n}[w], steps_{n}, way_{n}) AS steps_{n + 1}, "  # noqa: S608
            f"arrayMap(w -> way_{n}[w], way_{n}) AS way_{n + 1} FROM ({deep})"
        )
    deep = f"SELECT *, steps_{doublings} AS depths FROM ({deep})"  # noqa: S608
    ends = _double(
        f"SELECT *, arrayMap((o, p) -> if(p = 0, o, p), own, up) AS end_start FROM ({deep})",
        "end_start",
        "ends",
        doublings,
    )  # noqa: S608
    at_call = _double(_pointing(ends, "calling", "call_start"), "call_start", "call_at", doublings)
    at_answer = _double(_pointing(at_call, "capable", "answer_start"), "answer_start", "answer_at", doublings)
    # From an answer to the next one above, until there is none.
    climbing = (
        "SELECT *, arrayMap((o, p, c) -> if(c, if(answer_at[p] = 0, o, answer_at[p]), toUInt32(0)), own, up, capable) AS climb "  # noqa: S608
        f"FROM ({at_answer})"
    )
    tops = _double(climbing, "climb", "topmost", doublings)
    return f"""SELECT trace_key, span_id, depth, lost, top_id, above_id FROM (
            SELECT trace_key, ids, depths,
                arrayMap((e, c) -> named[e] != {keys.NO_SPAN} AND NOT c, ends, circling) AS losts,
                arrayMap(a -> ids[topmost[a]], answer_at) AS top_ids,
                arrayMap(p -> ids[call_at[p]], up) AS above_ids
            FROM ({tops}))
        ARRAY JOIN ids AS span_id, depths AS depth, losts AS lost, top_ids AS top_id, above_ids AS above_id"""  # noqa: S608


def _double(relation: str, start: str, end: str, times: int) -> str:
    """The relation with `end`: where the pointers `start` lead when they are followed 2^times times."""
    made = f"SELECT *, {start} AS {end}_0 FROM ({relation})"  # noqa: S608 - our own names
    for n in range(times):
        made = f"SELECT * EXCEPT ({end}_{n}), arrayMap(x -> {end}_{n}[x], {end}_{n}) AS {end}_{n + 1} FROM ({made})"  # noqa: S608
    return f"SELECT * EXCEPT ({end}_{times}), {end}_{times} AS {end} FROM ({made})"  # noqa: S608


def _pointing(relation: str, flag: str, name: str) -> str:
    """The relation with pointers from every node to itself where `flag` holds, else to its parent."""
    return f"SELECT *, arrayMap((o, p, f) -> if(f, o, p), own, up, {flag}) AS {name} FROM ({relation})"  # noqa: S608


def common(relation: str) -> str:
    """Per trace: what anybody in it says of user, session, release …, and whether they disagree."""
    columns = [f"argMinIf({name}, (at, row_key), {name} != '') AS {name}" for name in rows.CONTEXT]
    columns += [f"uniqExactIf({name}, {name} != '') > 1 AS {name}_differs" for name in rows.CONTEXT]
    differs = " OR ".join(f"{name}_differs" for name in rows.CONTEXT)
    return (
        f"SELECT *, {differs} AS differs FROM (SELECT trace_key, {', '.join(columns)}, max(received) AS last, "  # noqa: S608
        f"min(received) AS first, arrayDistinct(arrayFlatten(groupArray(tags))) AS tags FROM {relation} GROUP BY trace_key)"
    )


def nearest(relation: str, traces: str) -> str:
    """For the nodes of traces that disagree: own value, else that of the nearest ancestor that has one, at most 32 above."""
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
        SELECT trace_key, span_id, {found} FROM climb GROUP BY trace_key, span_id"""  # noqa: S608


def table(name: str) -> str:
    """DDL of the nodes with their places."""
    columns = [f"{column} {kind}" for column, kind in rows.COLUMNS]
    columns += [f"{column} DateTime64(6, 'UTC')" for column in ("first_received", "first", "last")]
    columns += ["depth UInt32", "lost Bool", "top_id FixedString(8)", "above_id FixedString(8)"]
    return f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)}) ENGINE = Memory"


def place(relation: str, largest: int, *, differing: bool) -> str:
    """The nodes of `relation` with their places and what they inherit."""
    told = f"({common(relation)})"
    near = f"LEFT JOIN ({nearest(relation, f'SELECT trace_key FROM {told} WHERE differs')}) AS near USING (trace_key, span_id)"
    made = {}
    for name in rows.CONTEXT:
        values = [f"node.{name}", f"near.{name}" if differing else "", f"told.{name}"]
        made[name] = _first(*filter(None, values))
    made["tags"] = "if(empty(node.tags), told.tags, node.tags)"
    own = [*rows.NAMES, "first_received"]
    columns = ", ".join(f"{made.get(name, 'node.' + name)} AS {name}" for name in own)
    return (
        f"SELECT {columns}, told.first AS first, told.last AS last, depth, lost, top_id, above_id FROM {relation} AS node "  # noqa: S608
        f"INNER JOIN ({places(relation, largest)}) AS place USING (trace_key, span_id) "
        f"INNER JOIN {told} AS told USING (trace_key) {near if differing else ''}"
    )


def _first(*values: str) -> str:
    """The first that is not empty."""
    *others, last = values
    choice = last
    for value in reversed(others):
        choice = f"if({value} != '', {value}, {choice})"
    return choice
