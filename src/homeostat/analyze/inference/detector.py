"""The one machine behind every alarm: Shiryaev–Roberts over a mixture of bets, many streams at once.

Each stream has K bets. At every tick a little budget `inject` is put on the bets and everything is multiplied by what
the bets won or lost. The sum crosses 1: alarm, and the stream starts again from 0. If each factor has conditional mean
at most 1 under the null, the sum minus what was injected is a supermartingale, so

    expected false alarms up to any tick <= what was injected up to that tick,

for any number of streams, however they depend on each other and however much traffic they carry
(design/0007-inference.md). Everything else is a choice of `inject`: `for_run_length`, `for_horizon`, `for_budget`.

Reference: Shin, Ramdas, Rinaldo, "E-detectors", NEJSDS 2024, arXiv:2203.03532.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike

from homeostat.analyze.inference.arrays import Bools, Floats, Ints, finite, whole
from homeostat.analyze.inference.packing import packed, unpacked

VERSION: Final = 1
#: Beyond this a factor says nothing more, and float64 would overflow.
_MOST_LOG: Final = 600.0
_MOST: Final = 1e300


def for_run_length(least: float) -> float:
    """What to inject per tick so that a stream without change runs at least `least` ticks on average (ARL)."""
    if not least >= 1:
        raise ValueError("the mean run length must be at least one tick")
    return 1.0 / least


def for_horizon(alpha: float, ticks: float) -> float:
    """What to inject per tick so that a false alarm within `ticks` ticks has probability at most `alpha` (PFA)."""
    if not (0 < alpha <= 1 and ticks >= 1):
        raise ValueError("alpha must lie in (0, 1] and ticks be at least 1")
    return alpha / ticks


def for_budget(share: ArrayLike, ticks: float) -> Floats:
    """What to inject per tick so that at most `share` false alarms are expected in `ticks` ticks, for each stream."""
    if not ticks >= 1:
        raise ValueError("a budget needs at least one tick")
    return finite("share", share, low=0) / ticks


@dataclass(frozen=True, slots=True)
class State:
    """What one worker keeps of its streams: 128 bytes each with 16 bets; a shadow while an incident is open."""

    wealth: Floats
    """[streams, bets]; its row sums are the evidence, alarm at 1."""
    injected: Floats
    """[streams] budget spent so far: the bound on the expected number of false alarms."""
    alarms: Ints
    """[streams] alarms so far."""
    open: Ints
    """Rows with an open incident, ascending."""
    shadow: Floats
    """[open, bets] the wealth of those rows, never reset while the incident is open: how strong it has become."""
    peak: Floats
    """[open] the greatest evidence the shadow reached."""

    @classmethod
    def new(cls, streams: int, bets: int) -> Self:
        """Nothing seen, nothing spent."""
        none = np.zeros((0, bets))
        return cls(
            np.zeros((streams, bets)),
            np.zeros(streams),
            np.zeros(streams, np.int64),
            np.zeros(0, np.int64),
            none,
            np.zeros(0),
        )

    @property
    def level(self) -> Floats:
        """Evidence of each stream: below 1 is "watch" at most."""
        total: Floats = self.wealth.sum(axis=1)
        return total

    def to_json(self) -> bytes:
        """For the transaction that also holds watermark and alarm."""
        return packed("detector", VERSION, {name: getattr(self, name) for name in _FIELDS})

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """The same state, bit for bit."""
        fields = unpacked("detector", VERSION, data)
        if set(fields) != set(_FIELDS):
            raise ValueError("a detector's state needs " + ", ".join(_FIELDS))
        return cls(**fields)

    def rows(self, kept: ArrayLike) -> State:
        """The state for another set of streams: old row numbers in the new order, -1 for a stream that is new."""
        at = whole("kept", kept, low=-1)
        old = at >= 0
        if len(np.unique(at[old])) != old.sum() or (at >= len(self.wealth)).any():
            raise ValueError("kept: every old row may stand once")
        if not old.any():
            return State.new(len(at), self.wealth.shape[1])
        place = np.full(len(self.wealth), -1)
        place[at[old]] = np.flatnonzero(old)
        moved = place[self.open]
        order = np.argsort(moved[moved >= 0], kind="stable")
        return State(
            wealth=np.where(old[:, None], self.wealth[at], 0.0),
            injected=np.where(old, self.injected[at], 0.0),
            alarms=np.where(old, self.alarms[at], 0),
            open=moved[moved >= 0][order],
            shadow=self.shadow[moved >= 0][order],
            peak=self.peak[moved >= 0][order],
        )


_FIELDS: Final = ("wealth", "injected", "alarms", "open", "shadow", "peak")


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick brought: who alarms, and how strong the evidence was before any reset."""

    alarm: Bools
    level: Floats


def advance(
    state: State, log_growth: Floats, inject: ArrayLike, *, weights: Floats | None = None
) -> tuple[State, Tick]:
    """One tick of all streams. `log_growth` [streams, bets] is 0 where a stream had no data.

    `weights` [streams, bets] share out the injection over the bets (rows sum to 1; equal by default). `inject` must be
    chosen before the tick is looked at.

    >>> state = State.new(streams=2, bets=1)
    >>> state, tick = advance(state, np.log([[1.0], [9.0]]), inject=0.2)
    >>> tick.level.round(3).tolist(), tick.alarm.tolist()
    ([0.2, 1.8], [False, True])
    >>> state.level.round(3).tolist(), state.peak.round(3).tolist()
    ([0.2, 0.0], [1.8])
    """
    streams, bets = state.wealth.shape
    if log_growth.shape != (streams, bets):
        raise ValueError(f"log_growth: expected {(streams, bets)}, found {log_growth.shape}")
    if np.isnan(log_growth).any():
        raise ValueError("log_growth: not a number")
    per_stream = np.broadcast_to(np.asarray(inject, dtype=np.float64), (streams,))
    shares = np.full((1, bets), 1.0 / bets) if weights is None else weights
    added = per_stream[:, None] * shares
    factor = np.exp(np.minimum(log_growth, _MOST_LOG))
    with np.errstate(over="ignore"):
        wealth = np.minimum((state.wealth + added) * factor, _MOST)
        shadow = np.minimum((state.shadow + added[state.open]) * factor[state.open], _MOST)
    level = wealth.sum(axis=1)
    alarm = level >= 1.0
    after = replace(
        state,
        wealth=np.where(alarm[:, None], 0.0, wealth) if alarm.any() else wealth,
        injected=state.injected + per_stream,
        alarms=state.alarms + alarm,
        shadow=shadow,
        peak=np.maximum(state.peak, shadow.sum(axis=1)),
    )
    return _opened(after, alarm, wealth), Tick(alarm, level)


def close(state: State, rows: ArrayLike) -> State:
    """The incidents of these rows are closed: their shadows end."""
    keep = ~np.isin(state.open, whole("rows", rows))
    return replace(state, open=state.open[keep], shadow=state.shadow[keep], peak=state.peak[keep])


def _opened(state: State, alarm: Bools, wealth: Floats) -> State:
    new = np.setdiff1d(np.flatnonzero(alarm), state.open, assume_unique=True)
    if not len(new):
        return state
    rows = np.concatenate([state.open, new])
    order = np.argsort(rows)
    shadow = np.concatenate([state.shadow, wealth[new]])
    peak = np.concatenate([state.peak, wealth[new].sum(axis=1)])
    return replace(state, open=rows[order], shadow=shadow[order], peak=peak[order])
