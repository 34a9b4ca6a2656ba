"""What became of accepted items: nothing vanishes silently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["stored", "rejected", "expired", "erased"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`items` of `project` ended as `kind`; rejected ones for a `reason`."""

    project: str
    kind: Kind
    items: int
    reason: str = ""
