"""Full-text search: every word must stand somewhere in the exchange, whatever its case. Whole texts lie in `spans`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from homeostat.store.warehouse.questions.bound import TEXT_WINDOW, WINDOW, Bound

MAX_WORDS: Final = 8
_WORD: Final = re.compile(r'"([^"]+)"|([^\s"]+)')
#: Previews are not searched: they would have to be read for every row, and the whole texts hold them.
_SMALL: Final = ("error", "name", "model", "user_id", "session_id", "response_id")
_HEX: Final = re.compile(r"[0-9a-f]{16,32}|[0-9a-f]{32}-[0-9a-f]{16}", re.ASCII)


def words(text: str) -> list[str]:
    """`refund "too late"` is the word refund and the phrase too late."""
    return [quoted or plain for quoted, plain in _WORD.findall(text)]


def position(column: str, needle: str, word: str) -> str:
    """Where a word stands; plain ASCII takes the fast path. `column` is ours, `needle` a placeholder."""
    function = "positionCaseInsensitive" if word.isascii() else "positionCaseInsensitiveUTF8"
    return f"{function}({column}, {needle}) > 0"


def rows(word: str, needle: str, columns: Sequence[str], narrow: Sequence[str] = ()) -> str:
    """Keys of the span rows in the window that hold the word; looked for only in exchanges that fulfil `narrow`."""
    holds = " OR ".join(position(column, needle, word) for column in columns)
    among = ""
    if narrow:
        # Old versions of an exchange may fulfil it too: more is fine here, the question outside looks at the newest.
        likely = " AND ".join([WINDOW, *narrow])
        among = f"AND row_key IN (SELECT arrayJoin([input_row, output_row]) FROM exchanges WHERE {likely})"  # noqa: S608
    return f"SELECT row_key FROM spans WHERE {TEXT_WINDOW} {among} AND ({holds})"  # noqa: S608


def word(text: str, bound: Bound, narrow: Sequence[str] = ()) -> str:
    """A condition over `exchanges`: this word is in its texts, its error, its names or its ids."""
    needle = bound.add(text, "String")
    found = rows(text, needle, ("input", "output"), narrow)
    small = [position(column, needle, text) for column in _SMALL]
    if _HEX.fullmatch(text.lower()):
        small.append(position("concat(lower(hex(trace_id)), '-', lower(hex(span_id)))", needle, text))
    return "(" + " OR ".join([f"input_row IN ({found})", f"output_row IN ({found})", *small]) + ")"
