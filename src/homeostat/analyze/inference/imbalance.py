"""Sample ratio mismatch: do the arms get the users that they should? Looked at after every user.

The evidence is that of a Dirichlet prediction against the planned shares; it depends on the counts alone, so there is
no state but the counts. A chi-squared test looked at again and again at p < 0.001 raises thirty times the promised
false alarms.

Reference: Lindon & Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022, arXiv:2011.03567.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Floats, finite

ALPHA = 0.001


def mismatch(counts: ArrayLike, planned: ArrayLike, *, strength: float = 100.0) -> Floats:
    """Log e-value for counts [..., arms] of users; alarm when it reaches log(1 / ALPHA).

    >>> (mismatch([[500, 500], [700, 300]], [0.5, 0.5]) > np.log(1 / ALPHA)).tolist()
    [False, True]
    """
    from scipy.special import gammaln  # a tenth of a second to import, and most starts ask for no interval

    n = finite("counts", counts, low=0)
    p = finite("planned", planned, low=0, high=1)
    if p.ndim != 1 or n.shape[-1] != len(p) or (p <= 0).any() or abs(p.sum() - 1) > 1e-9:
        raise ValueError("planned: one positive share for each arm, summing to 1")
    prior = strength * p
    total = n.sum(axis=-1)
    arms = gammaln(prior + n) - gammaln(prior) - n * np.log(p)
    return np.asarray(gammaln(strength) - gammaln(strength + total) + arms.sum(axis=-1))
