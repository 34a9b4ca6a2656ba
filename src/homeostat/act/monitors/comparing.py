"""Releases that serve a route together, compared user by user while they do. See design/0009-acting.md.

Users were put to their release by chance, so a difference is an effect. A user enters a comparison once, with what came
in the first minute in which the measure knew them; the evidence may be looked at after every user.

References: analyze/inference/experiment.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from homeostat.act.monitors.columns import bins
from homeostat.act.monitors.detectors import BINS
from homeostat.act.monitors.plan import Group, Watched
from homeostat.act.monitors.seen import Seen
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.confidence import Moments, asymptotic
from homeostat.analyze.inference.experiment import Evidence, Predictor, pseudo_outcomes, running_means
from homeostat.analyze.inference.packing import packed, unpacked
from homeostat.records.comparison import Comparison
from homeostat.store.warehouse.questions.ticks import MINUTE, Rows

#: An incident is opened at so small a chance that a release that does no harm is blamed, over all its measures.
BLAME: Final = 0.05
#: Not worse than by so much counts as safe.
MARGIN: Final = 0.03
_LEAST_USERS: Final = 10
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """Two releases of a route since the policy put them beside each other. Time: microseconds."""

    route: str
    policy: int
    since: int
    candidate: str
    baseline: str
    share: float
    """Of the users of both who get the candidate."""

    @property
    def key(self) -> str:
        """The name of it."""
        return f"{self.route}|{self.policy}|{self.candidate}"


@dataclass(frozen=True, slots=True)
class Arms:
    """How one measure of a trial stands."""

    evidence: Evidence
    predictor: Predictor
    users: tuple[int, int] = (0, 0)
    sums: tuple[float, float] = (0.0, 0.0)
    """Of the measure's own values, candidate first."""
    phi: tuple[float, float, float] = (0.0, 0.0, 0.0)
    blamed: int = 0
    """When it was sure of harm (µs); 0: it is not."""


@dataclass(slots=True)
class Trials:
    """Every measure of every trial, by `trial|measure`; and which users entered."""

    arms: dict[str, Arms] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)

    def keep(self, trials: Iterable[Trial]) -> None:
        """Trials that are over are forgotten."""
        live = {trial.key for trial in trials}
        self.arms = {key: arms for key, arms in self.arms.items() if key.rpartition("#")[0] in live}
        self.seen = {key: seen for key, seen in self.seen.items() if key.rpartition("#")[0] in live}

    def to_bytes(self) -> bytes:
        """For the transaction of the tick."""
        fields: dict[str, Any] = {"keys": "\n".join(self.arms)}
        for at, arms in enumerate(self.arms.values()):
            fields |= {
                f"{at}.evidence": arms.evidence.to_json().decode(),
                f"{at}.predictor": arms.predictor.to_json().decode(),
                f"{at}.told": np.array([*arms.users, *arms.sums, *arms.phi, arms.blamed], np.float64),
            }  # fmt: skip
        return zlib.compress(packed("trials", _VERSION, fields), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Trials:
        """The same evidence."""
        fields = unpacked("trials", _VERSION, zlib.decompress(data))
        keys = fields["keys"].split("\n") if fields["keys"] else []
        arms = {}
        for at, key in enumerate(keys):
            told = [float(one) for one in fields[f"{at}.told"]]
            arms[key] = Arms(
                Evidence.from_json(fields[f"{at}.evidence"].encode()),
                Predictor.from_json(fields[f"{at}.predictor"].encode()),
                (int(told[0]), int(told[1])), (told[2], told[3]), (told[4], told[5], told[6]), int(told[7]),
            )  # fmt: skip
        return cls(arms)


@dataclass(frozen=True, slots=True)
class Blame:
    """A measure is sure that the candidate does harm."""

    comparison: Comparison
    watched: Watched
    at: int
    measures: int
    """How many share the chance of an error."""


def compare(
    trials: Trials, running: Sequence[Trial], found: Sequence[tuple[Group, Rows]], project: str, at: int
) -> tuple[list[Comparison], list[Blame]]:
    """What the rows of a piece of time add to every trial. `at`: the end of the piece."""
    trials.keep(running)
    made: list[Comparison] = []
    blames: list[Blame] = []
    for trial in running:
        measured = [(group, rows, column) for group, rows in found for column in compared(group)]
        for group, rows, column in measured:
            watched = group.watched[column]
            key = f"{trial.key}#{watched.monitor.measure}"
            arms = trials.arms.get(key) or Arms(Evidence.new(trial.share, MARGIN), Predictor.new())
            seen = trials.seen.setdefault(key, Seen())
            treated, y, value, minute = entered(trial, watched, rows, column, seen)
            threshold = len(measured) / BLAME
            after, when = _added(arms, treated, y, value, minute, threshold)
            trials.arms[key] = after
            if len(treated) and min(after.users):
                told = _told(project, trial, watched, after, at)
                made.append(told)
                if when:
                    blames.append(Blame(told, watched, when, len(measured)))
    return made, blames


def compared(group: Group) -> list[int]:
    """Columns that a trial compares: of users, not split, that have a side that is worse."""
    if group.by or group.unit != "user":
        return []
    return [
        at for at, each in enumerate(group.watched)
        if each.monitor.kind in ("reference", "release") and each.source.kept
        and each.source.scale in ("share", "number") and (each.monitor.direction != "both")
    ]  # fmt: skip


def entered(trial: Trial, watched: Watched, rows: Rows, column: int, seen: Seen) -> tuple[Floats, Floats, Floats, Ints]:
    """Users who enter now: in which arm, their outcome (1 is best), the value itself, when."""
    release = np.array(rows.release, dtype=object)
    mine = (rows.count[column] > 0) & (rows.known > 0) & ((rows.minute + 1) * MINUTE > trial.since)
    here = np.flatnonzero(mine & ((release == trial.candidate) | (release == trial.baseline)))
    here = here[np.argsort(rows.minute[here], kind="stable")]
    fresh = seen.fresh(np.uint64(1), rows.unit[here], np.zeros(len(here), np.int64))
    here = here[fresh]
    value = rows.total[column][here] / rows.count[column][here]
    side = watched.sides[0]
    if watched.source.scale == "share":
        good = 1 - value if side == "up" else value
    else:
        good = 1 - bins(watched.source.scale, value, side) / (BINS - 1)
    treated = (release[here] == trial.candidate).astype(np.float64)
    return treated, np.clip(good, 0, 1).astype(np.float64), value, rows.minute[here].astype(np.int64)


def _added(arms: Arms, treated: Floats, y: Floats, value: Floats, minute: Ints, threshold: float) -> tuple[Arms, int]:
    """With these users; and when the evidence of harm first reached the threshold (µs), 0: not now."""
    if not len(treated):
        return arms, 0
    share = arms.evidence.share
    m1, m0 = running_means(treated, y, start=arms.predictor)
    phi = pseudo_outcomes(treated, y, share, m1=m1, m0=m0)
    evidence, when = arms.evidence, 0
    for rows in np.split(np.arange(len(minute)), np.flatnonzero(np.diff(minute)) + 1):
        evidence = evidence.seen(phi[rows])
        if not when and not arms.blamed and evidence.of_harm >= threshold:
            when = (int(minute[rows[0]]) + 1) * MINUTE
    one = treated == 1
    users = (arms.users[0] + int(one.sum()), arms.users[1] + int((~one).sum()))
    sums = (arms.sums[0] + float(value[one].sum()), arms.sums[1] + float(value[~one].sum()))
    told = (len(phi), float(phi.sum()), float((phi * phi).sum()))
    moments = (arms.phi[0] + told[0], arms.phi[1] + told[1], arms.phi[2] + told[2])
    after = replace(
        arms, evidence=evidence, predictor=arms.predictor.learned(treated, y), users=users, sums=sums, phi=moments,
        blamed=arms.blamed or when,
    )  # fmt: skip
    return after, when


def _told(project: str, trial: Trial, watched: Watched, arms: Arms, at: int) -> Comparison:
    means = tuple(arms.sums[arm] / arms.users[arm] if arms.users[arm] else None for arm in (0, 1))
    candidate, baseline = means
    estimate = candidate - baseline if candidate is not None and baseline is not None else None
    low, high = _interval(watched, arms)
    side = watched.sides[0]
    if low is not None and high is not None:  # what the interval is about: the difference, adjusted as it goes
        estimate = (low + high) / 2
    return Comparison(
        project=project, route=trial.route, measure=watched.monitor.measure, rung=watched.rung,
        candidate=trial.candidate, baseline=trial.baseline, harmful=side, policy=trial.policy, since=trial.since, at=at,
        harm=arms.evidence.of_harm, safe=arms.evidence.of_safety, users=arms.users, means=(candidate, baseline),
        estimate=estimate, low=low, high=high,
    )  # fmt: skip


def _interval(watched: Watched, arms: Arms) -> tuple[float | None, float | None]:
    """Of the difference, at any time; none for figures that are compared by their order of size only."""
    if min(arms.users) < _LEAST_USERS or watched.source.scale != "share":
        return None, None
    moments = Moments(*(np.array([part]) for part in arms.phi))
    found = asymptotic(moments, 0.05, planned=max(100.0, arms.phi[0]))
    low, high = float(found.low[0]), float(found.high[0])
    if not (np.isfinite(low) and np.isfinite(high)):
        return None, None
    return (low, high) if watched.sides[0] == "down" else (-high, -low)


def shares(pieces: Mapping[str, float]) -> tuple[str, list[tuple[str, float]]]:
    """The baseline (the largest share), and each candidate with its part of what both serve.

    >>> shares({"A": 0.9, "B": 0.1})
    ('A', [('B', 0.1)])
    """
    order = sorted(pieces.items(), key=lambda each: (-each[1], each[0]))
    (baseline, most), rest = order[0], order[1:]
    return baseline, [(name, round(part / (part + most), 9)) for name, part in rest if part > 0]
