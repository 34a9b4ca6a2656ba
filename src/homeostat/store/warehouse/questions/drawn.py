"""Of very many, a share of the units: what is learnt from more is little, and what is asked must fit into memory
however busy an application is. The same units whoever asks, so that shares of several relations agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from homeostat.store.warehouse.client import Warehouse

#: So many answers are looked at one by one; of more, a share.
MOST: Final = 150_000
_SHARES: Final = 1_000_000


def share(warehouse: Warehouse, relation: str, values: Mapping[str, Any]) -> float:
    """The share of a relation (`table WHERE ...`) that can be looked at."""
    [row] = warehouse.ask(f"SELECT count() AS n FROM {relation}", values)  # noqa: S608
    return min(1.0, MOST / max(1, int(row["n"])))


def units(unit: str, share: float) -> str:
    """The condition that a unit (an expression) is among them.

    >>> units("user_id", 0.25), units("user_id", 1.0)
    ('sipHash64(user_id) % 1000000 < 1000000 * 0.25', 'true')
    """
    return within(unit, str(share)) if share < 1 else "true"


def within(unit: str, share: str) -> str:
    """The same, for a share that is an expression."""
    return f"sipHash64({unit}) % {_SHARES} < {_SHARES} * {share}"
