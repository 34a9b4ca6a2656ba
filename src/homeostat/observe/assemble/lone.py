"""Traces of one span, all of it here: the common case of a single call, straight from what is staged."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from homeostat.observe import prices
from homeostat.observe.assemble import finish, keys, rows

CALLS: Final = ("call", "embedding")
IS_CALL: Final = f"op IN {CALLS}"
#: Carries what a user asked and got. A failed one need not have an answer.
_CAPABLE: Final = (
    "op NOT IN ('tool', 'retriever', 'evaluator', 'embedding') AND {input} "
    "AND ({output} OR (op != '' AND status_code = 2))"
)
CAPABLE: Final = _CAPABLE.format(input="input_chars > 0", output="output_chars > 0")
_TOLD: Final = _CAPABLE.format(input="input != ''", output="output != ''")
#: A row that is an exchange when it is alone, said before its texts are measured.
TELLS: Final = f"form != 'log' AND ({IS_CALL} OR ({_TOLD}))"


def drafts(relation: str, condition: str = "1") -> str:
    """Drafts of the staged rows that `condition` (over the columns of `rows`) names."""
    lost = f"parent_id != {keys.NO_SPAN}"
    made = {
        "is_call": IS_CALL,
        "is_answer": f"op = 'call' OR ({CAPABLE})",
        "answer_from": finish.answer_from(lost),
        "settles": finish.settles(lost),
        "members": "[span_id]",
        "elsewhere": keys.NOWHERE,
        "latency_ms": finish.LATENCY,
        "status": finish.STATUS,
        "model": finish.MODEL,
        "calls": f"toUInt32({IS_CALL})",
        "estimated": finish.TOLD,
        "flags": finish.FLAGS,
        "top_trace": "toUInt64(0)",
        "top_id": keys.NO_SPAN,
        **finish.guesses(IS_CALL),
    }
    names = (*finish.stored_columns(), *finish.DRAFT)
    columns = ", ".join(f"{made[name]} AS {name}" if name in made else name for name in names)
    facts = rows.select(relation)
    return f"SELECT {columns} FROM ({facts}) WHERE form != {rows.LOG} AND ({IS_CALL} OR ({CAPABLE})) AND {condition}"


def insert(relation: str, version: int) -> str:
    """The statement that writes the exchanges of rows that are all alone and have plain prices, from what is staged.

    The same as `drafts`, priced by `finish`, in one step: it is the common case, and every step costs planning.
    """
    guessed = finish.guesses("called", {"input": "asked", "output": "said"})
    first = {
        "called": IS_CALL,
        "asked": "lengthUTF8(input)",
        "said": "lengthUTF8(output)",
        "named": finish.MODEL,
        "is_lost": f"parent_id != {keys.NO_SPAN}",
        "asks": rows.START.format("input"),
        "says": rows.START.format("output"),
        "tool_names": rows.TOOLS,
    }
    second = {
        "tokens_in": guessed["input_tokens"],
        "tokens_out": guessed["output_tokens"],
        "is_guess": guessed["guessed"],
        "rate": prices.plain_number_sql("named"),
    }
    made = {
        "version": str(version),
        "gone": "0",
        "is_call": "called",
        "is_answer": f"op = 'call' OR ({CAPABLE.replace('input_chars', 'asked').replace('output_chars', 'said')})",
        "answer_from": finish.answer_from("is_lost"),
        "settles": finish.settles("is_lost"),
        "members": "[span_id]",
        "elsewhere": keys.NOWHERE,
        "latency_ms": finish.LATENCY,
        "status": finish.STATUS,
        "model": "named",
        "calls": "called",
        "tools": "tool_names",
        "input_tokens": "tokens_in",
        "output_tokens": "tokens_out",
        "cost": "if(called, coalesce(nullIf(cost, 0), listed, cost), NULL)",
        "estimated": finish.estimated("cost", "is_guess", finish.TOLD),
        "flags": finish.FLAGS,
        "input_row": "if(asked = 0, 0, row_key)",
        "output_row": "if(said = 0, 0, row_key)",
        "input_start": "asks",
        "output_start": "says",
        "input_chars": "asked",
        "output_chars": "said",
    }
    given = [name for name in finish.COLUMNS if name not in made]
    given += ["form", "flags", "cost", "start_ns", "end_ns", "status_code", "input_tokens", "output_tokens"]
    listed = prices.plain_cost_sql("tokens_in", "tokens_out", "rate")
    facts = f"SELECT {', '.join(given)}, {_as(first)} FROM {relation} WHERE {TELLS}"
    told = f"SELECT *, {_as(second)} FROM ({facts})"
    priced = f"SELECT *, {listed} AS listed FROM ({told})"
    columns = ", ".join(made.get(name, name) for name in finish.COLUMNS)
    return f"INSERT INTO exchanges ({', '.join(finish.COLUMNS)}) SELECT {columns} FROM ({priced})"


def _as(made: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in made.items())
