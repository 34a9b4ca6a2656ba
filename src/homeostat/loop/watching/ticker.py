"""One project's watch: what became known is asked for, ticked, and kept in one transaction with its findings."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from homeostat.act import incidents
from homeostat.act.monitors import comparing, counting, lumps, plan, silence, ticking
from homeostat.act.monitors.comparing import Trial, Trials
from homeostat.act.monitors.detectors import Known, Sampled
from homeostat.act.monitors.pairs import Paired
from homeostat.act.monitors.plan import Group, Watched
from homeostat.act.monitors.seasons import Seasonal
from homeostat.act.monitors.watch import TOLD, Alarm, Stream, Watch, standings, standings_json
from homeostat.analyze.inference.budget import Budget
from homeostat.loop.watching import changed, history, thresholds, told, trials, watched
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
#: Kinds of detectors, as they stand in the state and in the watch.
_KINDS: Final[Mapping[str, Any]] = {"sampled": Sampled, "known": Known, "seasonal": Seasonal, "paired": Paired}


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
    history: history.Left = field(default_factory=dict)
    """What is still to be read of it, for monitors with seasons."""
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
            self.watch.resumed = until
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
        self.watch = Watch(ticked=kept.ticked, standing=standings(kept.standing))
        self.trials, self.history = Trials(), {}
        self.fence = kept.fence
        if not kept.state:
            return
        self._remembered(kept.state)
        chosen = self.watched()
        by_head = {each.head: each for each in chosen}
        held = (self.watch.sampled, self.watch.known, self.watch.seasonal, self.watch.paired)
        for key in (key for one in held for key in one.keys):
            head, side, segment = key.split(plan.BETWEEN)
            if head in by_head:
                self.watch.streams[key] = Stream(by_head[head], "up" if side == "up" else "down", segment)
        groups = plan.groups(chosen)
        before = {name: kept.cursors.get(name, kept.ticked) for name in cursors}
        hours = max(0, (kept.ticked // WINDOW_MICROS - 1) * WINDOW_MICROS)
        for found in self._again(groups, before, hours, kept.ticked, kept.ticked):
            counting.values(self.watch, found)
        self.trials.keep(running)
        for trial in running:
            since = self._again(groups, before, trial.since, kept.ticked, trial.since + WINDOW_MICROS, trial.shared)
            for found in since:
                comparing.remember(self.trials, trial, found)

    def _remembered(self, kept: bytes) -> None:
        """What the detectors know; a kind of which another version wrote begins anew, and only that one."""
        try:
            state = msgspec.msgpack.decode(zlib.decompress(kept))
        except (ValueError, zlib.error) as error:
            log.warning("%s: the monitors learn anew what is usual: %s", self.project, error)
            return
        for name, kind in _KINDS.items():
            try:
                held = kind.from_bytes(state[name]) if name in state else kind.new()
            except (ValueError, KeyError, zlib.error) as error:
                log.warning("%s: %s monitors learn anew what is usual: %s", self.project, name, error)
                continue
            setattr(self.watch, name, held)
            if name == "seasonal":
                self.history = {head: list(some) for head, some in state.get("history", {}).items()}
        self.watch.lumps = [(int(at), float(part)) for at, part in state.get("lumps", ())]
        try:
            self.trials = Trials.from_bytes(state["trials"])
        except (ValueError, KeyError, zlib.error) as error:
            log.warning("%s: comparisons begin anew: %s", self.project, error)

    def _again(
        self, groups: Sequence[Group], before: Mapping[str, int], start: int, ticked: int, floor: int,
        routes: bool = False,
    ) -> Iterator[list[tuple[Group, Rows]]]:  # fmt: skip
        """What was ticked already, since `start`, in pieces."""
        begin = dict.fromkeys(before, 0)
        while start < ticked:
            edge = feed.edge(self.context.warehouse, self.project, Place(start), ticked, limit=_PIECE)
            start = min(ticked, max(start + MINUTE, -(-edge // MINUTE) * MINUTE))
            upto = {name: min(place, start) if start < ticked else place for name, place in before.items()}
            yield self._ask(groups, begin, upto, floor, routes=routes)
            begin = {name: max(begin[name], place) for name, place in upto.items()}

    def _ask(
        self, groups: Sequence[Group], after: Mapping[str, int], until: Mapping[str, int], floor: int, end: int = 0,
        routes: bool = False,
    ) -> list[tuple[Group, Rows]]:  # fmt: skip
        """`routes`: what trials compare comes with its route."""
        found = []
        for group in groups:
            cursor = group.cursor
            if cursor not in until or until[cursor] <= after.get(cursor, floor):
                continue
            piece = Piece(after.get(cursor, floor), until[cursor], floor, end)
            rows = ticks.rows(
                self.context.warehouse, self.project, group.family, group.columns, piece, by=group.by, unit=group.unit,
                arrival=cursor == "external", each=group.family != "signal",
                routes=routes and bool(comparing.compared(group)),
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
        after = dict(kept.cursors) or dict.fromkeys(ends, begin)
        routes = any(trial.shared for trial in running)
        found = self._ask(plan.groups(chosen), after, ends, begin, end, routes)
        self.watch.ticked = begin
        self.history = history.learn(context, self.project, self.watch, chosen, self.history, begin)
        budget = ticking.monthly(context.settings.false_alarms_per_month)
        changes = changed.moments(context.ledger, self.project, begin - lumps.RECENT, end)
        alarms = ticking.tick(self.watch, counting.values(self.watch, found), budget, end, changes=changes, again=True)
        comparing.compare(self.trials, running, found, end)
        made, blames = comparing.told(self.trials, running, chosen, self.project, end)
        said = [self._changed(one, budget, begin) for one in alarms]
        said += [told.blamed(self.project, one) for one in blames]
        beyond, unasked = thresholds.crossed(context, self.watch, chosen, end)
        self.problems |= unasked
        said += beyond
        said += silence.stopped(self.watch, chosen, found, self.project, end)
        said += silence.refused(self.watch, self.problems, self.project, end)
        moved = replace(
            kept, ticked=end, cursors={**kept.cursors, **ends}, standing=standings_json(self.watch.standing),
            state=self._state(),
        )  # fmt: skip
        self._keep(moved, [one for one in said if one is not None], made)
        return moved

    def _changed(self, alarm: Alarm, budget: Budget, begin: int) -> Finding | None:
        stood = self.watch.standing[alarm.key]
        found = told.changed(self.context, self.project, alarm, budget, begin, stood.told)
        if found is not None:
            stood.told = TOLD.index(found.severity)
        return found

    def _state(self) -> bytes:
        state = {
            **{name: getattr(self.watch, name).to_bytes() for name in _KINDS}, "trials": self.trials.to_bytes(),
            "history": self.history, "lumps": self.watch.lumps,
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
