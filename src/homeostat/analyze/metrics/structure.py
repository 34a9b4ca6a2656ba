"""Is the output JSON, does it fit a schema, does it match a pattern? Patterns and schemas run in linear-time engines."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_FENCE: Final = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_NESTED: Final = 200


def parse(text: str) -> tuple[Any, str]:
    """The JSON value of a text (a code fence around it is allowed) and an empty string, or None and what is wrong."""
    fenced = _FENCE.match(text[:2_000_000])
    body = fenced[1] if fenced else text
    if body.count("[") + body.count("{") > _NESTED and _depth(body) > _NESTED:
        return None, f"nested deeper than {_NESTED}"
    try:
        return json.loads(body, parse_constant=_no_constant), ""
    except ValueError as error:
        return None, str(error)


def _no_constant(name: str) -> Any:
    """Python reads NaN and Infinity, JSON has none."""
    raise ValueError(f"{name} is no JSON")


def _depth(text: str) -> int:
    deepest = depth = 0
    for char in text:
        depth += (char in "[{") - (char in "]}")
        deepest = max(deepest, depth)
    return deepest


def _never_fetched(address: str) -> Any:
    """A schema may come with a request, and no request names a file or an address that we read."""
    raise ValueError("a schema holds all that it refers to")


def schema_errors(value: Any, schema: dict[str, Any], most: int = 5) -> list[str]:
    """Where a value breaks a JSON schema. Raises ValueError for a schema that is none."""
    import jsonschema_rs

    try:
        checked = jsonschema_rs.validator_for(
            schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_never_fetched
        )
    except jsonschema_rs.ValidationError as wrong:
        raise ValueError(f"not a JSON schema: {wrong.message}"[:300]) from wrong
    found = []
    for error in checked.iter_errors(value):
        found.append(f"{'/'.join(map(str, error.instance_path)) or 'the whole'}: {error.message}"[:200])
        if len(found) >= most:
            break
    return found


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern given by a user is found. RE2: time grows with the length only. Raises ValueError for no pattern."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return bool(re2.compile(pattern, options).search(text))
    except re2.error as error:
        raise ValueError(f"not a pattern: {error}") from error
