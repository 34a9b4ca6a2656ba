"""One project's watch: what became known is asked for, ticked, and kept in one transaction with its findings."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from homeostat.act import incidents
from homeostat.act.monitors import comparing, plan, silence, ticking
from homeostat.act.monitors.comparing import Trial, Trials
from homeostat.act.monitors.detectors import Known, Sampled
from homeostat.act.monitors.plan import Group, Watched
from homeostat.act.monitors.ticking import Watch
from homeostat.loop.watching import thresholds, told, trials, watched
from homeostat.loop.watching.context import Context
from homeostat.records.finding import Finding
from homeostat.records.instant import micros
from homeostat.store.ledger import comparisons, feeds, findings, streams
from homeostat.store.ledger.streams import Kept
from homeostat.store.warehouse.questions import feed, ticks
from homeostat.store.warehouse.questions.feed import Place
from homeostat.store.warehouse.questions.ticks import MINUTE, WINDOW_MICROS, Piece, Rows

log: Final = logging.getLogger("homeostat.watching")
LEASE_SECONDS: Final = 120.0
#: Exchanges that are ticked in one transaction.
_PIECE: Final = 50_000
#: A new project is watched from what came in the last hour on.
_BEGIN: Final = 3_600_000_000
#: A feed that is so far behind the others belongs to a scorer that is gone.
_STALE: Final = 3_600_000_000
_NAMES_EVERY: Final = 3_600_000_000


@dataclass
class Ticker:
    """Ticks one project; keeps in memory what the ledger need not."""

    context: Context
    project: str
    owner: str
    watch: Watch = field(default_factory=Watch)
    trials: Trials = field(default_factory=Trials)
    problems: dict[str, str] = field(default_factory=dict)
    """Monitors that cannot be ticked, and why."""
    fence: int = -1
    _names: tuple[int, tuple[list[str], list[str]]] = (-_NAMES_EVERY, ([], []))

    def advance(self, until: int) -> bool:
        """Tick everything that became known up to `until` (µs). False: somebody else does, or nothing was to do."""
        until = until // MINUTE * MINUTE
        kept = streams.take(
            self.context.ledger, self.project, self.owner, now=time.time(), seconds=LEASE_SECONDS
        )  # fmt: skip
        if kept is None or until <= kept.ticked:
            return False
        cursors = self._cursors(kept, until)
        running = trials.running(self.context.ledger, self.project)
        if kept.fence != self.fence:
            self._resume(kept, cursors, running)
        while kept.ticked < until:
            kept = self._piece(kept, cursors, until, running)
        return True

    def watched(self) -> list[Watched]:
        """Those that are on and can be ticked."""
        now = micros(self.context.clock.now())
        if now - self._names[0] >= _NAMES_EVERY or not self._names[1][0]:
            self._names = (now, ticks.names(self.context.warehouse, self.project, now))
        chosen = watched.monitors(self.context.ledger, self.project, self._names[1])
        found, self.problems = watched.possible(self.context.ledger, self.project, chosen)
        return found

    def _cursors(self, kept: Kept, until: int) -> dict[str, int]:
        """Up to where each feed can be taken: scores of ours, up to where their scorers are."""
        ends = {"fact": until, "signal": until, "external": until, "engine": until}
        places = feeds.tracks(self.context.ledger, self.project, "")
        live = {track: one.ready for track, one in places.items() if not track.startswith("history:")}
        for kind in ("engine", "model"):
            mine = [ready for track, ready in live.items() if track == kind or track.startswith(f"{kind}:")]
            ends[kind] = min(until, min((one for one in mine if one >= max(mine) - _STALE), default=until))
        ends |= {track: min(until, ready) for track, ready in live.items() if track.startswith("judge:")}
        return {name: max(end, kept.cursors.get(name, 0)) for name, end in ends.items()}

    def _resume(self, kept: Kept, cursors: Mapping[str, int], running: Sequence[Trial]) -> None:
        """Begin where the ledger stands: states from there, who counted already from the warehouse."""
        self.watch = Watch(ticked=kept.ticked, standing=ticking.standings(kept.standing))
        self.trials = Trials()
        self.fence = kept.fence
        if not kept.state:
            return
        state = msgspec.msgpack.decode(zlib.decompress(kept.state))
        try:
            sampled, known = Sampled.from_bytes(state["sampled"]), Known.from_bytes(state["known"])
            self.trials = Trials.from_bytes(state["trials"])
        except ValueError as error:  # written by another version
            log.warning("%s: the monitors learn anew what is usual: %s", self.project, error)
            return
        self.watch.sampled, self.watch.known = sampled, known
        chosen = self.watched()
        by_head = {each.head: each for each in chosen}
        for key in (*self.watch.sampled.keys, *self.watch.known.keys):
            head, side, segment = key.split(plan.BETWEEN)
            if head in by_head:
                self.watch.streams[key] = ticking.Stream(by_head[head], "up" if side == "up" else "down", segment)
        groups = plan.groups(chosen)
        begin = dict.fromkeys(cursors, 0)
        before = {name: kept.cursors.get(name, kept.ticked) for name in cursors}
        for piece in self._pieces(kept.ticked):
            upto = {name: min(place, piece) if piece < kept.ticked else place for name, place in before.items()}
            ticking.values(self.watch, self._ask(groups, begin, upto, kept.ticked))
            begin = {name: max(begin[name], place) for name, place in upto.items()}
        begin = dict.fromkeys(cursors, 0)
        self.trials.keep(running)
        for trial in running:
            found = self._ask(groups, begin, before, trial.since + WINDOW_MICROS)
            for group, rows in found:
                for column in comparing.compared(group):
                    comparing.known(self.trials, trial, group.watched[column], rows, column)

    def _pieces(self, ticked: int) -> list[int]:
        """Ends of the pieces in which the hours are read that may still count, up to `ticked`."""
        start, ends = max(0, (ticked // WINDOW_MICROS - 1) * WINDOW_MICROS), []
        while start < ticked:
            edge = feed.edge(self.context.warehouse, self.project, Place(start), ticked, limit=_PIECE)
            start = min(ticked, max(start + MINUTE, -(-edge // MINUTE) * MINUTE))
            ends.append(start)
        return ends

    def _ask(
        self, groups: Sequence[Group], after: Mapping[str, int], until: Mapping[str, int], floor: int, end: int = 0
    ) -> list[tuple[Group, Rows]]:
        found = []
        for group in groups:
            cursor = group.cursor
            if cursor not in until or until[cursor] <= after.get(cursor, floor):
                continue
            piece = Piece(after.get(cursor, floor), until[cursor], floor, end)
            rows = ticks.rows(
                self.context.warehouse, self.project, group.family, group.columns, piece, by=group.by, unit=group.unit,
                arrival=cursor == "external", each=group.family != "signal",
            )  # fmt: skip
            found.append((group, rows))
        return found

    def _piece(self, kept: Kept, cursors: dict[str, int], until: int, running: Sequence[Trial]) -> Kept:
        """One transaction's worth of time."""
        context, begin = self.context, kept.ticked or max(0, until - _BEGIN) // MINUTE * MINUTE
        edge = feed.edge(context.warehouse, self.project, Place(begin), until, limit=_PIECE)
        end = min(until, -(-edge // MINUTE) * MINUTE)
        ends = {name: min(place, end) if end < until else place for name, place in cursors.items()}
        chosen = self.watched()
        found = self._ask(plan.groups(chosen), dict(kept.cursors) or dict.fromkeys(ends, begin), ends, begin, end)
        self.watch.ticked = begin
        budget = ticking.monthly(context.settings.false_alarms_per_month)
        alarms = ticking.tick(self.watch, ticking.values(self.watch, found), budget, end)
        comparing.compare(self.trials, running, found, end)
        made, blames = comparing.told(self.trials, running, chosen, self.project, end)
        said = [told.changed(context, self.project, one, budget, begin) for one in alarms]
        said += [told.blamed(self.project, one) for one in blames]
        said += thresholds.crossed(context, self.watch, chosen, end)
        said += silence.stopped(self.watch, chosen, found, self.project, end)
        after = replace(
            kept, ticked=end, cursors={**kept.cursors, **ends}, standing=ticking.standings_json(self.watch.standing),
            state=self._state(),
        )  # fmt: skip
        self._keep(after, [one for one in said if one is not None], made)
        return after

    def _state(self) -> bytes:
        state = {
            "sampled": self.watch.sampled.to_bytes(), "known": self.watch.known.to_bytes(),
            "trials": self.trials.to_bytes(),
        }  # fmt: skip
        return zlib.compress(msgspec.msgpack.encode(state), 1)

    def _keep(self, after: Kept, found: Sequence[Finding], made: Sequence[Any]) -> None:
        """State, watermark, findings and incidents: all of it, or nothing."""
        ledger = self.context.ledger
        with ledger.begin() as connection:
            try:
                streams.move(connection, self.project, after)
            except streams.Fenced:
                self.fence = -1
                raise
            comparisons.put(ledger, made)
            numbered = [findings.add(ledger, one) for one in sorted(found, key=lambda each: each.at)]
            for at in sorted({one.at for one in numbered}):
                incidents.take(ledger, self.project, [one for one in numbered if one.at == at], at=at)
