"""What to do about a piece during which the process died: take it one by one, and park what it dies of each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from homeostat.store.ledger import Ledger, feeds
from homeostat.store.ledger.feeds import Feed

#: Deaths after which a piece is taken one by one, and after which the one in hand is parked.
_CAREFUL: Final = 2
_PARKED: Final = 5
POISON: Final = f"parked: the process ended {_PARKED} times while it was judged"


@dataclass(frozen=True, slots=True)
class Care:
    """How often the process died with the piece in hand, and how many more are taken one by one."""

    tries: int = 0
    careful: int = 0

    @classmethod
    def of(cls, place: Feed) -> Care:
        """As it stands in the account of a track."""
        return cls(int(place.spent.get("tries", 0)), int(place.spent.get("careful", 0)))

    def most(self, usual: int) -> int:
        """How many to take."""
        return 1 if self.careful or self.tries >= _CAREFUL else usual

    @property
    def parks(self) -> bool:
        """Whether what is in hand gets no further try."""
        before = _CAREFUL if self.careful else 0  # the piece that it was in
        return self.tries + before >= _PARKED

    def begin(self, ledger: Ledger, project: str, track: str, place: Feed) -> None:
        """Write down that it is tried: if it takes the process with it, the next one knows."""
        feeds.move(ledger, project, track, place, replace(place, spent=Care(self.tries + 1, self.careful).into(place)))

    def forget(self, ledger: Ledger, project: str, track: str, place: Feed) -> None:
        """It failed and nobody died: a sick store is no sign of a bad exchange."""
        feeds.move(ledger, project, track, place, replace(place, spent=self.into(place)))

    def done(self, usual: int) -> Care:
        """After a piece that went well."""
        return Care(0, usual if self.tries >= _CAREFUL and not self.careful else max(0, self.careful - 1))

    def into(self, place: Feed) -> Mapping[str, Any]:
        """The account of a track with this in it."""
        rest = {name: value for name, value in place.spent.items() if name not in ("tries", "careful")}
        mine = {"tries": self.tries, "careful": self.careful}
        return rest | {name: value for name, value in mine.items() if value}
