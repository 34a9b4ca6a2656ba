"""What the engine's errors mean."""

from __future__ import annotations

import re
from typing import Final

#: "Not now": nothing is wrong with what was asked.
_BUSY: Final = frozenset((159, 160, 198, 202, 209, 210, 236, 241, 242, 252, 279, 394, 425, 439, 473, 499, 999, 1000))
#: The disk: no room, no file, no folder to be had.
_DISK: Final = frozenset(
    (74, 75, 76, 77, 83, 84, 87, 88, 107, 172, 173, 204, 214, 243, 294, 400, 424, 458, 504, 521, 586)
)
#: A file of the warehouse is not what it should be. Where a write was lost, the core starts again and it is.
_UNREADABLE: Final = frozenset((32, 33, 40, 226, 228, 246))
#: The first one counts, what stands behind it may quote a user. What the operating system refused is told as such,
#: whatever the engine was at.
_CODE: Final = re.compile(r"Code: (\d+)(\. DB::(?:ErrnoException|Exception: std::__1::filesystem))?")


def code_of(error: Exception) -> int | None:
    """The engine's number for an error; None: it was not the engine that said so."""
    found = _CODE.search(str(error))
    return None if found is None else int(found[1])


def not_now(error: Exception) -> bool:
    """Whether the store is sick, and what was asked of it may be asked again."""
    found = _CODE.search(str(error))
    return found is not None and (int(found[1]) in _BUSY | _DISK or found[2] is not None)


def unreadable(error: Exception) -> bool:
    """Whether it read, of its own files, what cannot be."""
    return code_of(error) in _UNREADABLE
