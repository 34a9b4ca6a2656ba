"""One sealed segment of the spool, exactly once, into the warehouse. See design/0001, "Loading one segment"."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

import logging
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from clickhouse_connect.driver.exceptions import ClickHouseError as EngineError
from clickhouse_connect.driver.exceptions import OperationalError

from homeostat.config import Settings
from homeostat.observe import exact, facts
from homeostat.observe.assemble.assembly import Assembled, Assembly
from homeostat.observe.dialects import FACT_MARKS
from homeostat.observe.fast import FastPath
from homeostat.observe.fast.path import WORTH
from homeostat.observe.opinions import Kept, Opinions
from homeostat.observe.staged import NAMES
from homeostat.records.outcome import Kind, Outcome
from homeostat.store.ledger import Ledger, segments
from homeostat.store.spool import segment as spool
from homeostat.store.spool.envelope import Part, Record, decode
from homeostat.store.warehouse.client import Warehouse

log: Final = logging.getLogger("homeostat.loader")

#: The engine's codes for "not now" (no room, no memory, no file, no network, …): nothing is wrong with the segment.
NOT_NOW: Final = frozenset(
    (74, 75, 76, 159, 160, 198, 202, 209, 210, 236, 241, 242, 243, 252, 279, 394, 425, 439, 473, 499, 999, 1000)
)
#: Times that "not now" is believed of the same segment, before its envelopes are suspected.
PATIENCE: Final = 20
#: Bytes that the process may hold between two segments before the engine is asked to give back what it freed.
KEPT_MEMORY: Final = 900 << 20
#: Seconds between two such requests: each takes some ten milliseconds.
GIVE_BACK_EVERY: Final = 2.0
_CODE: Final = re.compile(r"Code: (\d+)")


Outcomes = Counter[tuple[str, str, str]]


class Clock(Protocol):
    """The event clock."""

    def now_ns(self) -> int:
        """Unix time in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A segment that is in the warehouse now."""

    number: int
    items: int
    seconds: float
    again: bool  # an earlier attempt had died


@dataclass(frozen=True, slots=True)
class Piece:
    """Envelopes (by index) that are loaded together. `exact`: none of them by the fast path."""

    envelopes: tuple[int, ...]
    exact: bool = False


class Suspect(Exception):
    """The engine, or we, could not take this piece: something in it is not as it should be."""

    def __init__(self, piece: Piece, cause: Exception) -> None:
        super().__init__(str(cause)[:500])
        self.piece = piece


@dataclass(slots=True)
class Load:
    """One attempt at a segment."""

    segment: spool.Segment
    data: bytes
    records: list[Record]
    first_version: int
    outcomes: list[Outcome] = field(default_factory=list)
    marks: set[tuple[str, datetime]] = field(default_factory=set)


class Loader:
    """Loads the oldest segment, again and again. One per warehouse."""

    def __init__(
        self,
        warehouse: Warehouse,
        ledger: Ledger,
        spool_folder: Path,
        settings: Settings,
        clock: Clock,
        *,
        staged: str = "staged",
        fast: FastPath | None = None,
        seam: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._warehouse = warehouse
        self._client = warehouse.load
        self._ledger = ledger
        self._folder = spool_folder
        self._settings = settings
        self._clock = clock
        self._staged = staged
        self._fast = fast or FastPath(
            warehouse,
            attribute_limit=settings.attribute_limit,
            text_limit=settings.text_limit,
            incoming=f"{staged}_incoming",
            staged=staged,
        )
        self._assembly = Assembly(warehouse, staged)
        self._opinions = Opinions(warehouse, staged)
        self._seam = seam
        self._version = 0
        self._gave_back = 0.0
        self._refusals: Counter[int] = Counter()
        self._ready = False

    def load_next(self) -> Loaded | None:
        """Load the oldest sealed segment; None: there is none. A sick store raises: call again, nothing is lost."""
        waiting = spool.sealed(self._folder)
        if not waiting:
            return None
        begun = time.monotonic()
        segment = waiting[0]
        self._prepare()
        again = False
        if segments.state(self._ledger, segment.number) != "loaded":
            again = segments.intend(self._ledger, segment.number)
            self._seam("intent")
            if again:
                self._undo(segment.number)
            self._load(segment)
        self._drop_file(segment.path)
        self._seam("deleted")
        self._give_back()
        self._refusals.pop(segment.number, None)
        return Loaded(segment.number, segment.items, time.monotonic() - begun, again)

    def _prepare(self) -> None:
        """Once: our own tables, and versions that begin above every stored one."""
        if self._ready:
            return
        self._fast.prepare()
        self._assembly.prepare()
        self._opinions.prepare()
        stored = self._client.query("SELECT max(version) FROM exchanges").result_rows
        self._version = max(self._version, int(stored[0][0]))
        self._ready = True

    def _load(self, segment: spool.Segment) -> None:
        """Steps 2 to 7."""
        lost = self._verify(segment)
        data = segment.path.read_bytes()
        load = Load(segment, data, list(decode(data)), first_version=self._next_version(segment.number))
        self._seam("verified")
        pieces = [Piece(tuple(index for index, record in enumerate(load.records) if not record.envelope.outcome))]
        aside: list[int] = []
        while True:
            load.outcomes, load.marks = [], set()
            try:
                for piece in pieces:
                    self._load_piece(load, piece)
                break
            except Suspect as suspect:
                log.warning("segment %d: %s", segment.number, suspect)
                self._undo(segment.number)
                _split(pieces, suspect.piece, aside)
            finally:
                self._clear()
        self._conclude(load, lost, aside)

    def _conclude(self, load: Load, lost: int, aside: Sequence[int]) -> None:
        for index in aside:
            self._set_aside(load, index)
        if aside:
            load.marks |= self._assembly.bury(load.first_version, self._next_version(load.segment.number))
        for record in load.records:
            envelope = record.envelope
            if envelope.outcome:
                load.outcomes.append(Outcome(envelope.project, "rejected", envelope.items, envelope.outcome))
        self._conserve(load)
        if lost:
            whose = Counter(record.envelope.project for record in load.records).most_common(1)
            load.outcomes.append(Outcome(whose[0][0] if whose else "default", "rejected", lost, "damaged"))
        self._seam("stored")
        segments.finish(self._ledger, load.segment.number, load.outcomes, load.marks)
        self._seam("finished")

    def _verify(self, segment: spool.Segment) -> int:
        """Items that the segment lost to damage; what is left of it is sound."""
        found = spool.verify(segment)
        if isinstance(found, spool.Sound):
            return 0
        log.error(
            "segment %d is damaged: %d items are lost, the original is in quarantine", segment.number, found.lost_items
        )
        return spool.salvage(segment).lost_items

    def _load_piece(self, load: Load, piece: Piece) -> None:
        try:
            self._take(load, piece)
        except Exception as error:  # whatever it is: one bad envelope must not stop the others
            if self._not_now(error, load.segment.number):
                raise
            log.debug("a piece of segment %d was refused", load.segment.number, exc_info=True)
            raise Suspect(piece, error) from error

    def _take(self, load: Load, piece: Piece) -> None:
        """Steps 3 to 6 for some envelopes."""
        self._clear()
        told = [i for i in piece.envelopes if load.records[i].envelope.part in (Part.TRACES, Part.LOGS)]
        slow = told if piece.exact else self._stage(load, piece)
        self._seam("staged")
        outcomes: Outcomes = Counter()
        rows: list[list[Any]] = []
        for index in slow:
            envelope = load.records[index].envelope
            read = exact.rows(
                envelope, index, attribute_limit=self._settings.attribute_limit, text_limit=self._settings.text_limit
            )
            outcomes[envelope.project, "rejected", "invalid_id"] += read.dropped.invalid_id
            outcomes[envelope.project, "expired", ""] += read.dropped.expired
            rows += [[row[name] for name in NAMES] for row in read]
        plain = self._facts(load, piece, outcomes)
        self._insert(rows + plain.exchanges)
        self._seam("exact")
        hidden = self._hidden_facts()
        received = max((load.records[i].envelope.received for i in piece.envelopes), default=0) // 1000
        done = self._assembly.store(load.segment.number, self._next_version(load.segment.number), received, self._seam)
        number = load.segment.number
        kept = [
            self._opinions.store("signals", plain.signals, number),
            self._opinions.store("scores", plain.scores, number),
        ]
        self._count(load, outcomes, done, kept)
        # Facts that hid in telemetry are no items of their own.
        kept += [
            self._opinions.store("signals", hidden.signals, number),
            self._opinions.store("scores", hidden.scores, number),
        ]
        load.marks |= done.marks.union(*(one.marks for one in kept))
        self._seam("facts")

    def _stage(self, load: Load, piece: Piece) -> list[int]:
        """The fast path over the envelopes of a piece; returns those that it leaves to the exact one."""
        wanted = [i for i in piece.envelopes if load.records[i].envelope.part in (Part.TRACES, Part.LOGS)]
        if sum(load.records[i].envelope.items for i in wanted) < WORTH:
            return wanted
        whole = len(piece.envelopes) == sum(not record.envelope.outcome for record in load.records)
        path, index = load.segment.path, list(range(len(load.records)))
        if not whole:
            index = wanted
            path = self._folder / f".piece-{load.segment.number}"
            path.write_bytes(b"".join(_bytes(load, i) for i in wanted))
        try:
            self._fast.decode(path)
            self._seam("decoded")
            slow = list(self._fast.exact_envelopes())
            self._fast.stage(slow)
            load.outcomes += [outcome for outcome in self._fast.dropped(slow) if outcome.items]
        finally:
            if not whole:
                path.unlink(missing_ok=True)
        return [index[i] for i in slow]

    def _facts(self, load: Load, piece: Piece, outcomes: Outcomes) -> facts.Facts:
        found = facts.Facts()
        for index in piece.envelopes:
            envelope = load.records[index].envelope
            if envelope.part is not Part.FACTS:
                continue
            read = facts.read(envelope, index)
            found.exchanges += read.exchanges
            found.signals += read.signals
            found.scores += read.scores
            outcomes[envelope.project, "rejected", "bad_fact"] += read.bad
        return found

    def _hidden_facts(self) -> facts.Facts:
        """Scores and signals that hide in the staged telemetry."""
        found = facts.Facts()
        names = ", ".join(f"'{name}'" for name in FACT_MARKS.events)
        attributes = ", ".join(f"'{name}'" for name in FACT_MARKS.attributes)
        columns = [name for name in NAMES if name not in ("input", "output", "resource")]
        result = self._client.query(
            f"SELECT {', '.join(columns)} FROM {self._staged} WHERE name IN ({names}) "
            f"OR (events != '' AND multiSearchAny(events, [{names}])) "
            f"OR hasAny(mapKeys(attributes), [{attributes}]) OR hasAny(mapKeys(attributes_json), [{attributes}])"
        )
        for values in result.result_rows:
            row = dict(zip(columns, values, strict=True))
            row |= {name: row[name].replace(tzinfo=UTC) for name in ("at", "received")}
            more = facts.opinions(exact.facts([row]), row["project"], row["received"])
            found.signals += more.signals
            found.scores += more.scores
        return found

    def _insert(self, rows: list[list[Any]]) -> None:
        for start in range(0, len(rows), 5000):
            self._client.insert(self._staged, rows[start : start + 5000], column_names=list(NAMES))

    def _count(self, load: Load, outcomes: Outcomes, done: Assembled, kept: Sequence[Kept]) -> None:
        """What became of the items of a piece."""
        for project, items in done.stored.items():
            outcomes[project, "stored", ""] += items
        for project, items in done.doubled.items():
            outcomes[project, "rejected", "duplicate"] += items
        for one in kept:
            for project, items in one.stored.items():
                outcomes[project, "stored", ""] += items
            for project, items in one.doubled.items():
                outcomes[project, "rejected", "duplicate"] += items
        load.outcomes += [Outcome(p, _KINDS[k], n, r) for (p, k, r), n in outcomes.items() if n]

    def _conserve(self, load: Load) -> None:
        """Every item ends in exactly one outcome. Anything else is our fault: it is told, counted, and stops nobody."""
        expected: Counter[str] = Counter()
        for record in load.records:
            expected[record.envelope.project] += record.envelope.items
        for outcome in load.outcomes:
            expected[outcome.project] -= outcome.items
        for project, left in expected.items():
            if left:
                log.error("segment %d: %d items of project %r have no outcome", load.segment.number, left, project)
            if left > 0:
                load.outcomes.append(Outcome(project, "rejected", left, "unexplained"))

    def _undo(self, number: int) -> None:
        """Remove what an earlier attempt stored, after it has certainly ended. Its exchanges will be written anew."""
        self._await_end(number)
        for table in ("spans", "signals", "scores"):
            if self._client.query(f"SELECT 1 FROM {table} WHERE segment = {number} LIMIT 1").result_rows:
                self._client.command(
                    f"DELETE FROM {table} WHERE segment = {number} SETTINGS lightweight_deletes_sync = 2"
                )
        self._seam("undone")

    def _await_end(self, number: int) -> None:
        """An embedded engine died with its process; a server may still be busy with an insert whose client is gone."""
        if self._warehouse.embedded:
            return
        deadline = time.monotonic() + 60
        busy = (
            "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO %' "
            f"AND query LIKE '%{number}%' AND query NOT LIKE '%system.processes%'"
        )
        while self._client.query(busy).result_rows[0][0]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"An earlier insert of segment {number} is still running; trying again later.")
            time.sleep(0.2)

    def _set_aside(self, load: Load, index: int) -> None:
        """An envelope that no path can read: kept as it is, counted, in nobody's way."""
        envelope = load.records[index].envelope
        folder = self._folder / spool.QUARANTINE
        folder.mkdir(exist_ok=True)
        with (folder / f"{load.segment.number:020d}-{index}.refused").open("wb") as file:
            file.write(_bytes(load, index))
            file.flush()
            os.fsync(file.fileno())
        log.error(
            "segment %d: an envelope of project %r cannot be read; it is in quarantine",
            load.segment.number,
            envelope.project,
        )
        load.outcomes.append(Outcome(envelope.project, "rejected", envelope.items, "undecodable"))

    def _not_now(self, error: Exception, number: int) -> bool:
        """Whether the store is sick, and not the segment."""
        if isinstance(error, OSError | MemoryError):
            return True
        if not isinstance(error, EngineError):
            return False
        code = _CODE.search(str(error))
        if code is None:
            return isinstance(error, OperationalError)
        self._refusals[number] += 1
        if int(code[1]) == _MEMORY and self._refusals[number] > PATIENCE:
            return False  # a piece too large for the memory there is: smaller ones may do
        return int(code[1]) in NOT_NOW

    def _next_version(self, number: int) -> int:
        """Above every version that was ever stored, whatever the order of segments."""
        self._version = max(self._version + 1, number)
        return self._version

    def _clear(self) -> None:
        self._fast.clear()
        self._assembly.clear()
        self._opinions.clear()

    def _give_back(self) -> None:
        """An embedded engine keeps freed memory for a while; past a limit it is asked to give it back."""
        now = time.monotonic()
        if self._warehouse.embedded and now - self._gave_back > GIVE_BACK_EVERY and _resident() > KEPT_MEMORY:
            self._gave_back = now
            self._client.command("SYSTEM JEMALLOC PURGE")

    @staticmethod
    def _drop_file(path: Path) -> None:
        path.unlink(missing_ok=True)


_KINDS: Final[dict[str, Kind]] = {"stored": "stored", "rejected": "rejected", "expired": "expired"}
_MEMORY: Final = 241


def _resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _bytes(load: Load, index: int) -> bytes:
    record = load.records[index]
    return load.data[record.offset : record.offset + record.length]


def _split(pieces: list[Piece], piece: Piece, aside: list[int]) -> None:
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
