"""Scorers on history: a stretch of the past, piece by piece, resumed where a crash left it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from homeostat.config import Settings
from homeostat.loop.scoring import tracks
from homeostat.loop.scoring.allowance import Allowance
from homeostat.loop.scoring.judging import Judging
from homeostat.loop.scoring.kinds import NO_JUDGE, BadScorer, Runnable, runnable
from homeostat.loop.scoring.tracks import Tools
from homeostat.records.instant import iso
from homeostat.store.ledger import Ledger, feeds
from homeostat.store.ledger.feeds import Feed
from homeostat.store.ledger.scorers import Configured

PREFIX: Final = "history:"
#: Exchanges that the engine scores in a second here, as `bench/scoring.py` measures it; for estimates only.
_ENGINE_PACE: Final = 100_000.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is to be scored: by which version, of what began in (low, high] µs."""

    scorer: str
    low: int
    high: int

    @property
    def track(self) -> str:
        """Its name among the feeds."""
        return f"{PREFIX}{self.scorer}:{self.low}:{self.high}"

    @classmethod
    def parse(cls, track: str) -> Stretch:
        """From its name."""
        scorer, low, high = track.removeprefix(PREFIX).rsplit(":", 2)
        return cls(scorer, int(low), int(high))


def estimate(
    tools: Tools, project: str, each: Runnable, stretch: Stretch, judging: Judging, cost: float
) -> dict[str, Any]:
    """How many exchanges (of its unit: traces, sessions), how long, what it costs. `cost`: CPU seconds that Python
    scorers take for an exchange."""
    count = tracks.count(tools, project, each, stretch.low, stretch.high)
    its = round(count * each.configured.share)
    told: dict[str, Any] = {"unit": each.unit, "exchanges": count, "scored": its, "usd": 0.0}
    if each.rung == "engine":
        return told | {"seconds": round(count / _ENGINE_PACE, 1)}
    if each.rung == "model":
        return told | {"seconds": round(its * cost / judging.settings.scoring_cpu, 1)}
    usd = its * judging.usd_of(tools, project, each)
    day = judging.settings.judge_usd_per_day
    pace = judging.settings.judge_per_minute
    return told | {
        "usd": round(usd, 4), "seconds": round(60 * its / pace, 1) if pace else None,
        "days": max(1, -(-usd // day)) if day and usd else None,
    }  # fmt: skip


def begin(ledger: Ledger, project: str, stretch: Stretch, total: int) -> Feed:
    """Write down that it shall be done. The same stretch of the same version is one job, however often it is asked; one
    that is done begins again, for what had no value then."""
    before = feeds.place(ledger, project, stretch.track, start=stretch.low)
    done = before.ready >= stretch.high
    if done or "total" not in before.spent:
        account = {name: value for name, value in before.spent.items() if name != "taken"} | {"total": total}
        after = Feed(stretch.low, "", account) if done else Feed(before.ready, before.id, account)
        feeds.move(ledger, project, stretch.track, before, after)
        return after
    return before


def one(tools: Tools, project: str, known: dict[str, Runnable], judging: Judging, allowance: Allowance | None) -> int:
    """A piece of the oldest stretch that is not done; how many exchanges. Zero: there is none that can go on."""
    for track, before in sorted(feeds.tracks(tools.ledger, project, PREFIX).items()):
        stretch = Stretch.parse(track)
        each = known.get(stretch.scorer)
        if before.ready >= stretch.high or each is None:
            continue
        if each.rung == "engine":
            done = tracks.in_engine(tools, project, [each], track, before, stretch.high, "at")
        elif each.rung == "model":
            done = tracks.in_python(tools, project, [each], track, before, stretch.high, allowance, "at")
        else:
            waits = judging.asker.rests or not judging.may_ask(each, judging.account(tools, project, each))
            done = (
                0
                if waits
                else judging.piece(
                    tools, project, each, track, before, stretch.high, share=each.configured.share, order="at"
                )
            )
        if done:
            return done
    return 0


def stands(configured: Configured, chosen: Settings) -> str:
    """Why nothing of a scorer's history is done before somebody changes something; empty: it goes on."""
    if configured.state != "on":
        return f"{configured.name} is {configured.state}: homeostat scorer resume {configured.name}"
    try:
        each = runnable(configured)
    except BadScorer as error:
        return str(error)
    return NO_JUDGE if each.rung == "judge" and not chosen.judge_url else ""


def listed(ledger: Ledger, project: str, configured: Configured, why: str = "") -> list[dict[str, Any]]:
    """The stretches of a version and how far each is. `why`: what is not done waits, and for what."""
    found = []
    for track, place in feeds.tracks(ledger, project, f"{PREFIX}{configured.scorer}:").items():
        stretch = Stretch.parse(track)
        done = place.ready >= stretch.high
        total, taken = place.spent.get("total"), int(place.spent.get("taken", 0))
        found.append({
            "from": iso(stretch.low), "to": iso(stretch.high),
            "state": "done" if done else "waiting" if why else "running",
            "why": None if done else why or None,
            "total": total, "taken": taken,
            # What came after it began makes it more than it was to be; it is done when it is done.
            "progress": 1.0 if done else min(0.9999, round(taken / total, 4)) if total else 0.0,
            "usd": place.spent.get("usd", 0.0),
        })  # fmt: skip
    return sorted(found, key=lambda told: str(told["from"]))
