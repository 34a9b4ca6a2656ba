"""From an alarm to a finding: since when, by how much, how surely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from homeostat.act.monitors import plan, seasons
from homeostat.act.monitors.columns import source
from homeostat.act.monitors.comparing import Blame
from homeostat.act.monitors.onset import Change, change
from homeostat.act.monitors.watch import TOLD, Alarm
from homeostat.analyze.inference.budget import Budget
from homeostat.analyze.inference.budget import severity as strength
from homeostat.loop.watching.context import Context
from homeostat.records.finding import Finding, Severity
from homeostat.records.monitor import Monitor
from homeostat.store.warehouse.questions import ticks
from homeostat.store.warehouse.questions.ticks import MINUTE, Column, Piece

_DAY = 86_400_000_000
#: So long before the alarm the onset is looked for.
_BACK = 3 * _DAY
#: And so long, where the hours have their own level.
_SEASONS = 8 * _DAY
#: Of an application so busy that all of it cannot be looked at: first parts of that time, the last one first.
_PARTS = (512, 64, 8)
#: A change that is as clear (log-likelihood), after so much of a part, is not looked for any further back.
_CLEAR, _BEFORE = 8.0, 0.25


def changed(
    context: Context, project: str, alarm: Alarm, budget: Budget, begin: int, stands: int = 0
) -> Finding | None:
    """A stream that is sure. None: the change is smaller than what is worth a word, or than what was told (`stands`, of
    `TOLD`)."""
    watched, monitor = alarm.stream.watched, alarm.stream.watched.monitor
    if alarm.again and stands >= TOLD.index(monitor.severity):
        return None
    found = _onset(context, project, alarm)
    rate = strength(budget, max(1.0, alarm.level)).per_month
    told = monitor.against
    reference = found.before if found else None
    if monitor.kind == "segment" and found is not None:
        reference = _beside(context, project, alarm, found.minute * MINUTE)
    if found is not None and reference is not None and abs(found.since - reference) < monitor.tolerance:
        return None
    severity = grave(monitor, None if found is None or reference is None else found.since - reference)
    if alarm.again and TOLD.index(severity) <= stands:
        return None
    if monitor.kind in plan.KNOWN:
        reference = float(told["limit"]) if "limit" in told else float(told["band"][alarm.stream.side == "up"])
    segment, beside = plan.segment_of(monitor, alarm.stream.segment), dict(told.get("segment", {}))
    segment |= {field: value for field, value in monitor.where if field in beside}
    return Finding(
        project=project, monitor=monitor.name, monitor_version=monitor.version, measure=monitor.measure, at=alarm.at,
        direction=alarm.stream.side, onset=found.minute * MINUTE if found else alarm.at,
        onset_low=found.low * MINUTE if found else begin, onset_high=found.high * MINUTE if found else alarm.at,
        value=found.since if found else None, low=found.since_low if found else None,
        high=found.since_high if found else None, reference=reference, n=found.n if found else alarm.units,
        chance_per_month=rate, severity=severity, segment=segment,
        against=monitor.kind, rung=watched.rung,
        evidence={"level": alarm.level, "units": alarm.units, "stream": alarm.key.replace(plan.BETWEEN, " ").strip()}
        | ({"beside": beside} if beside else {}),
    )  # fmt: skip


def blamed(project: str, blame: Blame) -> Finding:
    """A release that does harm, beside the one that serves the others."""
    told, monitor = blame.comparison, blame.watched.monitor
    return Finding(
        project=project, monitor=monitor.name, monitor_version=monitor.version, measure=told.measure, at=blame.at,
        direction=told.harmful, onset=told.since, onset_low=told.since, onset_high=told.since, value=told.means[0],
        low=None, high=None, reference=told.means[1], n=told.users[0],
        chance_per_month=min(1.0, 1 / max(blame.mean, 1e-9)), severity=grave(monitor, told.estimate),
        release=told.candidate, against="release", rung=told.rung,
        evidence={
            "harm": told.harm, "mean_harm": blame.mean,
            "users": list(told.users), "estimate": told.estimate, "low": told.low,
            "high": told.high, "policy": told.policy, "route": told.route, "baseline": told.baseline,
        },
    )  # fmt: skip


def grave(monitor: Monitor, size: float | None) -> Severity:
    """How grave a change of that size is: how sure it is makes none critical that is small."""
    small = size is not None and abs(size) < monitor.critical_from
    return "warning" if small else monitor.severity


def _onset(context: Context, project: str, alarm: Alarm) -> Change | None:
    """Since when: among all that came lately, or, where that is too much to look at, first among the last of it."""
    seasonal = alarm.stream.watched.method == "seasonal"
    back = _SEASONS if seasonal else _BACK
    whole, share = _change(context, project, alarm, max(0, alarm.at - back))
    if share == 1 or seasonal:
        return whole
    looks = [whole] if whole else []
    for part in _PARTS:
        start = alarm.at - back // part
        found, _ = _change(context, project, alarm, start)
        if found and found.clear >= _CLEAR and found.low * MINUTE - start >= _BEFORE * (alarm.at - start):
            return found
        looks += [found] if found else []
    return max(looks, key=lambda look: look.clear, default=None)


def _change(context: Context, project: str, alarm: Alarm, start: int) -> tuple[Change | None, float]:
    """The change since `start`, and the share of the units that were looked at."""
    watched, monitor = alarm.stream.watched, alarm.stream.watched.monitor
    if watched.source.scale == "event":
        return _events(context, project, alarm, start)
    piece = Piece(0, alarm.at + 60 * MINUTE, start)
    rows = ticks.rows(
        context.warehouse, project, watched.source.family, [watched.source.column], piece, by=monitor.by,
        unit=monitor.unit, since=start, before=alarm.at,
    )  # fmt: skip
    here = (rows.count[0] > 0) & (rows.minute * MINUTE < alarm.at)
    if monitor.by:
        here &= np.array([text == alarm.stream.segment for text in rows.segment], dtype=bool)
    minute, mean = rows.minute[here].astype(np.int64), rows.total[0][here] / rows.count[0][here]
    if watched.method == "seasonal":
        mean = seasons.level(minute, mean, monitor.against["season"], alarm.at // MINUTE - _DAY // MINUTE)
    found = change(minute, mean, watched.source.bounded, alarm.stream.side)
    if found is None:
        return None, rows.share
    n = rows.count[0][here][minute >= found.minute].sum()
    return replace(found, n=round(n / rows.share)), rows.share


def _beside(context: Context, project: str, alarm: Alarm, since: int) -> float | None:
    """The mean of the other segment since the onset."""
    there, monitor = plan.other(alarm.stream.watched), alarm.stream.watched.monitor
    piece = Piece(0, alarm.at + 60 * MINUTE, since)
    rows = ticks.rows(
        context.warehouse, project, there.source.family, [there.source.column], piece, by=monitor.by,
        unit=monitor.unit, since=since,
    )  # fmt: skip
    here = np.array([text == alarm.stream.segment or not monitor.by for text in rows.segment], dtype=bool)
    n = float(rows.count[0][here].sum()) if len(rows) else 0.0
    return float(rows.total[0][here].sum()) / n if n else None


def _events(context: Context, project: str, alarm: Alarm, start: int) -> tuple[Change | None, float]:
    """Answers and signals in the order of time; told as signals an answer."""
    monitor = alarm.stream.watched.monitor
    column = source(monitor.measure, monitor.where).column
    piece = Piece(start, alarm.at, start)
    told = ticks.rows(context.warehouse, project, "signal", [column], piece)
    answers = Column(where=column.where)
    piece = Piece(0, alarm.at + 60 * MINUTE, start)
    beside = ticks.rows(
        context.warehouse, project, "fact", [answers], piece, unit="exchange", since=start, before=alarm.at
    )
    signal, answer = told.minute[told.count[0] > 0], beside.minute[beside.minute * MINUTE < alarm.at]
    minute = np.r_[signal, answer].astype(np.int64)
    value = np.r_[np.ones(len(signal)), np.zeros(len(answer))]
    found = change(minute, value, True, alarm.stream.side)
    if found is None:
        return None, beside.share
    return _an_answer(replace(found, n=round(found.n / beside.share))), beside.share


def _an_answer(found: Change) -> Change:
    """From the share of signals among signals and answers to signals an answer."""

    def told(share: float | None) -> float | None:
        return None if share is None else min(share / (1 - share), 1.0) if share < 1 else 1.0

    return replace(
        found, n=max(1, round(found.n * (1 - found.since))), before=told(found.before) or 0.0,
        since=told(found.since) or 0.0, since_low=told(found.since_low), since_high=told(found.since_high),
    )  # fmt: skip
