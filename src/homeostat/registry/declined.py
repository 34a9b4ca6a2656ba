"""How the registry says no: a value, told to whoever asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Declined:
    """Why something was not done. `current`: what is there instead, when somebody else was quicker."""

    code: Literal["not_found", "conflict", "bad_request"]
    message: str
    hint: str = ""
    current: Any = None
