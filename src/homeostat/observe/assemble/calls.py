"""One call of a model is one exchange, however many spans tell of it."""

from __future__ import annotations

from typing import Final

from homeostat.observe.assemble import finish, keys, lone, rows

#: A response id that more spans carry says nothing about them.
CROWD: Final = 16
#: Nanoseconds after the request in which an instrumentor may report what was streamed, as a span of its own.
LATER: Final = 60_000_000_000

_RANK: Final = "({0}depth, {0}start_ns, {0}row_key)"
_FULL: Final = "({0}input_tokens IS NOT NULL AND ({0}output_tokens IS NOT NULL OR {0}op = 'embedding'))"
_KEY: Final = "(trace_key, span_id)"


def nested(tree: str) -> str:
    """Every call under another call: do they tell of one call, or can they not (two answers of the provider)?"""
    equal = (
        f"({_FULL.format('c.')} AND {_FULL.format('p.')} AND c.input_tokens = p.input_tokens "
        "AND ifNull(c.output_tokens, 0) = ifNull(p.output_tokens, 0))"
    )
    silent = f"NOT ({_FULL.format('c.')} AND {_FULL.format('p.')})"
    answers = "(c.response_id != '' AND p.response_id != '')"
    same = f"({answers} AND c.response_id = p.response_id)"
    apart = f"({answers} AND c.response_id != p.response_id)"
    call = lone.IS_CALL
    return f"""SELECT c.trace_key AS trace_key, c.span_id AS span_id, p.span_id AS above_span, {_RANK.format("p.")} AS above_rank,
            c.op = p.op AND NOT {apart} AND ({same} OR {equal} OR ({silent} AND kids.n = 1)) AS one, {apart} AS apart
        FROM {tree} AS c
        INNER JOIN {tree} AS p ON p.trace_key = c.trace_key AND p.span_id = c.above_id
        INNER JOIN (SELECT trace_key, above_id, count() AS n FROM {tree} WHERE {call} AND above_id != {keys.NO_SPAN}
            GROUP BY trace_key, above_id) AS kids ON kids.trace_key = c.trace_key AND kids.above_id = c.above_id
        WHERE c.op IN ('call', 'embedding') AND c.above_id != {keys.NO_SPAN}"""  # noqa: S608 - our own names


def shared(tree: str) -> str:
    """Every pair of spans that tell of the same answer of a provider: of other scopes and at the same time, or in two halves."""
    crowd = (
        f"SELECT response_key FROM {tree} WHERE {lone.IS_CALL} AND response_key != 0 "  # noqa: S608 - our own names
        f"GROUP BY response_key HAVING count() BETWEEN 2 AND {CROWD}"
    )
    together = "a.response_id != '' AND a.scope != b.scope AND a.start_ns <= b.end_ns AND b.start_ns <= a.end_ns"
    halves = (
        "a.response_id = '' AND b.response_id = '' AND a.start_ns = a.end_ns AND b.output_chars = 0 "
        f"AND a.start_ns BETWEEN b.start_ns AND b.end_ns + {LATER}"
    )
    return f"""SELECT a.trace_key AS trace_key, a.span_id AS span_id, b.trace_key AS to_trace, b.span_id AS to_span,
            {_RANK.format("b.")} AS to_rank
        FROM (SELECT * FROM {tree} WHERE {lone.IS_CALL} AND response_key IN ({crowd})) AS a
        INNER JOIN (SELECT * FROM {tree} WHERE {lone.IS_CALL} AND response_key IN ({crowd})) AS b ON a.response_key = b.response_key
        WHERE {_RANK.format("b.")} < {_RANK.format("a.")} AND (({together}) OR ({halves}))"""  # noqa: S608


def leaders_table(name: str) -> str:
    """DDL: which span tells a call's exchange, for spans that do not tell their own; zeros: it tells none."""
    return (
        f"CREATE TABLE IF NOT EXISTS {name} (trace_key UInt64, span_id FixedString(8), to_trace UInt64, to_span FixedString(8)) "
        "ENGINE = Memory"
    )


def leaders(tree: str) -> str:
    """Merged spans and where they went; wrappers (they only repeat what several calls below them used) go nowhere."""
    inner = nested(tree)
    bonds = f"""SELECT trace_key, span_id, argMin((to_trace, to_span), to_rank) AS way FROM (
            SELECT trace_key, span_id, trace_key AS to_trace, above_span AS to_span, above_rank AS to_rank FROM ({inner}) WHERE one
            UNION ALL {shared(tree)})
        GROUP BY trace_key, span_id"""  # noqa: S608 - our own names
    for _ in range(2):  # who follows a follower follows whom that one follows
        bonds = f"""SELECT one.trace_key AS trace_key, one.span_id AS span_id,
                if(next.way.1 = 0, one.way, next.way) AS way
            FROM ({bonds}) AS one LEFT JOIN ({bonds}) AS next ON next.trace_key = one.way.1 AND next.span_id = one.way.2"""  # noqa: S608
    wrappers = (
        f"SELECT trace_key, above_span AS span_id FROM ({inner}) GROUP BY trace_key, above_span "  # noqa: S608
        "HAVING NOT max(one) AND max(NOT apart)"
    )
    return (
        f"SELECT trace_key, span_id, way.1 AS to_trace, way.2 AS to_span FROM ({bonds}) UNION ALL "  # noqa: S608
        f"SELECT trace_key, span_id, 0 AS to_trace, {keys.NO_SPAN} AS to_span FROM ({wrappers})"
    )


def merged(tree: str, leaders_name: str) -> str:
    """One row per call: its leader's own values first, then those of its other members. With the answer that it belongs to."""
    member = f"""SELECT t.*, if(l.found, l.to_trace, t.trace_key) AS lead_trace, if(l.found, l.to_span, t.span_id) AS lead_span,
            {_RANK.format("t.")} AS rank
        FROM (SELECT * FROM {tree} WHERE {lone.IS_CALL}) AS t
        LEFT JOIN (SELECT *, true AS found FROM {leaders_name}) AS l ON l.trace_key = t.trace_key AND l.span_id = t.span_id
        WHERE NOT (l.found AND l.to_trace = 0)"""  # noqa: S608 - our own names
    own = (
        "project",
        "trace_id",
        "at",
        "row_key",
        "start_ns",
        "end_ns",
        "name",
        "status_code",
        "lost",
        "first_received",
        "first",
        "last",
    )
    made = {name: f"argMin({name}, rank)" for name in own}
    made.update(
        {name: f"argMinIf({name}, rank, {name} != '')" for name in (*rows.TEXTS, *rows.CONTEXT) if name != "error"}
    )
    made["prompt_version"] = "argMinIf(prompt_version, rank, prompt_name != '')"
    made["error"] = "argMin(error, rank)"
    made["response_key"] = "argMinIf(response_key, rank, response_id != '')"
    made.update({name: f"argMin({name}, rank)" for name in rows.NUMBERS})
    for side in ("input", "output"):
        for name in (f"{side}_row", f"{side}_start", f"{side}_chars"):
            made[name] = f"argMinIf({name}, rank, {side}_chars > 0)"
    for name in ("tags", "tools", "flags"):
        made[name] = f"arrayDistinct(arrayFlatten(groupArray({name})))"
    made["members"] = "arrayMap(m -> m.2, arraySort(groupArrayIf((rank, span_id), trace_key = lead_trace)))"
    made["top_trace"] = f"argMinIf(trace_key, rank, top_id != {keys.NO_SPAN})"
    made["top_id"] = f"argMinIf(top_id, rank, top_id != {keys.NO_SPAN})"
    made["own_top"] = f"countIf(top_id = span_id AND top_id != {keys.NO_SPAN}) > 0"
    columns = ", ".join(f"{expression} AS {name}" for name, expression in made.items())
    return f"SELECT lead_trace AS trace_key, lead_span AS span_id, {columns} FROM ({member}) GROUP BY lead_trace, lead_span"  # noqa: S608


def exchanges(tree: str, leaders_name: str) -> str:
    """Calls as exchanges, with `top_trace`, `top_id`: the answer that they are summed into."""
    made = {
        "is_call": "true",
        "is_answer": f"op = 'call' AND (own_top OR top_id = {keys.NO_SPAN})",
        "answer_from": finish.answer_from("lost", "first_received"),
        "settles": finish.settles("lost", "last", "first"),
        "received": "last",
        "latency_ms": finish.LATENCY,
        "status": finish.STATUS,
        "model": finish.MODEL,
        "calls": "toUInt32(1)",
        "estimated": "CAST([], 'Array(String)')",
    }
    names = (*finish.stored_columns(), "top_trace", "top_id")
    columns = ", ".join(f"{made[name]} AS {name}" if name in made else name for name in names)
    return finish.calls(f"SELECT {columns} FROM ({merged(tree, leaders_name)})", extra=("top_trace", "top_id"))  # noqa: S608
