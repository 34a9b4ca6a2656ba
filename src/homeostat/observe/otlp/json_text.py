"""JSON as it comes: strict first and fast; a second, tolerant reading for texts that are not quite Unicode."""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

import msgspec

from homeostat.doors.answers import Refused

_BOM = b"\xef\xbb\xbf"
#: More lists, objects and their members than this in one body are refused.
MOST_VALUES: Final = 600_000
_MARKS: Final = (b",", b"[", b"{")
_SMALL: Final = 256 << 10
_decode = msgspec.json.Decoder().decode


def read_json(body: bytes) -> Any:
    """The value of a JSON body. Invalid UTF-8 and lone surrogates become U+FFFD; what is not JSON is refused."""
    if body.startswith(_BOM):
        body = body[3:]
    if len(body) > _SMALL:
        _not_too_many(body)
    try:
        return _decode(body)
    except RecursionError:
        raise Refused(400, "The JSON body is nested too deep. Flatten it.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if b"\\ud" not in body.lower() and not isinstance(error, UnicodeDecodeError):
            raise Refused(400, f"The body is not JSON: {error}.") from error
    return _tolerant(body)


def _not_too_many(body: bytes) -> None:
    """Refuse a large body of tiny values before it is read: each takes twenty times its text in memory."""
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if bare.count(b'"') <= 4 * MOST_VALUES:
        if sum(map(bare.count, _MARKS)) <= MOST_VALUES:
            return
        bare = b"".join(bare.split(b'"')[::2])  # what stands outside of strings
        if sum(map(bare.count, _MARKS)) <= MOST_VALUES:
            return
    raise Refused(413, f"More than {MOST_VALUES} values in one JSON body. Send smaller batches, or protobuf.")


def _tolerant(body: bytes) -> Any:
    try:
        value = json.loads(body.decode("utf-8", "replace"), parse_constant=_not_json, parse_float=_finite)
        return _whole_text(value)
    except RecursionError:
        raise Refused(400, "The JSON body is nested too deep. Flatten it.") from None
    except ValueError as error:
        raise Refused(400, f"The body is not JSON: {error}.") from error


def _not_json(word: str) -> NoReturn:
    raise ValueError(f'{word} is not JSON; write it as the string "{word}"')


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text} is out of range")
    return value


def _whole_text(value: Any) -> Any:
    """The same value with every lone surrogate replaced: such text cannot be stored."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole_text(item) for item in value]
    if isinstance(value, dict):
        return {_whole_text(key): _whole_text(item) for key, item in value.items()}
    return value
