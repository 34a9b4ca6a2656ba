"""Ids of ours from whatever a client calls its things: the same name always gives the same id, within one project."""

from __future__ import annotations

import string
from hashlib import blake2b
from typing import Final

_HEX: Final = frozenset(string.hexdigits.lower())


def digest(size: int, *words: str | bytes) -> str:
    """`size` bytes in hex that depend on every word and on where words end."""
    out = blake2b(digest_size=size)
    for word in words:
        raw = word.encode() if isinstance(word, str) else word
        out.update(len(raw).to_bytes(8, "little") + raw)
    return out.hexdigest()


def _is_id(text: str, length: int) -> bool:
    return len(text) == length and _HEX.issuperset(text) and text.strip("0") != ""


def trace_of(text: str, project: str) -> str:
    """A trace id: hex and UUIDs as they are, any other name by its digest."""
    plain = text.lower().replace("-", "")
    return plain if _is_id(plain, 32) else digest(16, project, "trace", text)


def span_of(text: str, project: str) -> str:
    """A span id: hex as it is, any other name by its digest."""
    plain = text.lower()
    return plain if _is_id(plain, 16) else digest(8, project, "span", text)


def exchange_of(text: str, project: str) -> tuple[str, str]:
    """Trace and span: `<trace_id>-<span_id>` as it is, a bare trace id without a span, any name by its digest."""
    plain = text.lower()
    if _is_id(plain[:32], 32):
        if len(plain) == 32:
            return plain, ""
        if plain[32] == "-" and _is_id(plain[33:], 16):
            return plain[:32], plain[33:]
    both = digest(24, project, "exchange", text)
    return both[:32], both[32:]
