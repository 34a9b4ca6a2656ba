"""Traces of one span, all of it here: the common case of a single call, straight from what is staged."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from typing import Final

from homeostat.observe.assemble import finish, keys, rows

IS_CALL: Final = "op IN ('call', 'embedding')"
#: Carries what a user asked and got. A failed one need not have an answer.
CAPABLE: Final = (
    "op NOT IN ('tool', 'retriever', 'evaluator', 'embedding') AND input_chars > 0 "
    "AND (output_chars > 0 OR (op != '' AND status_code = 2))"
)


def drafts(relation: str, condition: str) -> str:
    """Drafts of the staged rows that `condition` (over the columns of `rows`) names."""
    lost = f"parent_id != {keys.NO_SPAN}"
    made = {
        "is_call": IS_CALL,
        "is_answer": f"op = 'call' OR ({CAPABLE})",
        "answer_from": finish.answer_from(lost),
        "settles": finish.settles(lost),
        "members": "[span_id]",
        "latency_ms": finish.LATENCY,
        "status": finish.STATUS,
        "model": finish.MODEL,
        "calls": f"toUInt32({IS_CALL})",
        "estimated": "CAST([], 'Array(String)')",
        "top_trace": "toUInt64(0)",
        "top_id": keys.NO_SPAN,
        **finish.guesses(IS_CALL),
    }
    names = (*finish.stored_columns(), *finish.DRAFT)
    columns = ", ".join(f"{made[name]} AS {name}" if name in made else name for name in names)
    facts = rows.select(relation, stored=False)
    return f"SELECT {columns} FROM ({facts}) WHERE form != {rows.LOG} AND ({IS_CALL} OR ({CAPABLE})) AND {condition}"
