"""One call of a model is one exchange, however many spans tell of it."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from homeostat.observe.assemble import finish, keys, rows


def merged(tree: str) -> str:
    """One row per call: its leader's own values first, then its other members'. With the answer that it belongs to."""
    own = (
        "project",
        "trace_id",
        "at",
        "row_key",
        "form",
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
    made["elsewhere"] = f"arraySort(groupUniqArrayIf({keys.full('span_id')}, trace_key != lead_trace))"
    made["top_trace"] = f"argMinIf(trace_key, rank, top_id != {keys.NO_SPAN})"
    made["top_id"] = f"argMinIf(top_id, rank, top_id != {keys.NO_SPAN})"
    made["own_top"] = f"argMinIf(top_id = span_id, rank, top_id != {keys.NO_SPAN})"
    columns = ", ".join(f"{expression} AS {name}" for name, expression in made.items())
    return (
        f"SELECT lead_trace AS trace_key, lead_id AS span_id, {columns} FROM {tree} "
        "WHERE lead_trace != 0 GROUP BY lead_trace, lead_id"
    )


def drafts(tree: str) -> str:
    """Calls as drafts of exchanges, with `top_trace`, `top_id`: the answer that they are summed into."""
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
        "estimated": finish.TOLD,
        "flags": finish.FLAGS,
        **finish.guesses("true"),
    }
    names = (*finish.stored_columns(), *finish.DRAFT)
    columns = ", ".join(f"{made[name]} AS {name}" if name in made else name for name in names)
    return f"SELECT {columns} FROM ({merged(tree)})"
