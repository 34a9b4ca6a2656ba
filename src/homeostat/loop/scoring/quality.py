"""How good a scorer is where people judged too: agreement beyond chance, the confusion, and what sways it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from homeostat.analyze.inference.agreement import agreement
from homeostat.analyze.judges.bias import by_length
from homeostat.loop.scoring import anchors
from homeostat.loop.scoring.kinds import Runnable
from homeostat.loop.scoring.tracks import Tools
from homeostat.store.warehouse.questions.labelled import Labelled, labelled

_GOOD: Final = 0.5


def quality(tools: Tools, project: str, each: Runnable, *, people: str, by: str, low: int, high: int) -> dict[str, Any]:
    """`people`: the name under which they score; empty: the scorer's own name, else its dimension's."""
    names = [people] if people else list(dict.fromkeys((each.configured.name, each.dimension)))
    rows: list[Labelled] = []
    for name in names:
        rows = labelled(tools.warehouse, project, each.configured.scorer, name, low=low, high=high, by=by)
        if rows:
            break
    segments: dict[str, list[Labelled]] = defaultdict(list)
    for row in rows:
        segments[row.segment].append(row)
    sway = by_length([row.judged >= _GOOD for row in rows], [row.truth >= _GOOD for row in rows],
                     [row.characters for row in rows])  # fmt: skip
    drift = anchors.drift(tools.ledger, project, each.configured.scorer)
    return {
        "scorer": each.configured.scorer, "people": name, **_agreed(rows),
        "segments": [{by: segment, **_agreed(some)} for segment, some in sorted(segments.items())] if by else [],
        "length": _plain(asdict(sway)), "drift": None if drift is None else drift.told(),
    }  # fmt: skip


def _agreed(rows: Sequence[Labelled]) -> dict[str, Any]:
    """Figures of verdicts good or bad. `confusion` counts by what people said and what the scorer said."""
    judged, truth = [row.judged >= _GOOD for row in rows], [row.truth >= _GOOD for row in rows]
    pairs = list(zip(truth, judged, strict=True))
    confusion = {
        "good_good": pairs.count((True, True)), "good_bad": pairs.count((True, False)),
        "bad_good": pairs.count((False, True)), "bad_bad": pairs.count((False, False)),
    }  # fmt: skip
    if not rows:
        nothing = dict.fromkeys(("agreement", "kappa", "ac1", "mcc", "sensitivity", "specificity"))
        return {"n": 0, **nothing, "confusion": confusion}
    found = agreement([float(one) for one in judged], [float(one) for one in truth])
    good, bad = confusion["good_good"] + confusion["good_bad"], confusion["bad_good"] + confusion["bad_bad"]
    figures = {
        "agreement": found.observed, "kappa": found.kappa, "ac1": found.ac1, "mcc": found.mcc,
        "sensitivity": confusion["good_good"] / good if good else math.nan,
        "specificity": confusion["bad_bad"] / bad if bad else math.nan,
    }  # fmt: skip
    return {"n": found.n, **_plain(figures), "confusion": confusion}


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    """Figures that are not defined are null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in figures.items()
    }
