"""What the engine's errors mean."""

from __future__ import annotations

import re
from typing import Final

#: "Not now" (no room, no memory, no file, no network, …): nothing is wrong with what was asked.
NOT_NOW: Final = frozenset(
    (74, 75, 76, 159, 160, 198, 202, 209, 210, 236, 241, 242, 243, 252, 279, 394, 425, 439, 473, 499, 999, 1000)
)
_CODE: Final = re.compile(r"Code: (\d+)")


def code_of(error: Exception) -> int | None:
    """The engine's number for an error; None: it was not the engine that said so."""
    found = _CODE.search(str(error))
    return None if found is None else int(found[1])
