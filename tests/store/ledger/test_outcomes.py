"""Moving items between fates keeps their sum."""

from __future__ import annotations

from homeostat.records.outcome import Outcome
from homeostat.store.ledger import Ledger, outcomes, segments


def put(ledger: Ledger, *told: Outcome) -> None:
    segments.intend(ledger, 1)
    segments.finish(ledger, 1, told, [])


def test_move(ledger: Ledger) -> None:
    put(ledger, Outcome("p", "stored", 10), Outcome("q", "stored", 10))
    assert outcomes.move(ledger, "p", "stored", "expired", 4) == 4
    assert outcomes.move(ledger, "p", "stored", "erased", 1) == 1
    assert outcomes.totals(ledger, "p") == {"stored": 5, "rejected": {}, "expired": 4, "erased": 1}
    assert outcomes.totals(ledger, "q")["stored"] == 10


def test_no_more_than_there_is(ledger: Ledger) -> None:
    put(ledger, Outcome("p", "stored", 3))
    assert outcomes.move(ledger, "p", "stored", "expired", 5) == 3
    assert outcomes.move(ledger, "p", "stored", "expired", 5) == 0
    assert outcomes.move(ledger, "p", "stored", "expired", -5) == 0
    assert outcomes.move(ledger, "nobody", "stored", "expired", 5) == 0
    assert outcomes.totals(ledger, None) == {"stored": 0, "rejected": {}, "expired": 3, "erased": 0}


def test_nothing_yet(ledger: Ledger) -> None:
    assert outcomes.totals(ledger, "p") == {"stored": 0, "rejected": {}, "expired": 0, "erased": 0}
