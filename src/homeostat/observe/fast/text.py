"""Small pieces of SQL text: literals of our own constants, and what Python means by white space and by JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from homeostat.observe.dialects import OBJECT

#: White space as `str.strip` sees it, for the engine's regular expressions.
SPACE: Final = r"[\x09-\x0d\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"

_ESCAPE: Final = (
    r'\\(?:["\\/bfnrt]|u(?:[1-9a-ceA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}|0[1-9a-fA-F][0-9a-fA-F]{2}|'
)
_ESCAPE_2: Final = r"00[1-9a-fA-F][0-9a-fA-F]|000[1-9a-fA-F]|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
_STRING: Final = rf'"(?:[^"\\\x00-\x1f]|{_ESCAPE}{_ESCAPE_2})*"'
_S: Final = r"[ \t\r\n]*"


def _object(*pairs: str) -> str:
    return rf"\{{{_S}" + rf"{_S},{_S}".join(pairs) + rf"{_S}\}}"


def _pair(key: str, value: str) -> str:
    return rf'"{key}"{_S}:{_S}{value}'


def _list(item: str) -> str:
    return rf"\[{_S}(?:{item}{_S}(?:,{_S}{item}{_S})*)?\]"


_ROLE: Final = r'"(?i:user|human|assistant|ai|model|system|developer|tool)"'
_PART: Final = "(?:{}|{})".format(
    _object(_pair("type", '"text"'), _pair("content", _STRING)),
    _object(_pair("content", _STRING), _pair("type", '"text"')),
)
_SAID: Final = f"(?:{_pair('parts', _list(_PART))}|{_pair('content', _STRING)})"
#: What may follow and says nothing about the words.
_REASON, _NAME = (rf'(?:{_S},{_S}"{key}"{_S}:{_S}(?:null|{_STRING}))' for key in ("finish_reason", "name"))
_MORE: Final = f"(?:{_REASON}{_NAME}?|{_NAME}{_REASON}?)?"
#: A list of messages of the plainest kind: roles that everybody knows, parts that are texts, nothing else.
SIMPLE_MESSAGES: Final = rf"^{_S}{_list(_object(_pair('role', _ROLE), _SAID + _MORE))}{_S}$"


def _usual() -> list[str]:
    """How instrumentors write one message without words, letter by letter."""
    part = {"type": "text", "content": ""}
    said: list[dict[str, object]] = [{"parts": [part]}, {"parts": [dict(reversed(part.items()))]}, {"content": ""}]
    ended: list[dict[str, object]] = [{}, {"finish_reason": "stop"}]
    messages = [{"role": role, **one, **end} for role in ("user", "assistant") for one in said for end in ended]
    return [json.dumps([one], separators=between) for one in messages for between in (None, (",", ":"))]


USUAL_MESSAGES: Final = tuple(_usual())


def quote(text: str) -> str:
    """A literal. Only for constants of our own tables, never for what a sender wrote."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"


def table(mapping: Mapping[str, int], value: str, kind: str) -> str:
    """The number that a table of ours gives a text, else 0."""
    if not mapping:
        return f"to{kind}(0)"
    keys = ", ".join(quote(key) for key in mapping)
    numbers = ", ".join(str(number) for number in mapping.values())
    return f"transform({value}, [{keys}], [{numbers}]::Array({kind}), 0::{kind})"


def choose(cases: Iterable[tuple[str, str]], otherwise: str) -> str:
    """`multiIf`, also when there is no case."""
    parts = [part for case in cases for part in case]
    return f"multiIf({', '.join([*parts, otherwise])})" if parts else otherwise


def absent(value: str) -> str:
    """What the complete path calls absent, for a text.

    Few texts begin like it. A regular expression is built anew for every block that it is asked about, at the price of
    a hundred texts.
    """
    begins = " OR ".join(f"startsWith({value}, {quote(text)})" for text in ("null", "[Scrubbed", "<"))
    may = f"ascii({value}) NOT BETWEEN 33 AND 126 OR {begins}"
    pattern = quote(f"^{SPACE}*(?s:null{SPACE}*|[[]Scrubbed.*)?$|^{OBJECT}$")
    return f"({value} = '' OR (({may}) AND match({value}, {pattern})))"
