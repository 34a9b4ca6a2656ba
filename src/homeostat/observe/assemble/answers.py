"""What the application's user asked and got: the topmost spans with input and output, with their calls summed up."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from typing import Final

from homeostat.observe.assemble import finish, keys, lone, rows

#: What tells an exchange from others.
IDS: Final = "project, trace_key, span_id, at"
#: A span that tells a call's exchange, or was merged into one, is not an answer beside it; a wrapper is.
_IS_ANSWER: Final = "top_id = span_id AND lead_trace = 0"
_TEXT: Final = ("row", "start", "chars")
#: The spans of a call that lies in another trace than its answer.
_APART: Final = f"if(trace_key = top_trace, {keys.NOWHERE}, arrayMap(m -> {keys.full('m')}, members))"


def sums(calls: str) -> str:
    """What the calls below an answer add up to. A call that is its own answer is summed into nothing."""
    tokens = ", ".join(f"sum({name}) AS {name}" for name in (*rows.TOKENS, "cost"))
    last = ", ".join(
        f"argMaxIf({name}, at, {name} != '' AND op = 'call') AS {name}"
        for name in ("model", "requested_model", "provider", "finish_reason")
    )
    lent = ", ".join(f"argMaxIf({name}, at, {_named(name)} != '') AS {name}" for name in rows.CONTEXT)
    texts = ", ".join(
        f"{pick}({side}_{part}, (at, row_key), op = 'call' AND {side}_chars > 0) AS lent_{side}_{part}"
        for side, pick in (("input", "argMinIf"), ("output", "argMaxIf"))
        for part in _TEXT
    )
    return f"""SELECT top_trace, top_id, {tokens}, {last}, {lent}, {texts}, sum(calls) AS calls,
            arrayDistinct(arrayFlatten(groupArray(estimated))) AS estimated,
            arrayDistinct(arrayFlatten(groupArray(tools))) AS tools,
            arraySort(arrayDistinct(arrayFlatten(groupArray(arrayConcat(elsewhere, {_APART}))))) AS elsewhere
        FROM {calls} WHERE NOT is_answer AND top_id != {keys.NO_SPAN} GROUP BY top_trace, top_id"""


def _named(name: str) -> str:
    """The column that says whether this one is told: a version goes with its prompt."""
    return "prompt_name" if name == "prompt_version" else name


def used(tree: str) -> str:
    """Names of the tools that ran below an answer, from their own spans."""
    name = "replaceRegexpOne(name, '^(execute_tool|tool_call|tool[.]execute) ', '')"
    return (
        f"SELECT trace_key, top_id, groupUniqArray(32)({name}) AS tools FROM {tree} WHERE op = 'tool' "
        f"AND top_id != {keys.NO_SPAN} GROUP BY trace_key, top_id"
    )


def ids(tree: str) -> str:
    """Which rows `exchanges` gives."""
    return f"SELECT {IDS} FROM {tree} WHERE {_IS_ANSWER}"


def exchanges(tree: str, calls: str) -> str:
    """Answers that are not calls themselves, in the columns of `exchanges`."""
    made = {
        "is_call": "false",
        "is_answer": "true",
        "answer_from": finish.answer_from("lost", "first_received"),
        "settles": finish.settles("lost", "last", "first"),
        "received": "last",
        "members": "[t.span_id]",
        "elsewhere": "s.elsewhere",
        "latency_ms": finish.LATENCY,
        "status": finish.STATUS,
        "response_id": "''",
        "response_key": "toUInt64(0)",
        "model": "multiIf(t.model != '', t.model, s.model != '', s.model, t.requested_model)",
        "requested_model": "if(t.requested_model = '', s.requested_model, t.requested_model)",
        "provider": "if(t.provider = '', s.provider, t.provider)",
        "finish_reason": "if(t.finish_reason = '', s.finish_reason, t.finish_reason)",
        "calls": "toUInt32(s.calls)",
        "estimated": "s.estimated",
        "cost": "s.cost",
        "tools": "if(empty(s.tools), u.tools, s.tools)",
        **{name: f"accurateCastOrNull(s.{name}, 'UInt32')" for name in rows.TOKENS},
        # What nobody in its trace says, a call may that was told in another trace, too: by a gateway.
        **{name: f"if(t.{_named(name)} = '', s.{name}, t.{name})" for name in rows.CONTEXT},
        # A span that does not tell was asked what its first call was, and said what its last one did.
        **{
            f"{side}_{part}": f"if(({lone.CAPABLE}) OR t.{side}_chars > 0, t.{side}_{part}, s.lent_{side}_{part})"
            for side in ("input", "output")
            for part in _TEXT
        },
    }
    columns = ", ".join(
        f"{made[name]} AS {name}" if name in made else f"t.{name} AS {name}" for name in finish.stored_columns()
    )
    return f"""SELECT {columns}
        FROM (SELECT * FROM {tree} WHERE {_IS_ANSWER}) AS t
        LEFT JOIN ({sums(calls)}) AS s ON s.top_trace = t.trace_key AND s.top_id = t.span_id
        LEFT JOIN ({used(tree)}) AS u ON u.trace_key = t.trace_key AND u.top_id = t.span_id"""
