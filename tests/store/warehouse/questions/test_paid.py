"""What the calls of a key have cost."""

from __future__ import annotations

from datetime import timedelta

from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.paid import paid
from tests.builders import NOON, exchange_row, new_span, new_trace, span_row, store

HOUR = timedelta(hours=1)


def test_by_key_each_exchange_once(warehouse: Warehouse, project: str) -> None:
    trace, own, gateways = new_trace(), new_span(), new_span()
    one, other = f"{project}-one", f"{project}-other"
    told_twice = exchange_row(
        project, at=NOON, trace_id=trace, span_id=own, members=[own, gateways], cost=0.25, model="m"
    )
    spans = [
        span_row(project, at=NOON, trace_id=trace, span_id=own, attributes={"homeostat.key": one}),
        span_row(project, at=NOON, trace_id=trace, span_id=gateways, attributes={"homeostat.key": one}),
    ]
    rows = [told_twice]
    for key, at, cost in ((one, NOON + HOUR, 0.5), (one, NOON - 24 * HOUR, 8.0), (other, NOON, 1.0), (one, NOON, None)):
        row = exchange_row(project, at=at, cost=cost)
        rows.append(row)
        spans.append(
            span_row(
                project, at=at, trace_id=row["trace_id"], span_id=row["span_id"], attributes={"homeostat.key": key}
            )
        )
    store(warehouse, spans=spans, exchanges=rows)
    day = (micros(NOON - 12 * HOUR), micros(NOON + 12 * HOUR))
    assert paid(warehouse, [one, other], *day) == {one: 0.75, other: 1.0}
    assert paid(warehouse, [one], *day) == {one: 0.75}
