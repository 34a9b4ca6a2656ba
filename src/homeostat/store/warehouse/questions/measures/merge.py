"""Rows with sums, counts and buckets, added up by time and dimensions: the arrays' side of what `GROUP BY` does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.store.warehouse.questions.measures.buckets import Counts


class Table:
    """Columns of one source, grouped: rows that share time and dimensions are one group, in their order."""

    def __init__(self, columns: dict[str, Any], dims: int) -> None:
        self._columns = columns
        times = np.asarray(columns.get("t", ()), dtype=np.int64)
        self.rows = len(times)
        dictionaries = []
        key = times
        for i in range(dims):
            texts = columns.get(f"d{i}", [])
            dictionary = sorted(set(texts))
            codes = {text: code for code, text in enumerate(dictionary)}
            key = key * len(codes) + np.fromiter((codes[text] for text in texts), dtype=np.int64, count=len(texts))
            dictionaries.append(dictionary)
        key, self._group = np.unique(key, return_inverse=True)
        self.size = len(key)
        self.dims: list[list[str]] = []
        for dictionary in reversed(dictionaries):
            key, code = np.divmod(key, max(len(dictionary), 1))
            self.dims.insert(0, [dictionary[c] for c in code.tolist()])
        self.times = key

    def sum(self, name: str) -> NDArray[np.float64]:
        """A column added up."""
        return np.bincount(self._group, weights=self._numbers(name), minlength=self.size).astype(np.float64)

    def least(self, name: str, among: str) -> NDArray[np.float64]:
        """The smallest value of a column among rows where another one is not zero; NaN where there is none."""
        return -self._most(-self._numbers(name), among)

    def most(self, name: str, among: str) -> NDArray[np.float64]:
        """The largest value, likewise."""
        return self._most(self._numbers(name), among)

    def counts(self, buckets: str, counts: str) -> Counts:
        """Buckets added up."""
        empty = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        lengths, index = self._columns.get(buckets, empty)
        return Counts(np.repeat(self._group, lengths), self.size, index, self._columns.get(counts, empty)[1])

    def _most(self, values: NDArray[np.float64], among: str) -> NDArray[np.float64]:
        some = self._numbers(among) > 0
        found = np.full(self.size, -np.inf)
        np.maximum.at(found, self._group[some], values[some])
        return np.where(np.isfinite(found), found, np.nan)

    def _numbers(self, name: str) -> NDArray[np.float64]:
        return np.asarray(self._columns.get(name, ()), dtype=np.float64)
