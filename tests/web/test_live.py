"""Server-sent events: what is loaded arrives, in order, and nothing is missed on the way back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import anyio
import pytest

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.live import Mark
from homeostat.web import live
from tests.builders import NOON, exchange_id, exchange_row, store
from tests.web.conftest import Api

PATIENCE = 120.0


async def take(events: AsyncIterator[bytes], n: int) -> list[dict[str, Any]]:
    """The next `n` exchanges, with the mark of each under `mark`."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < n:
            event = (await anext(events)).decode()
            if "event: exchange" in event:
                lines = dict(line.split(": ", 1) for line in event.strip().splitlines())
                found.append(json.loads(lines["data"]) | {"mark": lines["id"]})
    return found


@pytest.fixture
def news(api: Api) -> live.Live:
    return live.Live(api.core, anyio.CapacityLimiter(1))  # type: ignore[arg-type]


def test_new_exchanges_arrive_and_old_ones_do_not(news: live.Live, warehouse: Warehouse, project: str) -> None:
    store(warehouse, exchanges=[exchange_row(project, version=10)])
    first, second = exchange_row(project, version=11, at=NOON - timedelta(hours=3)), exchange_row(project, version=12)
    hidden = exchange_row(project, version=13, is_answer=False)
    last = exchange_row(project, version=14)

    async def run() -> None:
        events = live._events(news, project, None)
        assert (await anext(events)).startswith(b"retry:")
        store(warehouse, exchanges=[first, second])
        assert [e["id"] for e in await take(events, 2)] == [exchange_id(first), exchange_id(second)]
        store(warehouse, exchanges=[hidden, last, first | {"version": 15, "status": "error"}])
        assert [(e["id"], e["status"]) for e in await take(events, 2)] == [
            (exchange_id(last), "ok"),
            (exchange_id(first), "error"),
        ]
        await events.aclose()
        assert news._channels == {}

    asyncio.run(run())


def test_who_comes_back_gets_what_was_missed(news: live.Live, warehouse: Warehouse, project: str) -> None:
    rows = [exchange_row(project, version=n // 3 + 1) for n in range(9)]
    store(warehouse, exchanges=rows)

    async def run() -> None:
        events = live._events(news, project, Mark())
        everything = await take(events, 9)
        await events.aclose()
        assert {e["id"] for e in everything} == {exchange_id(row) for row in rows}
        resumed = live._events(news, project, Mark.parse(everything[3]["mark"]))
        assert [e["id"] for e in await take(resumed, 5)] == [e["id"] for e in everything[4:]]
        await resumed.aclose()

    asyncio.run(run())


def test_an_orphan_arrives_when_it_becomes_an_answer(
    api: Api, news: live.Live, warehouse: Warehouse, project: str
) -> None:
    before = api.core.clock.at
    orphan = exchange_row(project, version=5, answer_from=before + timedelta(seconds=60))

    async def run() -> None:
        events = live._events(news, project, None)
        await anext(events)
        store(warehouse, exchanges=[orphan])
        api.core.clock.at = before + timedelta(seconds=61)
        assert [e["id"] for e in await take(events, 1)] == [exchange_id(orphan)]
        await events.aclose()

    try:
        asyncio.run(run())
    finally:
        api.core.clock.at = before


def test_a_load_of_several_days_is_told_whole(
    news: live.Live, warehouse: Warehouse, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine shows it day by day: here the part that would lie before the mark comes last."""
    rows = [exchange_row(project, version=7, at=NOON - timedelta(hours=n * 20)) for n in range(2)]
    early, late = sorted(rows, key=lambda row: row["trace_id"])

    async def run() -> None:
        events = live._events(news, project, None)
        await anext(events)
        monkeypatch.setattr(live.time, "sleep", lambda _: store(warehouse, exchanges=[early]))
        store(warehouse, exchanges=[late])
        assert [e["id"] for e in await take(events, 2)] == [exchange_id(early), exchange_id(late)]
        await events.aclose()

    asyncio.run(run())


def test_a_slow_listener_is_told_that_it_missed_some() -> None:
    async def run() -> None:
        listener = live.Listener()
        for n in range(live.MAX_WAITING + 5):
            listener.put(str(n).encode())
        assert listener.skipped
        assert listener.events.qsize() == live.MAX_WAITING
        assert await listener.events.get() == b"5"

    asyncio.run(run())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1",
        "1-2-3",
        "-1-" + "0" * 32 + "-" + "0" * 16,
        f"{2**64}-" + "0" * 32 + "-" + "0" * 16,
        "1-" + "g" * 32 + "-" + "0" * 16,
    ],
)
def test_odd_marks_are_no_marks(text: str) -> None:
    assert Mark.parse(text) is None


def test_marks_come_back_as_they_were() -> None:
    mark = Mark(7, "ab" * 16, "cd" * 8)
    assert Mark.parse(str(mark)) == mark
