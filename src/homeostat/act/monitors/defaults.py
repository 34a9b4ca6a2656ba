"""The monitors that every project has from its first exchange. Few: each one more makes all others a little slower."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeostat.records.monitor import Monitor, Way

REFERENCE: Final[Mapping[str, str]] = {"reference": "all"}
#: Scores that say that an answer did harm.
HARMS: Final = ("safety", "civil", "privacy", "discreet", "bias", "toxic")
#: A fall of one of these is worth waking somebody, and they are rare: they get a larger part of the budget.
_CRITICAL: Final = frozenset(("errors", *HARMS))
_GRAVE: Final = 3.0
#: Of a share, or of the mean of a score, so much: one answer in a hundred more is bad. Less is told, and wakes nobody.
_CRITICAL_FROM: Final = 0.01
#: Events that people send are watched apart up to so many names, the most frequent first.
MOST_SIGNALS: Final = 10


def monitors(project: str, scores: Iterable[str], signals: Iterable[str], judges: Iterable[str] = ()) -> list[Monitor]:
    """For a project with scores and signals of these names. Scores of `judges` are watched upwards too: a judge that
    turns lenient is no good news.

    >>> [m.name for m in monitors("p", ["relevance"], ["thumbs", "chat_closed"])]
    ['errors', 'latency', 'cost', 'length', 'score-relevance', 'thumbs-down', 'signals', 'signal-chat_closed', 'signal-thumbs']
    """  # noqa: E501
    lenient = frozenset(judges)
    made = [
        _monitor(project, "errors", "share(status=error)", "up"),
        _monitor(project, "latency", "mean(latency_ms)", "up"),
        _monitor(project, "cost", "mean(cost)", "up"),
        _monitor(project, "length", "mean(output_tokens)", "both"),
        *(
            _monitor(project, f"score-{name}", f"mean(score.{name})", "both" if name in lenient else "down")
            for name in sorted(scores)
        ),
    ]
    told = list(signals)
    if "thumbs" in told:
        made.append(_monitor(project, "thumbs-down", "share(signal.thumbs=-1)", "up", 2.0))
    if told:
        made.append(_monitor(project, "signals", "coverage(signals)", "down", 3.0))
    named = sorted(told[:MOST_SIGNALS])
    made += [_monitor(project, f"signal-{name}", f"coverage(signal.{name})", "both", 0.1) for name in named]
    return made


def _monitor(project: str, name: str, measure: str, direction: Way, budget: float = 1.0) -> Monitor:
    grave = name.removeprefix("score-") in _CRITICAL
    severity: Any = "critical" if grave else "warning"
    weight = _GRAVE if grave else budget
    least = _CRITICAL_FROM if grave else 0.0
    return Monitor(project, name, measure, REFERENCE, direction, severity=severity, critical_from=least, budget=weight)
