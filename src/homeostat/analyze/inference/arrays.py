"""Arrays that come in are looked at once, at the door: what cannot be is a clear ValueError, not a NaN later."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SLACK: Final = 1e-9


def finite(
    name: str, values: ArrayLike, *, low: float = -math.inf, high: float = math.inf, empty: bool = False
) -> Floats:
    """The values as float64, all finite and within [low, high].

    >>> finite("share", [0.0, 1.0], low=0, high=1).tolist()
    [0.0, 1.0]
    >>> finite("share", [0.2, float("nan")])
    Traceback (most recent call last):
    ValueError: share: 1 of 2 values are not finite numbers
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        if empty:
            return array
        raise ValueError(f"{name}: there are no values")
    wrong = int(array.size - np.isfinite(array).sum())
    if wrong:
        raise ValueError(f"{name}: {wrong} of {array.size} values are not finite numbers")
    slack = _SLACK * max(1.0, abs(low) if math.isfinite(low) else 0.0, abs(high) if math.isfinite(high) else 0.0)
    if array.min() < low - slack or array.max() > high + slack:
        raise ValueError(f"{name}: values must lie in [{low:g}, {high:g}], found {array.min():g} to {array.max():g}")
    return np.clip(array, low, high) if math.isfinite(low) or math.isfinite(high) else array


def whole(name: str, values: ArrayLike, *, low: int = 0, empty: bool = True) -> Ints:
    """The values as whole numbers not below `low`."""
    array = finite(name, values, low=low, empty=empty)
    if not np.array_equal(array, np.floor(array)):
        raise ValueError(f"{name}: values must be whole numbers")
    return array.astype(np.int64)


def chance(name: str, value: float) -> float:
    """A probability strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name}: must lie strictly between 0 and 1, is {value}")
    return float(value)


def same_length(**arrays: NDArray[Any]) -> int:
    """The common length of arrays that belong together."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError("arrays must be of one length: " + ", ".join(f"{k} {v}" for k, v in lengths.items()))
    return next(iter(lengths.values()))


def added(group: Ints, weight: Floats, size: int) -> Floats:
    """The sums of the weights by group, for groups 0 to size - 1."""
    return np.bincount(group, weights=weight, minlength=size).astype(np.float64)
