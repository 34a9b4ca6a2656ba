"""What a type checker knows of the public face. Not run: `test_types.py` gives it to mypy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, assert_type

import pandas

import homeostat
from homeostat.sdk.asked import Asked, Listed
from homeostat.sdk.releasing import Served
from homeostat.sdk.start import Monitor
from homeostat.sdk.tables import Rows


@homeostat.observe
def plain(question: str, k: int = 3) -> list[str]:
    return [question] * k


@homeostat.observe(name="search", kind="tool", capture="output", plan="premium")
def optioned(question: str, *, deep: bool = False) -> int:
    return len(question)


@homeostat.observe
async def later(question: str) -> str:
    return question


@homeostat.observe
def parts(question: str) -> Iterator[str]:
    yield question


@homeostat.observe
async def later_parts(question: str) -> AsyncIterator[str]:
    yield question


class Shop:
    @homeostat.observe
    def method(self, number: int) -> float:
        return number / 2

    @classmethod
    @homeostat.observe
    def made(cls, number: int) -> Shop:
        return cls()


assert_type(plain("a", k=2), list[str])
assert_type(optioned("a", deep=True), int)
assert_type(parts("a"), Iterator[str])
assert_type(later_parts("a"), AsyncIterator[str])
assert_type(Shop().method(3), float)
assert_type(Shop.made(3), Shop)
assert_type(homeostat.observe(len), Callable[[Any], int])  # type: ignore[assert-type]
plain(1)  # type: ignore[arg-type]
plain("a", nothing=1)  # type: ignore[call-arg]
homeostat.observe(kind="colour")  # type: ignore[call-overload]


async def in_async_code() -> None:
    assert_type(await later("a"), str)
    client = homeostat.Client()
    assert_type(await client.exchanges(), Rows)
    assert_type(await client.exchange("id"), dict[str, Any])
    async for row in client.exchanges():
        assert_type(row, dict[str, Any])


with homeostat.context(user_id="u", tags=["a"]), homeostat.exchange("answer", input="q", model="m") as ex:
    assert_type(ex, homeostat.exchange)
    assert_type(ex.id, str)
    ex.output = {"any": "thing"}
    ex.documents = ["a", {"id": "b"}]

assert_type(homeostat.exchange.current(), homeostat.exchange | None)
assert_type(homeostat.init(), Monitor)
assert_type(homeostat.init(capture="redacted", redact=str.upper).flush(1), bool)
homeostat.init(capture="sometimes")  # type: ignore[arg-type]
assert_type(homeostat.instrument(), list[str])
homeostat.signal("thumbs", 1, exchange=ex)
homeostat.signal("thumbs", -1, exchange=ex.id, comment="no")
homeostat.score("relevance", 0.5, rung="human")
homeostat.score("relevance", 0.5, rung="best")  # type: ignore[arg-type]
served = homeostat.release("chat", user_id="u", default="A")
assert_type(served, Served)
assert_type(served.render(shop="x", n=1), str)
assert_type(served.messages("Hi"), list[dict[str, str]])

client = homeostat.Client()
assert_type(client.exchanges(since="24h", where="model = a"), Listed)
assert_type(client.exchanges().get(), Rows)
assert_type(client.exchanges().to_pandas(), pandas.DataFrame)
assert_type(client.exchanges().to_dicts(), list[dict[str, Any]])
assert_type(client.measures("count", by="model"), Asked[Rows])
assert_type(client.exchange("id").get(), dict[str, Any])
waits: Awaitable[Rows] = client.exchanges()
