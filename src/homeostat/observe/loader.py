"""One sealed segment of the spool, exactly once, into the warehouse. See design/0001, "Loading one segment"."""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from homeostat.config import Settings
from homeostat.observe import prices
from homeostat.observe.assemble.assembly import Assembly
from homeostat.observe.assemble.relatives import Kin
from homeostat.observe.fast import FastPath
from homeostat.observe.outcomes import conserve, count
from homeostat.observe.refused import Doubtful, Patience, Suspect, set_aside, split
from homeostat.observe.slot import PIECE, Filled, Load, Piece, Slot, read
from homeostat.records.outcome import Outcome
from homeostat.store.ledger import Ledger, projects, segments
from homeostat.store.spool import segment as spool
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.memory import Thrift
from homeostat.store.warehouse.merging import Merging

log: Final = logging.getLogger("homeostat.loader")

#: Small segments are loaded together: a load costs about the same for ten items and for a thousand. They are copied
#: into one file for it, which must not be what fills the disk.
MOST_SEGMENTS: Final = 64
BATCH_BYTES: Final = 56 << 20
KEEP_FREE: Final = 4 * BATCH_BYTES
#: So many items behind the ones that are being loaded are a burst.
MANY: Final = 8_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """A segment that is in the warehouse now."""

    number: int
    items: int
    seconds: float
    again: bool  # an earlier attempt had died


class Loader:
    """Loads the oldest segment, again and again. One per warehouse."""

    def __init__(
        self,
        warehouse: Warehouse,
        ledger: Ledger,
        spool_folder: Path,
        settings: Settings,
        *,
        staged: str = "staged",
        together: int = MOST_SEGMENTS,
        fast: FastPath | None = None,
        seam: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._warehouse = warehouse
        self._client = warehouse.load
        self._ledger = ledger
        self._folder = spool_folder
        self._settings = settings
        self._together = together
        self._seam = seam
        kin = Kin(warehouse)

        def overrides(project: str) -> prices.Overrides:
            return prices.chosen(projects.settings(ledger, project))

        def slot(name: str) -> Slot:
            assembly = Assembly(warehouse, name, kin=kin, overrides=overrides)
            return Slot(warehouse, name, settings, assembly, beside=warehouse.beside(), fast=fast, seam=seam)

        self._thrift = Thrift(warehouse)
        self._merging = Merging(warehouse)
        self._slots = [slot(staged), slot(f"{staged}_ahead")]
        self._ahead = ThreadPoolExecutor(1, "stage")
        self._coming: tuple[Slot, Future[Filled]] | None = None
        self._version = 0
        self._patience = Patience()
        self._doubtful: dict[int, int] = {}
        self._proofs = 0
        self._ready = False

    def load_next(self) -> Loaded | None:
        """Load the oldest sealed segment; None: there is none. A sick store raises: call again, nothing is lost."""
        try:
            return self._load_next()
        except BaseException:
            self._merging.resume()
            raise

    def _load_next(self) -> Loaded | None:
        begun = time.monotonic()
        waiting = self._waiting()
        if not waiting:
            self._merging.pace(busy=False)
            self._thrift.rest()
            return None
        self._warehouse.need_room()
        self._prepare()
        slot, batch, filled = self._arrived(waiting)
        again = [one.number for one in batch if segments.intend(self._ledger, one.number)]
        self._seam("intent")
        for number in again:
            self._undo(number)
        rest = waiting[len(batch) :]
        self._merging.pace(busy=sum(one.items for one in rest) >= MANY)
        if rest:
            self._stage_ahead(self._batch(rest), slot)
        self._load(batch, slot, filled)
        self._proofs += 1
        for segment in batch:
            segment.path.unlink(missing_ok=True)
            self._doubtful.pop(segment.number, None)
        self._seam("deleted")
        self._thrift.give_back()
        self._patience.forget(batch[0].number)
        return Loaded(batch[0].number, sum(one.items for one in batch), time.monotonic() - begun, bool(again))

    def _waiting(self) -> list[spool.Segment]:
        """Sealed segments that are to be loaded, oldest first. Those that are loaded already only left their files."""
        waiting = []
        for segment in spool.sealed(self._folder):
            if self._doubtful.get(segment.number) == self._proofs:
                continue
            if segments.state(self._ledger, segment.number) == "loaded":
                segment.path.unlink(missing_ok=True)
                continue
            waiting.append(segment)
            if len(waiting) >= 2 * self._together:
                break
        return waiting

    @property
    def doubtful(self) -> int:
        """Segments that could not be read, and wait until another one shows whether it is them or us."""
        return len(self._doubtful)

    def close(self) -> None:
        """Let go of what was staged ahead; nothing of it was stored."""
        self._ahead.shutdown(wait=True, cancel_futures=True)
        self._merging.resume()

    def _prepare(self) -> None:
        """Once: our own tables, and versions that begin above every stored one."""
        if self._ready:
            return
        for left in self._folder.glob(f"{PIECE}*"):  # of a process that died
            left.unlink(missing_ok=True)
        for slot in self._slots:
            slot.prepare()
        stored = self._client.query("SELECT max(version) FROM exchanges").result_rows
        self._version = max(self._version, int(stored[0][0]))
        self._ready = True

    def _batch(self, waiting: Sequence[spool.Segment]) -> list[spool.Segment]:
        """The oldest segment, and those after it while all are small together."""
        batch, size = [waiting[0]], waiting[0].path.stat().st_size
        if len(waiting) > 1 and shutil.disk_usage(self._folder).free < KEEP_FREE:
            return batch
        for segment in waiting[1 : self._together]:
            size += segment.path.stat().st_size
            if size > BATCH_BYTES:
                break
            batch.append(segment)
        return batch

    def _stage_ahead(self, batch: Sequence[spool.Segment], busy: Slot) -> None:
        """Stage what comes next while this is stored: two cores have work."""
        free = next(slot for slot in self._slots if slot is not busy)

        def stage() -> Filled:
            load = read(batch)
            return free.fill(load, load.whole(), self._folder)

        self._coming = (free, self._ahead.submit(stage))

    def _arrived(self, waiting: Sequence[spool.Segment]) -> tuple[Slot, Sequence[spool.Segment], Filled | None]:
        """What is to be loaded now, and its rows if they were staged ahead and nothing went wrong."""
        if self._coming is None:
            return self._slots[0], self._batch(waiting), None
        slot, future = self._coming
        self._coming = None
        try:
            filled = future.result()
        except Exception:
            log.debug("staging ahead failed", exc_info=True)
            return slot, self._batch(waiting), None
        staged = filled.load.segments
        if list(staged) == list(waiting[: len(staged)]):
            return slot, staged, filled
        return slot, self._batch(waiting), None

    def _load(self, batch: Sequence[spool.Segment], slot: Slot, filled: Filled | None) -> None:
        """Steps 2 to 7."""
        load = filled.load if filled else read(batch)
        load.first_version = self._next_version(load.number)
        self._seam("verified")
        pieces, aside = [load.whole()], list[int]()
        while True:
            load.outcomes, load.marks = [], set()
            try:
                for piece in pieces:
                    self._load_piece(load, piece, slot, filled)
                break
            except Suspect as suspect:
                log.warning("segment %d: %s", load.number, suspect)
                self._undo(load.number)
                split(pieces, suspect.piece, aside)
                filled = None
            finally:
                slot.clear()
        if aside and not pieces and self._doubt(batch):
            raise Doubtful(f"Nothing of segment {load.number} can be read; it waits until another one loads.")
        self._conclude(load, slot, aside)

    def _doubt(self, batch: Sequence[spool.Segment]) -> bool:
        """Whether to wait with setting all of it aside: a fault of ours would refuse every segment like this."""
        first = any(segment.number not in self._doubtful for segment in batch)
        self._doubtful |= dict.fromkeys((segment.number for segment in batch), self._proofs)
        return first

    def _conclude(self, load: Load, slot: Slot, aside: Sequence[int]) -> None:
        for index in aside:
            set_aside(load, index, self._folder)
        if aside:
            load.marks |= slot.assembly.bury(load.first_version, self._next_version(load.number))
        for record in load.records:
            envelope = record.envelope
            if envelope.outcome:
                load.outcomes.append(Outcome(envelope.project, "rejected", envelope.items, envelope.outcome))
        conserve(load)
        if load.lost:
            whose = Counter(record.envelope.project for record in load.records).most_common(1)
            load.outcomes.append(Outcome(whose[0][0] if whose else "default", "rejected", load.lost, "damaged"))
        self._warehouse.prove()
        self._seam("stored")
        numbers = [segment.number for segment in load.segments]
        segments.finish(self._ledger, numbers, load.outcomes, load.marks)
        self._seam("finished")

    def _load_piece(self, load: Load, piece: Piece, slot: Slot, filled: Filled | None) -> None:
        try:
            self._store(load, slot, filled or slot.fill(load, piece, self._folder))
        except Exception as error:  # whatever it is: one bad envelope must not stop the others
            self._warehouse.prove()
            if self._patience.not_now(error, load.number):
                raise
            log.debug("a piece of segment %d was refused", load.number, exc_info=True)
            raise Suspect(piece, error) from error

    def _store(self, load: Load, slot: Slot, filled: Filled) -> None:
        """Steps 5 and 6: what is staged becomes durable."""
        number = load.number
        version = self._next_version(number)
        done = slot.assembly.store(number, version, filled.received, self._seam)
        kept = [
            slot.opinions.store("signals", filled.plain.signals, number),
            slot.opinions.store("scores", filled.plain.scores, number),
        ]
        load.outcomes += filled.dropped
        count(load, filled.outcomes, done, kept)
        # Facts that hid in telemetry are no items of their own.
        slot.opinions.store("signals", filled.hidden.signals, number)
        slot.opinions.store("scores", filled.hidden.scores, number)
        load.marks |= done.marks
        self._seam("facts")

    def _undo(self, number: int) -> None:
        """Remove what an earlier attempt stored, after it has certainly ended. Its exchanges will be written anew."""
        self._await_end(number)
        self._merging.resume()  # a deletion is a mutation, and is waited for
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

    def _next_version(self, number: int) -> int:
        """Above every version that was ever stored, whatever the order of segments."""
        self._version = max(self._version + 1, number)
        return self._version
