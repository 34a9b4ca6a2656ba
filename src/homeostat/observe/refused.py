"""What cannot be loaded: whether the store is sick or the segment is bad, and which envelope of it."""

from __future__ import annotations

import logging
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError as EngineError
from clickhouse_connect.driver.exceptions import OperationalError

from homeostat.observe.slot import Load, Piece
from homeostat.records.outcome import Outcome
from homeostat.store.spool import segment as spool
from homeostat.store.warehouse import codes

log: Final = logging.getLogger("homeostat.loader")

#: Times that "not now" is believed of the same segment, before its envelopes are suspected.
PATIENCE: Final = 20
_MEMORY: Final = 241


class Suspect(Exception):
    """The engine, or we, could not take this piece: something in it is not as it should be."""

    def __init__(self, piece: Piece, cause: Exception) -> None:
        super().__init__(str(cause)[:500])
        self.piece = piece


class Doubtful(Exception):
    """Nothing of a segment can be read. Is it the segment, or is it us? Another segment that loads will tell."""


class Patience:
    """How often each segment was refused by a store that may only be sick."""

    def __init__(self) -> None:
        self._refusals: Counter[int] = Counter()

    def forget(self, number: int) -> None:
        """It is loaded."""
        self._refusals.pop(number, None)

    def not_now(self, error: Exception, number: int) -> bool:
        """Whether the store is sick, and not the segment."""
        if isinstance(error, OSError):
            return True
        if isinstance(error, MemoryError):
            self._refusals[number] += 1
            return self._refusals[number] <= PATIENCE  # then smaller pieces may do
        if not isinstance(error, EngineError):
            return False
        code = codes.code_of(error)
        if code is None:
            return isinstance(error, OperationalError)
        self._refusals[number] += 1
        if code == _MEMORY and self._refusals[number] > PATIENCE:
            return False  # a piece too large for the memory there is: smaller ones may do
        return codes.not_now(error)


def split(pieces: list[Piece], piece: Piece, aside: list[int]) -> None:
    """Halve a suspect piece until the bad envelope is alone; alone, it is tried exactly, and then set aside."""
    at = pieces.index(piece)
    count = len(piece.envelopes)
    if count > 1:
        middle = count // 2
        pieces[at : at + 1] = [
            replace(piece, envelopes=piece.envelopes[:middle]),
            replace(piece, envelopes=piece.envelopes[middle:]),
        ]
    elif count == 1 and not piece.exact:
        pieces[at] = replace(piece, exact=True)
    else:
        del pieces[at]
        aside.extend(piece.envelopes)


def set_aside(load: Load, index: int, folder: Path) -> None:
    """An envelope that no path can read: kept as it is in the spool's quarantine, counted, in nobody's way."""
    envelope = load.records[index].envelope
    quarantine = folder / spool.QUARANTINE
    quarantine.mkdir(exist_ok=True)
    with (quarantine / f"{load.number:020d}-{index}.refused").open("wb") as file:
        file.write(load.bytes_of(index))
        file.flush()
        os.fsync(file.fileno())
    log.error(
        "segment %d: an envelope of project %r cannot be read; it is in quarantine", load.number, envelope.project
    )
    load.outcomes.append(Outcome(envelope.project, "rejected", envelope.items, "undecodable"))
