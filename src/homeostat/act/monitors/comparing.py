"""Releases that serve a route together, compared user by user while they do. See design/0009-acting.md.

Users were put to their release by chance, so a difference is an effect. A user enters a comparison once, with the mean
of what came in the first minutes in which the measure knew them; the evidence may be looked at after every user.

References: analyze/inference/experiment.py.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from homeostat.act.monitors.columns import bins
from homeostat.act.monitors.crowd import Crowd, Said, crowded, met
from homeostat.act.monitors.detectors import BINS
from homeostat.act.monitors.joint import Joint
from homeostat.act.monitors.plan import Group, Watched
from homeostat.act.monitors.seen import Seen
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.analyze.inference.confidence import Moments, asymptotic
from homeostat.analyze.inference.experiment import Evidence, Predictor, pseudo_outcomes, running_means
from homeostat.analyze.inference.packing import packed, unpacked
from homeostat.records.comparison import Comparison, together
from homeostat.store.warehouse.questions.ticks import MINUTE, Rows

#: An incident is opened at so small a chance that a release that does no harm is blamed, over all its measures.
BLAME: Final = 0.05
#: Not worse than by so much counts as safe.
MARGIN: Final = 0.03
#: Minutes after which a user enters, with all that came in by then: most of a conversation. A user counts once, so what
#: one minute leaves out is lost: of a canary in the practice world one minute saw every fourth answer.
MATURE: Final = 5
#: Minutes more that all measures together wait for a judge's word on those five.
PATIENCE: Final = 2
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
    shared: bool = False
    """Another route serves one of the two: only what names this route is of the trial."""

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


@dataclass(slots=True)
class Waiting:
    """A user whose first minutes are not over."""

    minute: int
    treated: bool
    n: float = 0.0
    good: float = 0.0
    value: float = 0.0


@dataclass(slots=True)
class Trials:
    """Every measure of every trial, by `trial#measure`; which users are known, and who waits to enter."""

    arms: dict[str, Arms] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    waiting: dict[str, dict[int, Waiting]] = field(default_factory=dict)
    crowds: dict[str, Crowd] = field(default_factory=dict)
    """By trial: who waits to enter the bet on all measures."""
    joints: dict[str, tuple[Joint, Joint]] = field(default_factory=dict)
    """By trial: that bet, and the same without what judges say."""
    blamed: dict[str, int] = field(default_factory=dict)
    """Trials that are sure of harm, and since when (µs)."""

    def keep(self, trials: Iterable[Trial]) -> None:
        """Trials that are over are forgotten."""
        live = {trial.key for trial in trials}
        self.arms = {key: arms for key, arms in self.arms.items() if key.rpartition("#")[0] in live}
        self.seen = {key: seen for key, seen in self.seen.items() if key.rpartition("#")[0] in live}
        self.waiting = {key: some for key, some in self.waiting.items() if key.rpartition("#")[0] in live}
        self.crowds = {key: some for key, some in self.crowds.items() if key in live}
        self.joints = {key: both for key, both in self.joints.items() if key in live}
        self.blamed = {key: at for key, at in self.blamed.items() if key in live}

    def to_bytes(self) -> bytes:
        """For the transaction of the tick."""
        fields: dict[str, Any] = {"keys": "\n".join(self.arms)}
        for at, arms in enumerate(self.arms.values()):
            fields |= {
                f"{at}.evidence": arms.evidence.to_json().decode(),
                f"{at}.predictor": arms.predictor.to_json().decode(),
                f"{at}.told": np.array([*arms.users, *arms.sums, *arms.phi], np.float64),
            }  # fmt: skip
        fields["trials"] = "\n".join(self.blamed)
        fields["blamed"] = np.array(list(self.blamed.values()), np.int64)
        names = [key for key in self.waiting if self.waiting[key]]
        fields["waiting"] = "\n".join(names)
        for at, key in enumerate(names):
            some = self.waiting[key]
            fields[f"{at}.units"] = np.array(list(some), np.uint64)
            fields[f"{at}.waits"] = np.array([[w.minute, w.treated, w.n, w.good, w.value] for w in some.values()])
        fields["joint"] = "\n".join(self.joints)
        for at, (key, both) in enumerate(self.joints.items()):
            fields[f"{at}.share"] = both[0].share
            parts = {"all": both[0].to_fields(), "alone": both[1].to_fields(), "crowd": self.crowds[key].to_fields()}
            fields |= {f"{at}.{part}.{name}": one for part, told in parts.items() for name, one in told.items()}
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
                (int(told[0]), int(told[1])), (told[2], told[3]), (told[4], told[5], told[6]),
            )  # fmt: skip
        waiting = {}
        for at, key in enumerate(fields["waiting"].split("\n") if fields["waiting"] else []):
            rows = fields[f"{at}.waits"].tolist()
            waiting[key] = {
                int(unit): Waiting(int(row[0]), bool(row[1]), *row[2:])
                for unit, row in zip(fields[f"{at}.units"].tolist(), rows, strict=True)
            }
        trials = fields["trials"].split("\n") if fields["trials"] else []
        blamed = dict(zip(trials, fields["blamed"].tolist(), strict=True))
        crowds, joints = _joined(fields)
        return cls(arms, waiting=waiting, crowds=crowds, joints=joints, blamed=blamed)


def _joined(fields: Mapping[str, Any]) -> tuple[dict[str, Crowd], dict[str, tuple[Joint, Joint]]]:
    """The bets on all measures; an older version kept none."""
    crowds, joints = {}, {}
    names = fields["joint"].split("\n") if fields.get("joint") else []
    for at, key in enumerate(names):
        parts: dict[str, dict[str, Any]] = {"all": {}, "alone": {}, "crowd": {}}
        for part, told in parts.items():
            head = f"{at}.{part}."
            told |= {name[len(head) :]: one for name, one in fields.items() if name.startswith(head)}
        share = float(fields[f"{at}.share"])
        joints[key] = Joint.from_fields(share, parts["all"]), Joint.from_fields(share, parts["alone"])
        crowds[key] = Crowd.from_fields(parts["crowd"])
    return crowds, joints


@dataclass(frozen=True, slots=True)
class Blame:
    """A measure is sure that the candidate does harm."""

    comparison: Comparison
    watched: Watched
    at: int
    mean: float
    """Of the e-values of all measures, with their weights."""


def compare(trials: Trials, running: Sequence[Trial], found: Sequence[tuple[Group, Rows]], at: int) -> None:
    """What the rows of a piece of time add to every trial. `at`: the end of the piece."""
    trials.keep(running)
    for trial in running:
        _together(trials, trial, found, at)
        for group, rows in found:
            for column in compared(group):
                watched = group.watched[column]
                key = f"{trial.key}#{watched.monitor.measure}"
                arms = trials.arms.get(key) or Arms(Evidence.new(trial.share, MARGIN), Predictor.new())
                treated, y, value, _ = entered(trials, trial, watched, rows, column, at)
                trials.arms[key] = _added(arms, treated, y, value)


def _together(trials: Trials, trial: Trial, found: Sequence[tuple[Group, Rows]], at: int) -> None:
    """Users whose first minutes are over enter the bets on all measures."""
    crowd = trials.crowds.setdefault(trial.key, Crowd())
    crowd.hear(_words(trial, found), trials.seen.setdefault(f"{trial.key}#", Seen()), MATURE)
    treated, good = crowd.over(at // MINUTE, MATURE + PATIENCE)
    new = Joint.new(trial.share)
    both, alone = (one.having(crowd.measures) for one in trials.joints.get(trial.key, (new, new)))
    if len(treated):
        judged = {one.monitor.measure for group, _ in found for one in group.watched if one.rung == "judge"}
        silent = np.array([name in judged for name in crowd.measures])
        both, alone = both.seen(treated, good), alone.seen(treated, np.where(silent, np.nan, good))
    trials.joints[trial.key] = (both, alone)


def _words(trial: Trial, found: Sequence[tuple[Group, Rows]]) -> list[Said]:
    """What every measure that is compared says of the users of both arms."""
    made = []
    for group, rows in found:
        candidate = np.array([name == trial.candidate for name in rows.release], dtype=bool)
        for column in compared(group):
            here = _mine(trial, rows, column)
            n = rows.count[column][here]
            good = _good(group.watched[column], rows.total[column][here] / n)
            said = (rows.unit[here], rows.minute[here].astype(np.int64), candidate[here], n, n * good)
            made.append(Said(group.watched[column].monitor.measure, *said))
    return made


def remember(trials: Trials, trial: Trial, found: Sequence[tuple[Group, Rows]]) -> None:
    """After a restart: these users are known already."""
    for said in _words(trial, found):
        met(trials.seen.setdefault(f"{trial.key}#", Seen()), said.unit)
    for group, rows in found:
        for column in compared(group):
            known(trials, trial, group.watched[column], rows, column)


def told(
    trials: Trials, running: Sequence[Trial], watched: Iterable[Watched], project: str, at: int
) -> tuple[list[Comparison], list[Blame]]:
    """How every comparison stands; and of trials that became sure of harm, the measures that say so.

    The weighted mean of the e-values of all measures is an e-value for the trial.
    """
    made: list[Comparison] = []
    blames: list[Blame] = []
    by_measure = {each.monitor.measure: each for each in watched}
    for trial in running:
        new = Joint.new(trial.share)
        both, alone = (one.of_harm for one in trials.joints.get(trial.key, (new, new)))
        mine = [
            replace(_told(project, trial, by_measure[measure], arms, at), joint=both, joint_alone=alone)
            for measure, arms in _of(trials, trial)
            if measure in by_measure and min(arms.users)
        ]
        made += mine
        mean = together(mine)
        if trial.key not in trials.blamed and mean >= 1 / BLAME:
            trials.blamed[trial.key] = at
            least = min(mean, max(one.harm for one in mine))
            blames += [Blame(one, by_measure[one.measure], at, mean) for one in mine if one.harm >= least]
    return made, blames


def _of(trials: Trials, trial: Trial) -> list[tuple[str, Arms]]:
    return [(key.partition("#")[2], arms) for key, arms in trials.arms.items() if key.startswith(f"{trial.key}#")]


def compared(group: Group) -> list[int]:
    """Columns that a trial compares: of users, not split, that have a side that is worse."""
    if group.by or group.unit != "user":
        return []
    return [
        at for at, each in enumerate(group.watched)
        if each.monitor.kind in ("reference", "release") and each.source.kept
        and each.source.scale in ("share", "number") and each.worse is not None
    ]  # fmt: skip


def entered(
    trials: Trials, trial: Trial, watched: Watched, rows: Rows, column: int, at: int
) -> tuple[Floats, Floats, Floats, Ints]:
    """Users whose first minutes are over: in which arm, their outcome (1 is best), the value itself, when they came."""
    key = f"{trial.key}#{watched.monitor.measure}"
    waiting = trials.waiting.setdefault(key, {})
    here, new = known(trials, trial, watched, rows, column)
    candidate = [name == trial.candidate for name in rows.release]
    value = rows.total[column][here] / rows.count[column][here]
    good = _good(watched, value)
    for place, row in enumerate(here.tolist()):
        unit, minute = int(rows.unit[row]), int(rows.minute[row])
        if new[place]:
            waiting[unit] = Waiting(minute, candidate[row])
        mine = waiting.get(unit)
        if mine is not None and minute < mine.minute + MATURE:
            n = float(rows.count[column][row])
            mine.n, mine.good, mine.value = mine.n + n, mine.good + n * good[place], mine.value + n * value[place]
    now, began = at // MINUTE, np.array([one.minute for one in waiting.values()], np.int64)
    over = max(now - MATURE, crowded(began, now))
    done = sorted((one.minute, unit) for unit, one in waiting.items() if one.minute <= over)
    ready = [waiting.pop(unit) for _, unit in done]
    return (
        np.array([one.treated for one in ready], np.float64), np.array([one.good / one.n for one in ready]),
        np.array([one.value / one.n for one in ready]), np.array([one.minute + MATURE - 1 for one in ready], np.int64),
    )  # fmt: skip


def known(trials: Trials, trial: Trial, watched: Watched, rows: Rows, column: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Rows of both arms since the trial began, in the order of time; and which are a user's first."""
    seen = trials.seen.setdefault(f"{trial.key}#{watched.monitor.measure}", Seen())
    here = _mine(trial, rows, column)
    return here, seen.fresh(np.uint64(1), rows.unit[here], np.zeros(len(here), np.int64))


def _mine(trial: Trial, rows: Rows, column: int) -> Ints:
    mine = (rows.count[column] > 0) & ((rows.minute + 1) * MINUTE > trial.since)
    mine &= np.array([name in (trial.candidate, trial.baseline) for name in rows.release], dtype=bool)
    if trial.shared:
        mine &= np.array([name == trial.route for name in rows.route], dtype=bool)
    here = np.flatnonzero(mine)
    return here[np.argsort(rows.minute[here], kind="stable")]


def _good(watched: Watched, value: Floats) -> Floats:
    side = watched.worse or "down"
    if watched.source.scale == "share":
        return np.clip(1 - value if side == "up" else value, 0, 1)
    return np.asarray(1 - bins(watched.source.scale, value, side) / (BINS - 1))


def _added(arms: Arms, treated: Floats, y: Floats, value: Floats) -> Arms:
    """With the users who enter."""
    if not len(treated):
        return arms
    m1, m0 = running_means(treated, y, start=arms.predictor)
    phi = pseudo_outcomes(treated, y, arms.evidence.share, m1=m1, m0=m0)
    one = treated == 1
    return replace(
        arms, evidence=arms.evidence.seen(phi), predictor=arms.predictor.learned(treated, y),
        users=(arms.users[0] + int(one.sum()), arms.users[1] + int((~one).sum())),
        sums=(arms.sums[0] + float(value[one].sum()), arms.sums[1] + float(value[~one].sum())),
        phi=(arms.phi[0] + len(phi), arms.phi[1] + float(phi.sum()), arms.phi[2] + float((phi * phi).sum())),
    )  # fmt: skip


def _told(project: str, trial: Trial, watched: Watched, arms: Arms, at: int) -> Comparison:
    means = tuple(arms.sums[arm] / arms.users[arm] if arms.users[arm] else None for arm in (0, 1))
    candidate, baseline = means
    estimate = candidate - baseline if candidate is not None and baseline is not None else None
    low, high = _interval(watched, arms)
    side = watched.worse or "down"
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
    return (low, high) if watched.worse == "down" else (-high, -low)


def shares(pieces: Mapping[str, float]) -> tuple[str, list[tuple[str, float]]]:
    """The baseline (the largest share), and each candidate with its part of what both serve.

    >>> shares({"A": 0.9, "B": 0.1})
    ('A', [('B', 0.1)])
    """
    order = sorted(pieces.items(), key=lambda each: (-each[1], each[0]))
    (baseline, most), rest = order[0], order[1:]
    return baseline, [(name, round(part / (part + most), 9)) for name, part in rest if part > 0]
