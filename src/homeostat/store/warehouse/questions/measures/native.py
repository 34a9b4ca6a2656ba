"""Columns of numbers straight from the engine's bytes: a chart may need a million counts, too many Python objects.

Reads the few types that measures ask for, in ClickHouse's `Native` format.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_NUMBERS: Final = {"Int32": "<i4", "UInt32": "<u4", "Int64": "<i8", "UInt64": "<u8", "Float64": "<f8"}

#: A column: texts, numbers, or (lengths, flat numbers) of an array column.
Column = list[str] | NDArray[Any] | tuple[NDArray[Any], NDArray[Any]]


def columns(data: bytes) -> dict[str, Column]:
    """Every column by name; blocks are put together. No rows: no columns."""
    reader = _Reader(data)
    parts: dict[str, list[Any]] = {}
    while not reader.done():
        width, rows = reader.varint(), reader.varint()
        for _ in range(width):
            name, kind = reader.text(), reader.text()
            parts.setdefault(name, []).append(reader.column(kind, rows) if rows else None)
    return {name: _joined([piece for piece in pieces if piece is not None]) for name, pieces in parts.items()}


def _joined(pieces: list[Any]) -> Any:
    if len(pieces) == 1:
        return pieces[0]
    if not pieces:
        return np.empty(0)
    if isinstance(pieces[0], list):
        return [text for piece in pieces for text in piece]
    if isinstance(pieces[0], tuple):
        return tuple(np.concatenate([piece[i] for piece in pieces]) for i in (0, 1))
    return np.concatenate(pieces)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def done(self) -> bool:
        return self._at >= len(self._data)

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def text(self) -> str:
        size = self.varint()
        self._at += size
        return self._data[self._at - size : self._at].decode("utf-8", "replace")

    def column(self, kind: str, rows: int) -> Any:
        if kind == "String":
            return [self.text() for _ in range(rows)]
        if kind.startswith("Array(") and kind.endswith(")"):
            ends = self._numbers("<u8", rows).astype(np.int64)
            return np.diff(ends, prepend=0), self._numbers(_NUMBERS[kind[6:-1]], int(ends[-1]))
        return self._numbers(_NUMBERS[kind], rows)

    def _numbers(self, kind: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._data, dtype=kind, count=count, offset=self._at)
        self._at += found.nbytes
        return found
