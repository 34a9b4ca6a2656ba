"""What is taken to be judged: whatever the filters ask for, each once, piece by piece."""

from __future__ import annotations

from datetime import timedelta

import pytest

from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import feed, filters
from homeostat.store.warehouse.questions.feed import Order, Place
from tests.builders import NOON, exchange_row, signal_row, store, told_by


@pytest.mark.parametrize("order", ["ready", "at"])
@pytest.mark.parametrize("piece", [2, 5_000])
@pytest.mark.parametrize(
    "pair",
    [
        ("input.contains", "refund"),
        ("q", "refund"),
        ("attribute.plan", "premium"),
        ("signal.thumbs", "1"),
        ("user", "u1"),
    ],
)
def test_filters_by_texts_attributes_and_signals(
    warehouse: Warehouse, project: str, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str], piece: int, order: Order
) -> None:
    monkeypatch.setattr(feed, "RARE", piece)
    rows = [
        exchange_row(
            project,
            name=str(number),
            user_id=f"u{number % 3}",
            input="a refund" if number % 3 == 1 else "a question",
            at=NOON + timedelta(hours=5 * number),
        )
        for number in range(9)
    ]
    wanted = [row for row in rows if row["user_id"] == "u1"]
    store(
        warehouse,
        exchanges=rows,
        spans=[told_by(row, attributes={"plan": "premium"}) for row in wanted],
        signals=[signal_row(project, user_id="u1", value=1.0, at=row["at"] + timedelta(minutes=1)) for row in wanted],
    )
    until = micros(NOON + timedelta(days=3))
    place, found = Place(micros(NOON) - 1), []
    for _ in range(12):
        taken = feed.take(warehouse, project, place, until, limit=2, filters=filters.parse([pair]), order=order)
        found += [exchange.name for exchange in taken.exchanges]
        assert taken.place > place
        place = taken.place
        if not taken.more:
            break
    assert (found, place) == (["1", "4", "7"], Place(until, "~"))
