"""How long the loader waits after a load of few items, so that what arrives meanwhile is loaded together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: A load of fewer items is followed by a pause of so many times its length: a load costs about the same for one item
#: and for a thousand, and a quiet application should cost little of this machine.
FEW: Final = 2_000
TIMES: Final = 2.0
LONGEST: Final = 0.8
#: Small loads, so many in a row with no more than so many seconds between them, are a steady trickle.
ROW: Final = 8
APART: Final = 0.6
#: Then what lies between the end of one segment and its being visible may take so many seconds: one more load and the
#: pause, and its own load. With the time that a segment is open, everything is visible within two.
BEAT: Final = 1.4


@dataclass(slots=True)
class Pace:
    """Watches the loads go by."""

    row: int = 0  # small loads in a row
    ended: float = 0.0  # when the last pause did

    def pause(self, items: int, seconds: float, *, now: float) -> float:
        """Seconds to wait after a load of so many items that took so long and ended `now`."""
        if items >= FEW:
            self.row = 0
            return 0.0
        self.row = self.row + 1 if now - seconds - self.ended < APART else 1
        wait = min(LONGEST, TIMES * seconds)
        if self.row > ROW:
            wait = max(wait, BEAT - 2 * seconds)
        self.ended = now + wait
        return wait
