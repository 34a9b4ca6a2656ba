"""From what is known of an exchange to its row: estimates, cost, and the columns of `exchanges` in their order."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from homeostat.observe import prices
from homeostat.observe.assemble import rows
from homeostat.observe.staged import ESTIMATED, LONGEST, YEAR_2000
from homeostat.store.warehouse.client import PLAINLY

COLUMNS: Final = (
    "project", "at", "trace_id", "span_id", "version", "gone", "row_key", "trace_key", "response_key",
    "is_answer", "is_call", "answer_from", "settles", "received", "members", "elsewhere", "input_row", "output_row",
    "input_start", "output_start", "input_chars", "output_chars", "name", "op", "model", "requested_model",
    "provider", "response_id", "user_id", "session_id", "release", "environment", "prompt_name",
    "prompt_version", "latency_ms", "ttft_ms", "streaming", "finish_reason", "input_tokens", "output_tokens",
    "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost", "estimated", "calls", "status", "error",
    "tags", "tools", "flags",
)  # fmt: skip

#: `x AS x` means the column on the right, never itself.
SETTINGS: Final = (
    f"prefer_column_name_to_alias = 1, max_query_size = 10000000, compile_expressions = 0, max_threads = 1, {PLAINLY}"
)
#: Rows of one load have different keys: there is nothing to merge before they are written. Statistics are merges' work.
WRITE: Final = "optimize_on_insert = 0, materialize_statistics_on_insert = 0"
#: Seconds (of the event clock) that an orphan waits for its parent, and the longest time that an exchange stays open.
WAIT: Final = 60
#: Quiet seconds after which a trace with a root is taken to be whole.
QUIET: Final = 10

#: How long it took, in nanoseconds, can be believed. A span of no length was not timed; a plain exchange tells its 0.
_TIMED: Final = (
    f"end_ns < start_ns + {LONGEST} AND if(CAST(form, 'Int8') = {rows.PLAIN}, end_ns >= start_ns, "
    f"end_ns > start_ns AND start_ns >= {YEAR_2000})"
)
LATENCY: Final = f"if({_TIMED}, (end_ns - start_ns) / 1e6, NULL)"
FAILED: Final = "status_code = 2 OR error != '' OR finish_reason = 'error'"
STATUS: Final = f"multiIf(has(flags, 'client_closed'), 'client_closed', {FAILED}, 'error', 'ok')"
MODEL: Final = "if(model = '', requested_model, model)"

#: What a draft has besides the columns of `exchanges`: whether tokens were guessed, and the answer it is summed into.
DRAFT: Final = ("guessed", "top_trace", "top_id")
#: Where the lengths of the texts stand.
CHARS: Final = {"input": "input_chars", "output": "output_chars"}

#: Flags for readers, and what the others say: which figures of a row are guesses.
_GUESSES: Final = ", ".join(f"'{flag}'" for flag in ESTIMATED.values())
_FIGURES: Final = ", ".join(f"'{name}'" for name in ESTIMATED)
FLAGS: Final = f"arrayFilter(f -> f NOT IN ({_GUESSES}), flags)"
TOLD: Final = f"arrayFilter(f -> f != '', arrayMap(f -> transform(f, [{_GUESSES}], [{_FIGURES}], ''), flags))"


def settles(lost: str, last: str = "received", first: str = "received") -> str:
    """Until when an exchange is open: it cannot be whole while the parent that it names is not here."""
    end = f"{first} + INTERVAL {WAIT} SECOND"
    return f"if({lost}, {end}, least({last} + INTERVAL {QUIET} SECOND, {end}))"


def answer_from(lost: str, received: str = "received") -> str:
    """From when on it counts as an answer."""
    return f"if({lost}, {received} + INTERVAL {WAIT} SECOND, {received})"


def guesses(is_call: str, chars: Mapping[str, str] = CHARS) -> dict[str, str]:
    """Tokens of a call, guessed where it tells none and a text went through: four characters are about one token."""
    went = f"({is_call}) AND NOT ({FAILED})"
    asks = f"({went}) AND input_tokens IS NULL AND {chars['input']} > 0"
    says = f"({went}) AND op = 'call' AND output_tokens IS NULL AND {chars['output']} > 0"
    guess = "toUInt32(greatest(1, intDiv({0}, 4)))"
    return {
        "input_tokens": f"multiIf({asks}, {guess.format(chars['input'])}, {is_call}, input_tokens, NULL)",
        "output_tokens": f"multiIf({says}, {guess.format(chars['output'])}, {is_call}, output_tokens, NULL)",
        "guessed": f"({asks}) OR ({says})",
    }


def estimated(cost: str, guessed: str, told: str) -> str:
    """Which figures are ours: tokens, and the cost where `listed` took the place of what was told. What the row itself
    tells of that comes first."""
    by_us = f"nullIf({cost}, 0) IS NULL AND listed IS NOT NULL"
    return f"multiIf(notEmpty({told}), {told}, {guessed}, if({by_us}, ['tokens', 'cost'], ['tokens']), [])"


def priced(drafts: str) -> str:
    """Drafts of exchanges with what their calls cost, in the columns of `exchanges`.

    A told cost of zero is taken for "unknown" when the list knows better: instrumentors write 0 for models that they
    do not know.
    """
    made = {
        "cost": "if(one.is_call, coalesce(nullIf(one.cost, 0), listed, one.cost), NULL)",
        "estimated": estimated("one.cost", "one.guessed", "one.estimated"),
    }
    columns = ", ".join(
        f"{made[name]} AS {name}" if name in made else f"one.{name} AS {name}" for name in stored_columns()
    )
    return (
        f"SELECT {columns}, one.top_trace AS top_trace, one.top_id AS top_id, {prices.cost_sql('one')} AS listed "
        f"FROM {drafts} AS one {prices.join_sql('one')}"
    )


def stored_columns() -> tuple[str, ...]:
    """The columns that are computed, in the order of the table."""
    return tuple(name for name in COLUMNS if name not in ("version", "gone"))


def insert(relation: str, version: int, *, table: str = "exchanges") -> str:
    """The statement that writes exchanges with their version."""
    columns = ", ".join(stored_columns())
    return f"INSERT INTO {table} ({columns}, version, gone) SELECT {columns}, {version}, 0 FROM ({relation})"
