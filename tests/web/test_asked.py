"""Work in threads: bounded, and nobody waits for a client that left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Gone, number_of, single, work


def request(receive: Callable[[], Any], threads: int = 2) -> Request:
    app = SimpleNamespace(state=SimpleNamespace(threads=anyio.CapacityLimiter(threads)))
    return Request({"type": "http", "app": app, "headers": [], "query_string": b""}, receive)


async def stays() -> dict[str, str]:
    await asyncio.sleep(3600)
    return {"type": "http.disconnect"}


async def leaves() -> dict[str, str]:
    return {"type": "http.disconnect"}


def test_the_answer_of_who_stays() -> None:
    async def run() -> int:
        return await work(request(stays), lambda: 7)

    assert asyncio.run(run()) == 7


def test_a_problem_comes_out_as_it_is() -> None:
    def refuse() -> None:
        raise Refused("no")

    async def run() -> None:
        await work(request(stays), refuse)

    with pytest.raises(Refused, match="no"):
        asyncio.run(run())


def test_nobody_waits_for_a_client_that_left() -> None:
    free = threading.Event()

    async def run() -> None:
        try:
            await work(request(leaves), lambda: free.wait(250))
        finally:
            free.set()

    with pytest.raises(Gone):
        asyncio.run(asyncio.wait_for(run(), 120))


def test_parameters_are_given_once_and_within_limits() -> None:
    assert number_of([], "limit", 50, 1, 1000) == 50
    assert number_of([("limit", "7")], "limit", 50, 1, 1000) == 7
    for text in ("0", "1001", "-1", "1.5", "٣", "9" * 30):
        with pytest.raises(Refused):
            number_of([("limit", text)], "limit", 50, 1, 1000)
    with pytest.raises(Refused):
        single([("a", "1"), ("a", "2")], "a")
