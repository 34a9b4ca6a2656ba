"""`where="score.groundedness < 0.5 and model = gpt-4o"` as the query parameters that the API has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

Pairs = list[tuple[str, str]]

_TEXT: Final = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_TOKEN: Final = re.compile(
    rf"\s*(?:(?P<text>{_TEXT})|(?P<sign><=|>=|!=|==|<>|[=<>(),])|(?P<word>[^\s=<>!(),'\"]+))", re.ASCII
)
_SIGNS: Final = {"=": "", "==": "", "!=": ".not", "<>": ".not", "<": ".lt", "<=": ".lte", ">": ".gt", ">=": ".gte"}


class BadWhere(ValueError):
    """A condition that cannot be read; the message says where."""


def parsed(where: str | Sequence[str]) -> Pairs:
    """Conditions joined by `and`.

    >>> parsed("score.groundedness < 0.5 and model in ('a', 'b') and status != error")
    [('score.groundedness.lt', '0.5'), ('model', 'a'), ('model', 'b'), ('status.not', 'error')]
    >>> parsed("input contains 'late order' and attribute.plan exists")
    [('input.contains', 'late order'), ('attribute.plan.exists', 'true')]
    """
    if not isinstance(where, str):
        return [pair for each in where for pair in parsed(each)]
    tokens = _tokens(where)
    pairs: Pairs = []
    while tokens:
        pairs += _condition(tokens, where)
        if tokens:
            joint = tokens.pop(0)
            if joint.lower() != "and" or not tokens:
                raise BadWhere(f"After a condition comes `and` and another one, not {joint!r}: {where}")
    return pairs


def _tokens(where: str) -> list[str]:
    tokens: list[str] = []
    here = 0
    text = where.rstrip()
    while here < len(text):
        match = _TOKEN.match(text, here)
        if match is None:
            raise BadWhere(f"Cannot be read from {text[here:]!r} on.")
        tokens.append(match[0].strip())
        here = match.end()
    return tokens


def _condition(tokens: list[str], where: str) -> Pairs:
    name = tokens.pop(0)
    word = tokens.pop(0) if tokens else ""
    if word.lower() == "exists":
        return [(f"{name}.exists", "true")]
    if word.lower() == "missing":
        return [(f"{name}.exists", "false")]
    if word.lower() == "in":
        return [(name, value) for value in _several(tokens, where)]
    if word.lower() == "contains":
        return [(f"{name}.contains", _value(tokens, where))]
    if word not in _SIGNS:
        raise BadWhere(f"Between {name!r} and a value stands =, !=, <, <=, >, >=, in, contains or exists: {where}")
    return [(name + _SIGNS[word], _value(tokens, where))]


def _several(tokens: list[str], where: str) -> list[str]:
    if not tokens or tokens.pop(0) != "(":
        raise BadWhere(f"After `in` comes a list in brackets: {where}")
    values = [_value(tokens, where)]
    while tokens and tokens[0] == ",":
        tokens.pop(0)
        values.append(_value(tokens, where))
    if not tokens or tokens.pop(0) != ")":
        raise BadWhere(f"The list after `in` does not end: {where}")
    return values


def _value(tokens: list[str], where: str) -> str:
    if not tokens or tokens[0] in {*_SIGNS, "(", ")", ","}:
        raise BadWhere(f"A value is missing: {where}")
    token = tokens.pop(0)
    if token[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token
