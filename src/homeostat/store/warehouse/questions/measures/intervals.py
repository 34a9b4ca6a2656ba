"""95 % intervals from sums and counts, for many groups at once. NaN means "cannot be said".

- mean: Student's t on n - 1 degrees of freedom. sum: n times that.
- share: Wilson's score interval.
- quantile: order statistics by the binomial distribution (which ranks hold the true quantile), no assumption on shape.
- rate: Poisson, by Byar's approximation, which is within 1 % of the exact limits (a table below 11 events).
- count, min, max, unique: what was seen, exactly; low and high are the value itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ends = tuple[Floats, Floats]

Z: Final = 1.959963984540054
#: Student's t, 97.5 %, for 1 to 30 degrees of freedom.
_T: Final = np.array([
    12.706204736, 4.302652730, 3.182446305, 2.776445105, 2.570581836, 2.446911851, 2.364624252, 2.306004135,
    2.262157163, 2.228138852,
    2.200985160, 2.178812830, 2.160368656, 2.144786688, 2.131449546, 2.119905299, 2.109815578, 2.100922040,
    2.093024054, 2.085963447, 2.079613845, 2.073873068, 2.068657610, 2.063898562, 2.059538553, 2.055529439, 2.051830516,
    2.048407142, 2.045229642, 2.042272456,
])  # fmt: skip

#: The lower Poisson limit for 1 to 10 events, where the approximation is poor.
_FEW: Final = np.array([
    0.0, 0.025317808, 0.242209279, 0.618672123, 1.089865374, 1.623486390,
    2.201894253, 2.814363052, 3.453832177, 4.115373097, 4.795388696,
])  # fmt: skip


def t_quantile(freedom: Floats) -> Floats:
    """Student's t, 97.5 %; NaN below one degree of freedom."""
    with np.errstate(divide="ignore", invalid="ignore"):
        far = Z + (Z**3 + Z) / (4 * freedom) + (5 * Z**5 + 16 * Z**3 + 3 * Z) / (96 * freedom**2)
        far += (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / (384 * freedom**3)
    near = _T[np.clip(freedom, 1, len(_T)).astype(np.int64) - 1]
    return np.where(freedom < 1, np.nan, np.where(freedom <= len(_T), near, far))


def mean(n: Floats, total: Floats, squares: Floats) -> Ends:
    """Ends for the mean."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        middle = total / n
        variance = np.maximum(squares - total * middle, 0.0) / (n - 1)
        half = t_quantile(n - 1) * np.sqrt(variance / n)
    return middle - half, middle + half


def share(hits: Floats, n: Floats) -> Ends:
    """Wilson's interval."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = hits / n
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * np.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    # At the edges rounding must not push an end past what was seen.
    return np.minimum(np.maximum(middle - half, 0.0), p), np.maximum(np.minimum(middle + half, 1.0), p)


def poisson(events: Floats) -> Ends:
    """Ends for the expected number of events."""
    with np.errstate(divide="ignore", invalid="ignore"):
        low = events * (1 - 1 / (9 * events) - Z / (3 * np.sqrt(events))) ** 3
    more = events + 1
    high = more * (1 - 1 / (9 * more) + Z / (3 * np.sqrt(more))) ** 3
    few = _FEW[np.clip(events, 0, len(_FEW) - 1).astype(np.int64)]
    return np.where(events < len(_FEW), few, low), high


def quantile_ranks(n: Floats, level: float) -> Ends:
    """Ranks (0 is the smallest value) between which the true quantile lies; NaN where so few values cannot say it."""
    spread = Z * np.sqrt(n * level * (1 - level))
    low, high = np.floor(n * level - spread) - 1, np.ceil(n * level + spread)
    # Outside the sample there is no value to name, unless even the extreme value holds it with 97.5 %.
    return np.where(low < 0, np.nan, low), np.where(high > n - 1, np.nan, high)
