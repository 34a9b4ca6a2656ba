"""From the measure of a monitor to what it is ticked with: which values, from where, and how they become bins."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from homeostat.act.monitors.detectors import BINS
from homeostat.analyze.inference.arrays import Floats, Ints
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.fields import BLOCKED
from homeostat.store.warehouse.questions.measures import grammar
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.ticks import Column, Family

Scale = Literal["share", "number", "signed", "event"]
"""`event`: among answers and quick signals together, the share of signals."""
_COVERAGE: Final = re.compile(r"coverage\((?:signals|signal\.([^()]+))\)")


@dataclass(frozen=True, slots=True)
class Source:
    """What a monitor is ticked with."""

    family: Family
    column: Column
    scale: Scale
    kept: bool = True
    """False: only a threshold can be set on it (a count, a rate, a sum)."""

    @property
    def bounded(self) -> bool:
        """Values lie in [0, 1]."""
        return self.scale in ("share", "event")


def source(measure: str, where: tuple[tuple[str, str], ...] = (), rung: str = "") -> Source:
    """What it is ticked with; Refused when there is no such measure."""
    chosen = filters.parse((*where, *beside(measure, [name for name, _ in where])))
    covers = _COVERAGE.fullmatch(measure.replace(" ", ""))
    if covers:
        return Source("signal", Column(covers[1] or "", where=chosen, fast=True), "event")
    told = _alone(measure)
    if told.stat == "share" and told.condition is not None:
        asked = told.condition
        if asked.field in ("score", "signal"):
            if asked.op == "exists":
                raise Refused("Monitors cannot watch this.", hint="Known: coverage(signal.<name>).")
            family: Family = "score" if asked.field == "score" else "signal"
            return Source(family, Column(asked.name, condition=asked, where=chosen, rung=rung), "share")
        return Source("fact", Column(condition=asked, where=chosen), "share")
    if told.stat in ("mean", "quantile"):
        kind, _, name = told.field.partition(".")
        if kind != told.field and not name:
            raise Refused(f"{kind} needs a name: {kind}.<name>.")
        if kind == "score":
            return Source("score", Column(name, where=chosen, rung=rung), "share")
        if kind == "signal":
            return Source("signal", Column(name, where=chosen), "signed")
        if kind == "attribute":
            raise Refused("Monitors do not know numbers of attributes.", hint="Send it as a signal or a score.")
        return Source("fact", Column(number=told.field, where=chosen), "number")
    return Source("fact", Column(where=chosen), "number", kept=False)


def coverage(measure: str) -> str:
    """`coverage(signal.thumbs)` as measures spell it; empty: it is no coverage of signals."""
    covers = _COVERAGE.fullmatch(measure.replace(" ", ""))
    if covers is None:
        return ""
    if not covers[1]:
        raise Refused("A threshold is set on one kind of signal.", hint="Write coverage(signal.<name>).")
    return f"share(signal.{covers[1]}.exists=true)"


def _alone(measure: str) -> grammar.Measure:
    told = grammar.parse([measure])
    if len(told) > 1:
        raise Refused(f"{measure!r} are {len(told)} measures.", hint="Write one for each.")
    return told[0]


def beside(measure: str, named: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Filters that a measure has beside its own (`named`): a call that failed has no answer, and what a guard withheld
    nobody got, so their scores are none.
    Errors have a monitor of their own; as the worst scores there are they would hide what is as rare.

    >>> beside("mean(score.bias)", []), beside("mean(cost)", []), beside("mean(score.bias)", ["status"])
    ((('status.not', 'error'), ('tag.not', 'blocked')), (), ())
    """
    own = "score." in measure and not any(name.partition(".")[0] == "status" for name in named)
    return (("status.not", "error"), ("tag.not", BLOCKED)) if own else ()


def bins(scale: Scale, mean: NDArray[np.float64], direction: str) -> Ints:
    """The bin of each value; the greatest is the worst."""
    if scale in ("share", "event"):
        part: Floats = np.clip(mean, 0, 1)
    elif scale == "number":
        part = _log(mean)
    else:
        part = 0.5 + np.arctan(mean) / math.pi
    found: Ints = np.clip(np.round(part * (BINS - 1)), 0, BINS - 1).astype(np.int64)
    return found if direction == "up" else BINS - 1 - found


def _log(values: Floats) -> Floats:
    """Milliseconds, tokens and dollars alike: 18 bins a factor of ten below 1, 38 above."""
    low = np.log10(np.clip(values, 1e-6, 1.0)) / 6 + 1
    high = np.log10(np.clip(values, 1.0, 1e5)) / 5
    return np.asarray(np.where(values < 1, low * 0.4, 0.4 + high * 0.6))
