"""From an alarm to a finding: since when, by how much, how surely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from homeostat.act.monitors import plan, silence
from homeostat.act.monitors.columns import source
from homeostat.act.monitors.comparing import Blame
from homeostat.act.monitors.onset import Change, change
from homeostat.act.monitors.ticking import Alarm
from homeostat.analyze.inference.budget import Budget, severity
from homeostat.loop.watching.context import Context
from homeostat.records.finding import Finding
from homeostat.store.warehouse.questions import ticks
from homeostat.store.warehouse.questions.ticks import MINUTE, Column, Piece

_DAY = 86_400_000_000
#: So long before the alarm the onset is looked for.
_BACK = 3 * _DAY


def changed(context: Context, project: str, alarm: Alarm, budget: Budget, begin: int) -> Finding | None:
    """A stream that is sure. None: the change is smaller than what is worth a word."""
    watched, monitor = alarm.stream.watched, alarm.stream.watched.monitor
    found = _onset(context, project, alarm)
    rate = severity(budget, max(1.0, alarm.level)).per_month
    if found is not None and abs(found.since - found.before) < monitor.tolerance:
        return None
    told = monitor.against
    reference = found.before if found else None
    if monitor.kind in plan.KNOWN:
        reference = float(told["limit"]) if "limit" in told else float(told["band"][alarm.stream.side == "up"])
    return Finding(
        project=project, monitor=monitor.name, monitor_version=monitor.version, measure=monitor.measure, at=alarm.at,
        direction=alarm.stream.side, onset=found.minute * MINUTE if found else alarm.at,
        onset_low=found.low * MINUTE if found else begin, onset_high=found.high * MINUTE if found else alarm.at,
        value=found.since if found else None, low=found.since_low if found else None,
        high=found.since_high if found else None, reference=reference, n=found.n if found else alarm.units,
        chance_per_month=rate, severity=monitor.severity, segment=plan.segment_of(monitor, alarm.stream.segment),
        against=monitor.kind, rung=watched.rung,
        evidence={"level": alarm.level, "units": alarm.units, "stream": alarm.key.replace(plan.BETWEEN, " ").strip()},
    )  # fmt: skip


def blamed(project: str, blame: Blame) -> Finding:
    """A release that does harm, beside the one that serves the others."""
    told, monitor = blame.comparison, blame.watched.monitor
    return Finding(
        project=project, monitor=monitor.name, monitor_version=monitor.version, measure=told.measure, at=blame.at,
        direction=told.harmful, onset=told.since, onset_low=told.since, onset_high=told.since, value=told.means[0],
        low=None, high=None, reference=told.means[1], n=told.users[0],
        chance_per_month=min(1.0, 1 / max(blame.mean, 1e-9)), severity=monitor.severity,
        release=told.candidate, against="release", rung=told.rung,
        evidence={
            "harm": told.harm, "mean_harm": blame.mean,
            "users": list(told.users), "estimate": told.estimate, "low": told.low,
            "high": told.high, "policy": told.policy, "route": told.route, "baseline": told.baseline,
        },
    )  # fmt: skip


def loader_stopped(project: str, since: int, at: int) -> Finding:
    """What was received is not loaded any more: nothing is watched meanwhile."""
    return Finding(
        project=project, monitor="loader", monitor_version=0, measure="coverage(loader)", at=at, direction="down",
        onset=since, onset_low=since, onset_high=at, value=None, low=None, high=None, reference=None, n=0,
        chance_per_month=silence.RATE, severity="critical", against="silence", evidence={"loaded_until": since},
    )  # fmt: skip


def _onset(context: Context, project: str, alarm: Alarm) -> Change | None:
    watched, monitor = alarm.stream.watched, alarm.stream.watched.monitor
    if watched.source.scale == "event":
        return _events(context, project, alarm)
    start = max(0, alarm.at - _BACK)
    piece = Piece(0, alarm.at + 60 * MINUTE, start)
    rows = ticks.rows(
        context.warehouse, project, watched.source.family, [watched.source.column], piece, by=monitor.by,
        unit=monitor.unit, since=start,
    )  # fmt: skip
    here = (rows.count[0] > 0) & (rows.minute * MINUTE < alarm.at)
    if monitor.by:
        here &= np.array([text == alarm.stream.segment for text in rows.segment], dtype=bool)
    mean = rows.total[0][here] / rows.count[0][here]
    return change(rows.minute[here].astype(np.int64), mean, watched.source.bounded, alarm.stream.side)


def _events(context: Context, project: str, alarm: Alarm) -> Change | None:
    """Answers and signals in the order of time; told as signals an answer."""
    monitor = alarm.stream.watched.monitor
    column = source(monitor.measure, monitor.where).column
    start = max(0, alarm.at - _BACK)
    piece = Piece(start, alarm.at, start)
    told = ticks.rows(context.warehouse, project, "signal", [column], piece)
    answers = Column(where=column.where)
    piece = Piece(0, alarm.at + 60 * MINUTE, start)
    beside = ticks.rows(context.warehouse, project, "fact", [answers], piece, unit="exchange", since=start)
    signal, answer = told.minute[told.count[0] > 0], beside.minute[beside.minute * MINUTE < alarm.at]
    minute = np.r_[signal, answer].astype(np.int64)
    value = np.r_[np.ones(len(signal)), np.zeros(len(answer))]
    found = change(minute, value, True, alarm.stream.side)
    return None if found is None else replace(found, n=found.n)
