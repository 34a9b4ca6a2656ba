"""Findings as the ticker makes them."""

from __future__ import annotations

from typing import Any

from homeostat.records.finding import Finding
from homeostat.store.ledger import Ledger, findings

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
#: Tuesday 3 March 2026, 14:00 UTC.
T0 = 1_772_546_400_000_000


def finding(measure: str = "mean(score.relevance)", **values: Any) -> Finding:
    """One of a fall that began at T0 and was seen half an hour later."""
    onset = values.pop("onset", T0)
    said: dict[str, Any] = {
        "project": "p", "monitor": "m", "monitor_version": 1, "measure": measure, "at": onset + 30 * MINUTE,
        "direction": "down", "onset": onset, "onset_low": onset - 5 * MINUTE, "onset_high": onset + 5 * MINUTE,
        "value": 0.71, "low": 0.67, "high": 0.75, "reference": 0.84, "n": 812, "chance_per_month": 1 / 120,
        "severity": "warning", "against": "reference", "rung": "model",
    }  # fmt: skip
    return Finding(**(said | values))


def kept(ledger: Ledger, *found: Finding) -> list[Finding]:
    """With the numbers that the ledger gives them."""
    return [findings.add(ledger, each) for each in found]
