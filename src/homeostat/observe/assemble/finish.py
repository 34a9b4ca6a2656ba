"""The last step from what is known of an exchange to its row: estimates, cost, and the columns of `exchanges` in their order."""

from __future__ import annotations

from typing import Final

from homeostat.observe import prices

COLUMNS: Final = (
    "project", "at", "trace_id", "span_id", "version", "gone", "row_key", "trace_key", "response_key", "is_answer", "is_call",
    "answer_from", "settles", "received", "members", "input_row", "output_row", "input_start", "output_start", "input_chars",
    "output_chars", "name", "op", "model", "requested_model", "provider", "response_id", "user_id", "session_id", "release",
    "environment", "prompt_name", "prompt_version", "latency_ms", "ttft_ms", "streaming", "finish_reason", "input_tokens",
    "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost", "estimated", "calls", "status", "error",
    "tags", "tools", "flags",
)  # fmt: skip

#: `x AS x` means the column on the right, never itself.
SETTINGS: Final = "prefer_column_name_to_alias = 1, max_query_size = 10000000"
#: Seconds (of the event clock) that an orphan waits for its parent, and the longest time that an exchange stays open.
WAIT: Final = 60
#: Quiet seconds after which a trace with a root is taken to be whole.
QUIET: Final = 10

LATENCY: Final = "if(end_ns > start_ns, (end_ns - start_ns) / 1e6, 0)"
STATUS: Final = "multiIf(has(flags, 'client_closed'), 'client_closed', status_code = 2 OR error != '', 'error', 'ok')"
MODEL: Final = "if(model = '', requested_model, model)"

#: Without usage, but with a text that went through: four characters are about one token.
_GUESS_IN: Final = "is_call AND input_tokens IS NULL AND input_chars > 0 AND status = 'ok'"
_GUESS_OUT: Final = "is_call AND op = 'call' AND output_tokens IS NULL AND output_chars > 0 AND status = 'ok'"


def settles(lost: str, last: str = "received", first: str = "received") -> str:
    """Until when an exchange is open: it cannot be whole while the parent that it names is not here."""
    end = f"{first} + INTERVAL {WAIT} SECOND"
    return f"if({lost}, {end}, least({last} + INTERVAL {QUIET} SECOND, {end}))"


def answer_from(lost: str, received: str = "received") -> str:
    """From when on it counts as an answer."""
    return f"if({lost}, {received} + INTERVAL {WAIT} SECOND, {received})"


def calls(relation: str, *, extra: tuple[str, ...] = ()) -> str:
    """SELECT of all columns but `version` and `gone`, and of `extra`: a relation of exchanges with `cost` as told, priced here.

    A told cost of zero is taken for "unknown" when the list knows better: instrumentors write 0 for models they do not know.
    """
    guessed = f"""SELECT * REPLACE (
            if({_GUESS_IN}, toUInt32(greatest(1, intDiv(input_chars, 4))), input_tokens) AS input_tokens,
            if({_GUESS_OUT}, toUInt32(greatest(1, intDiv(output_chars, 4))), output_tokens) AS output_tokens),
            ({_GUESS_IN}) OR ({_GUESS_OUT}) AS guessed
        FROM ({relation})"""  # noqa: S608 - our own names
    made = {
        "cost": "if(one.is_call, coalesce(nullIf(one.cost, 0), listed, one.cost), NULL)",
        "estimated": "if(one.guessed, if(nullIf(one.cost, 0) IS NULL AND listed IS NOT NULL, ['tokens', 'cost'], ['tokens']), [])",
    }
    columns = ", ".join(
        f"{made[name]} AS {name}" if name in made else f"one.{name} AS {name}" for name in (*stored_columns(), *extra)
    )
    return f"SELECT {columns}, {prices.cost_sql('one')} AS listed FROM ({guessed}) AS one {prices.join_sql('one')}"  # noqa: S608


def stored_columns() -> tuple[str, ...]:
    """The columns that are computed, in the order of the table."""
    return tuple(name for name in COLUMNS if name not in ("version", "gone"))


def insert(relation: str, version: int, *, table: str = "exchanges") -> str:
    """The statement that writes exchanges with their version."""
    columns = ", ".join(stored_columns())
    return f"INSERT INTO {table} ({columns}, version, gone) SELECT {columns}, {version}, 0 FROM ({relation})"  # noqa: S608
