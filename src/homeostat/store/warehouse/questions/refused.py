"""A question that cannot be answered as it was asked: the asker's mistake, told so that it can be put right."""

from __future__ import annotations

from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError as EngineError

from homeostat.store.warehouse.codes import code_of

__all__ = ["EngineError", "Refused", "from_engine"]


class Refused(ValueError):
    """`message` says what is wrong, `hint` what to ask instead."""

    def __init__(self, message: str, *, code: str = "bad_request", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


#: What the engine says when a question was too much for its limits: time, memory, rows, depth.
_TOO_MUCH: Final = frozenset((158, 159, 160, 161, 167, 168, 191, 241, 307, 394, 396))


def from_engine(error: EngineError) -> Refused | None:
    """A limit that a question ran into, as a refusal; None: something else is wrong."""
    if code_of(error) not in _TOO_MUCH:
        return None
    hint = "Ask for a shorter time (from, to) or fewer filters."
    return Refused("The question is too heavy.", code="too_heavy", hint=hint)
