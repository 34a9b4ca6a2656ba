"""A staging place: envelopes in, rows in Memory tables out. Nothing here is durable, so the next segment can be staged
while the one before it is still being stored.
"""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from homeostat.config import Settings
from homeostat.observe import exact, facts
from homeostat.observe.assemble.assembly import Assembly
from homeostat.observe.dialects import FACT_MARKS
from homeostat.observe.fast import FastPath, Odd
from homeostat.observe.fast.path import WORTH
from homeostat.observe.opinions import Opinions
from homeostat.observe.staged import NAMES
from homeostat.records.outcome import Outcome
from homeostat.store.ledger.marks import Mark
from homeostat.store.spool import segment as spool
from homeostat.store.spool.envelope import Envelope, Frame, Part, Record, decode, frames, opened
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.splice import restore, splice

log: Final = logging.getLogger("homeostat.loader")

Outcomes = Counter[tuple[str, str, str]]
#: How files begin that hold envelopes for the engine to read, for a moment.
PIECE: Final = ".piece-"
#: Where a row that Python made may tell that it hides an opinion.
_NAME, _EVENTS, _STRINGS, _OTHERS = (NAMES.index(n) for n in ("name", "events", "attributes", "attributes_json"))
_INPUT, _OUTPUT = NAMES.index("input"), NAMES.index("output")
#: Spans that the engine works on at once: enough to be fast, few enough to need little memory.
BLOCK: Final = 2048


@dataclass(frozen=True, slots=True)
class Piece:
    """Envelopes (by index) that are loaded together. `exact`: none of them by the fast path."""

    envelopes: tuple[int, ...]
    exact: bool = False


@dataclass(slots=True)
class Load:
    """One attempt at some segments. Their rows carry the number of the first."""

    segments: tuple[spool.Segment, ...]
    records: list[Record]  # bodies that the engine reads stay in the files
    files: list[Path]  # of each record
    lost: int  # items that damage took
    first_version: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    marks: set[Mark] = field(default_factory=set)

    @property
    def number(self) -> int:
        """What it is called by."""
        return self.segments[0].number

    def whole(self) -> Piece:
        """Every envelope that has something to load."""
        return Piece(tuple(index for index, record in enumerate(self.records) if not record.envelope.outcome))

    def bytes_of(self, index: int) -> bytes:
        """An envelope as it stands in the segment."""
        record = self.records[index]
        with self.files[index].open("rb") as file:
            file.seek(record.offset)
            return file.read(record.length)

    def envelope(self, index: int) -> Envelope:
        """An envelope with its body."""
        return next(decode(self.bytes_of(index))).envelope

    def write(self, path: Path, indices: Sequence[int]) -> None:
        """Put some envelopes into a file."""
        with path.open("wb") as file:
            for index in indices:
                file.write(self.bytes_of(index))


@dataclass(frozen=True, slots=True)
class Filled:
    """A piece whose rows are staged, and what is to be stored beside them."""

    load: Load
    piece: Piece
    dropped: list[Outcome]  # what the engine left out
    outcomes: Outcomes  # what Python left out
    plain: facts.Facts
    hidden: facts.Facts
    received: int  # unix µs of the newest envelope


def read(segments: Sequence[spool.Segment]) -> Load:
    """Sealed segments, salvaged first when they are damaged."""
    load = Load(tuple(segments), [], [], 0)
    for segment in segments:
        data = segment.path.read_bytes()
        found = spool.verify(segment, data=data)
        if isinstance(found, spool.Sound):
            sound: Iterable[Frame] = found.frames
        else:
            log.error("segment %d is damaged: %d items are lost", segment.number, found.lost_items)
            load.lost += spool.salvage(segment).lost_items
            data = segment.path.read_bytes()
            sound = frames(data)
        load.records += (opened(data, frame, without=(Part.TRACES,)) for frame in sound)
        load.files += [segment.path] * (len(load.records) - len(load.files))
    return load


class Slot:
    """Tables named after `staged`, and the rooms that work on them. `beside`: it fills over a client of its own."""

    def __init__(
        self,
        warehouse: Warehouse,
        staged: str,
        settings: Settings,
        assembly: Assembly,
        *,
        beside: Warehouse,
        fast: FastPath | None = None,
        seam: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.staged = staged
        self.assembly = assembly
        self.opinions = Opinions(warehouse, staged)
        self._client = beside.load
        self._settings = settings
        self._seam = seam
        self._fast = fast or FastPath(
            beside,
            attribute_limit=settings.attribute_limit,
            text_limit=settings.text_limit,
            staged=staged,
        )

    def prepare(self) -> None:
        """Its tables, empty."""
        self._fast.prepare()
        self.assembly.prepare()
        self.opinions.prepare()

    def clear(self) -> None:
        """Empty its tables."""
        self._fast.clear()
        self.assembly.clear()
        self.opinions.clear()

    def fill(self, load: Load, piece: Piece, folder: Path) -> Filled:
        """Steps 3 and 4 for some envelopes of a segment."""
        self._fast.clear()
        told = [i for i in piece.envelopes if load.records[i].envelope.part in (Part.TRACES, Part.LOGS)]
        dropped: list[Outcome] = []
        slow = dict.fromkeys(told, Odd()) if piece.exact else self._stage(load, piece, told, folder, dropped)
        self._seam("staged")
        outcomes: Outcomes = Counter()
        rows: list[list[Any]] = []
        for index, odd in slow.items():
            envelope = load.envelope(index)
            taken = exact.rows(
                envelope,
                index if odd.env is None else odd.env,
                attribute_limit=self._settings.attribute_limit,
                text_limit=self._settings.text_limit,
                first=odd.first,
                only=odd.positions,
            )
            outcomes[envelope.project, "rejected", "invalid_id"] += taken.dropped.invalid_id
            outcomes[envelope.project, "expired", ""] += taken.dropped.expired
            rows += [[row[name] for name in NAMES] for row in taken]
        plain = _plain(load, piece, outcomes)
        rows += plain.exchanges
        in_hand = all(index in slow and slow[index].positions is None for index in told)
        hides = not in_hand or _may_hide(rows)
        for row in rows:
            row[_STRINGS] = splice(row[_STRINGS], row[_INPUT], row[_OUTPUT])
        self._insert(rows)
        self._seam("exact")
        received = max((load.records[i].envelope.received for i in piece.envelopes), default=0) // 1000
        hidden = self._hidden() if hides else facts.Facts()
        return Filled(load, piece, dropped, outcomes, plain, hidden, received)

    def _stage(self, load: Load, piece: Piece, told: list[int], folder: Path, dropped: list[Outcome]) -> dict[int, Odd]:
        """The fast path over the envelopes of a piece; returns what of them it leaves to the exact one."""
        spans = [i for i in told if load.records[i].envelope.part is Part.TRACES]
        items = sum(load.records[i].envelope.items for i in spans)
        if items < WORTH:
            return dict.fromkeys(told, Odd())
        whole = len(load.segments) == 1 and piece == load.whole()
        path, index = load.segments[0].path, list(range(len(load.records)))
        if not whole:
            index = spans
            path = folder / f"{PIECE}{load.number}"
        try:
            if not whole:
                load.write(path, spans)
            slow = self._fast.take(path, items=items, together=max(1, BLOCK * len(index) // items))
            self._seam("laid out")
            dropped += self._fast.dropped()
            self._fast.release()
        finally:
            if not whole:
                path.unlink(missing_ok=True)
        logs = dict.fromkeys((i for i in told if load.records[i].envelope.part is Part.LOGS), Odd())
        return {index[env]: odd for env, odd in slow.items()} | logs

    def _hidden(self) -> facts.Facts:
        """Scores and signals that hide in the staged telemetry."""
        found = facts.Facts()
        names = ", ".join(f"'{name}'" for name in FACT_MARKS.events)
        attributes = ", ".join(f"'{name}'" for name in FACT_MARKS.attributes)
        columns = [name for name in NAMES if name != "resource"]
        result = self._client.query(
            f"SELECT {', '.join(columns)} FROM {self.staged} WHERE name IN ({names}) "
            f"OR (events != '' AND multiSearchAny(events, [{names}])) "
            f"OR hasAny(mapKeys(attributes), [{attributes}]) OR hasAny(mapKeys(attributes_json), [{attributes}])"
        )
        for values in result.result_rows:
            row = dict(zip(columns, values, strict=True))
            row |= {name: row[name].replace(tzinfo=UTC) for name in ("at", "received")}
            row["attributes"] = restore(row["attributes"], row["input"], row["output"])
            more = facts.opinions(exact.facts([row]), row["project"], row["received"])
            found.signals += more.signals
            found.scores += more.scores
        return found

    def _insert(self, rows: list[list[Any]]) -> None:
        for start in range(0, len(rows), 5000):
            self._client.insert(self.staged, rows[start : start + 5000], column_names=list(NAMES))


def _may_hide(rows: Iterable[list[Any]]) -> bool:
    """Whether one of these rows may tell a score or a signal: what `_hidden` asks the engine, of rows in hand."""
    for row in rows:
        if row[_NAME] in FACT_MARKS.events or any(mark in row[_EVENTS] for mark in FACT_MARKS.events):
            return True
        if any(mark in row[_STRINGS] or mark in row[_OTHERS] for mark in FACT_MARKS.attributes):
            return True
    return False


def _plain(load: Load, piece: Piece, outcomes: Outcomes) -> facts.Facts:
    found = facts.Facts()
    for index in piece.envelopes:
        envelope = load.records[index].envelope
        if envelope.part is not Part.FACTS:
            continue
        taken = facts.read(envelope, index)
        found.exchanges += taken.exchanges
        found.signals += taken.signals
        found.scores += taken.scores
        outcomes[envelope.project, "rejected", "bad_fact"] += taken.bad
        outcomes[envelope.project, "expired", ""] += taken.expired
    return found
