"""JSON as senders write it: text that is JSON, text that only looks like it, values as compact JSON text."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any, Final

#: Made once: `json.loads` makes one for every text when it is told to be lenient.
_LENIENT: Final = json.JSONDecoder(strict=False)

#: A string as Python prints it.
LITERAL: Final = r"""('(?:[^'\\\n]|\\[\\'"nrt])*'|"(?:[^"\\\n]|\\[\\'"nrt])*")"""
_ESCAPED: Final = re.compile(r"\\(.)")
_WHITE: Final = {"n": "\n", "r": "\r", "t": "\t"}
_PRINTED: Final = re.compile(r"ChatMessage\(_?role=<")
_WORDS: Final = re.compile(rf"(?:TextContent\(text=|'text': ){LITERAL}")


def parse(text: str) -> Any:
    """The value of a JSON text, or the text itself when it is not JSON."""
    start = text.lstrip()[:1]
    if start not in ("{", "[", '"'):
        return text
    try:
        return _LENIENT.decode(text)
    except (ValueError, RecursionError):
        return text


def printed(text: str) -> str:
    """The words of a message that was sent as Python prints it; empty: it is none."""
    if not _PRINTED.match(text):
        return ""
    return "\n".join(unquoted(literal) for literal in _WORDS.findall(text))


def unquoted(literal: str) -> str:
    """What a string says that Python printed (`LITERAL`)."""
    return _ESCAPED.sub(lambda found: _WHITE.get(found[1], found[1]), literal[1:-1])


def step_into(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at `path`; strings on the way are parsed; None: nothing there."""
    for step in path:
        if isinstance(value, str):
            value = parse(value)
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def dump(value: Any, flags: set[str] | None = None) -> str:
    """Compact JSON. Bytes become base64, NaN and infinities null, lone surrogates U+FFFD."""
    try:
        text = _dumps(value)
    except ValueError:
        if flags is not None:
            flags.add("not_finite")
        text = _dumps(finite(value))
    except RecursionError:  # JSON in a text may be nested deeper than this can be written
        if flags is not None:
            flags.add("truncated")
        text = "null"
    return clean(text, flags)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_other)


def clean(text: str, flags: set[str] | None = None) -> str:
    """Text that can be stored as UTF-8: lone surrogates and NUL (JSON escapes can hide both) become U+FFFD."""
    if text.isascii():
        out = text
    else:
        try:
            text.encode()
            out = text
        except UnicodeEncodeError:
            out = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    out = out.replace("\0", "\ufffd")
    if out != text and flags is not None:
        flags.add("bad_utf8")
    return out


def finite(value: Any, depth: int = 0) -> Any:
    """The same value with null for every number that JSON cannot write, and for what is nested beyond sense."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth > 200 and isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        return {key: finite(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner, depth + 1) for inner in value]
    return value


def _other(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no JSON value")
