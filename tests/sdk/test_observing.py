"""What `observe` tells of every kind of function, and that the function stays what it was."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import inspect
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import trace

import homeostat
from homeostat.sdk.runtime import Runtime
from tests.sdk.listener import Listener, attributes


def children(listener: Listener, runtime: Runtime) -> dict[str, str]:
    """Name of each span to the name of its parent."""
    assert runtime.flush(60)
    names = {span.span_id: span.name for span in listener.spans}
    return {span.name: names.get(span.parent_span_id, "") for span in listener.spans}


def test_a_function_is_told_with_what_it_got_and_gave(listener: Listener, sdk: Runtime) -> None:
    @homeostat.observe
    def answer(question: str) -> str:
        """Says it back."""
        return question.upper()

    assert answer("why?") == "WHY?"
    assert (answer.__name__, answer.__doc__) == ("answer", "Says it back.")
    told = listener.named("answer")
    assert told["input.value"] == "why?"
    assert told["output.value"] == "WHY?"
    assert told["gen_ai.operation.name"] == "chain"


def test_options_name_it_and_hide_what_shall_not_be_told(listener: Listener, sdk: Runtime) -> None:
    @homeostat.observe(name="search", kind="tool", capture="output", plan="premium")
    def look(query: str, k: int = 3) -> list[int]:
        return [k, k]

    assert look("secret") == [3, 3]
    told = listener.named("search")
    assert told == {"gen_ai.operation.name": "execute_tool", "plan": "premium", "output.value": "[3, 3]"}


def test_several_arguments_are_told_by_name_and_what_owns_a_method_is_not(listener: Listener, sdk: Runtime) -> None:
    @dataclass
    class Order:
        number: int

    class Shop:
        @homeostat.observe
        def find(self, order: Order, deep: bool = False, *more: int, **rest: Any) -> int:
            return order.number

        @classmethod
        @homeostat.observe
        def inner(cls, text: str) -> str:
            return text

        @homeostat.observe
        @classmethod
        def outer(cls, text: str) -> str:
            return text

        @homeostat.observe
        @staticmethod
        def static(text: str) -> str:
            return text

    shop = Shop()
    assert shop.find(Order(7), True, 1, 2, colour="red") == 7
    assert (shop.inner("a"), Shop.outer("b"), shop.static("c")) == ("a", "b", "c")
    found = json.loads(listener.named("find")["input.value"])
    assert found == {"order": {"number": 7}, "deep": True, "args": [1, 2], "colour": "red"}
    assert [listener.named(name)["input.value"] for name in ("inner", "outer", "static")] == ["a", "b", "c"]


def test_an_error_is_told_and_stays_the_same_error(listener: Listener, sdk: Runtime) -> None:
    error = KeyError("no such order")

    @homeostat.observe
    def fails() -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        fails()
    assert caught.value is error
    span = listener.span("fails")
    assert span.status.code == 2
    assert attributes(span)["error.type"] == "KeyError"
    assert [event.name for event in span.events] == ["exception"]


def test_a_coroutine_function_stays_one_and_its_children_stand_below_it(listener: Listener, sdk: Runtime) -> None:
    @homeostat.observe(kind="call")
    async def call(text: str) -> str:
        await asyncio.sleep(0)
        return text

    @homeostat.observe
    async def answer(text: str) -> list[str]:
        return await asyncio.gather(call(text + "1"), call(text + "2"))

    assert inspect.iscoroutinefunction(answer)
    assert asyncio.run(answer("a")) == ["a1", "a2"]
    assert children(listener, sdk) == {"answer": "", "call": "answer"}
    assert len(listener.spans) == 3


def test_a_generator_is_joined_timed_and_leaves_the_consumers_context_alone(listener: Listener, sdk: Runtime) -> None:
    @homeostat.observe(kind="tool")
    def inside() -> None: ...

    @homeostat.observe(kind="tool")
    def outside() -> None: ...

    @homeostat.observe
    def stream(text: str) -> Iterator[str]:
        time.sleep(0.05)
        for part in ("one ", "two ", "three"):
            inside()
            yield part
        return

    with homeostat.exchange("request"):
        found = []
        for part in stream("q"):
            outside()
            found.append(part)
    assert "".join(found) == "one two three"
    assert children(listener, sdk) == {"inside": "stream", "outside": "request", "stream": "request", "request": ""}
    told = listener.named("stream")
    assert told["output.value"] == "one two three"
    assert told["gen_ai.response.time_to_first_chunk"] >= 0.05


def test_an_async_generator_likewise_also_when_tasks_take_turns(listener: Listener, sdk: Runtime) -> None:
    seen = contextvars.ContextVar("seen", default="")

    @homeostat.observe(kind="call")
    async def inside(who: str) -> None:
        await asyncio.sleep(0.001)

    @homeostat.observe
    async def stream(who: str) -> AsyncIterator[str]:
        for number in range(5):
            await inside(who)
            assert seen.get() == who
            yield f"{who}{number} "

    async def consume(who: str) -> str:
        seen.set(who)
        with homeostat.exchange(f"request {who}", user_id=who):
            return "".join([part async for part in stream(who)])

    async def everything() -> list[str]:
        return await asyncio.gather(*(consume(who) for who in "abc"))

    assert asyncio.run(everything()) == [f"{who}0 {who}1 {who}2 {who}3 {who}4 " for who in "abc"]
    assert sdk.flush(60)
    by_id = {span.span_id: span for span in listener.spans}
    for span in listener.spans:
        if span.name == "inside":
            above = by_id[span.parent_span_id]
            assert above.name == "stream"
            assert attributes(above)["input.value"] == attributes(span)["input.value"]
            assert attributes(by_id[above.parent_span_id])["user.id"] == attributes(span)["input.value"]


def test_send_throw_close_and_return_values_pass_through(listener: Listener, sdk: Runtime) -> None:
    @homeostat.observe(name="dialogue")
    def dialogue() -> Iterator[Any]:
        heard: list[Any] = []
        while len(heard) < 2:
            try:
                heard.append((yield len(heard)))
            except ValueError as error:
                heard.append(str(error))
        return heard

    def outer() -> Iterator[Any]:
        return (yield from dialogue())  # type: ignore[misc,no-any-return]

    talk: Any = outer()
    assert next(talk) == 0
    assert talk.send("a") == 1
    with pytest.raises(StopIteration) as end:
        talk.throw(ValueError("b"))
    assert end.value.value == ["a", "b"]

    closed = []

    @homeostat.observe(name="left")
    def left() -> Iterator[str]:
        try:
            yield "first"
            yield "never"
        finally:
            closed.append(True)

    for _ in left():
        break
    gc.collect()
    assert closed == [True]
    span = listener.span("left")
    assert span.status.code == 0
    assert attributes(span)["output.value"] == "first"
    assert attributes(span)["homeostat.cut"] is True


def test_an_async_generator_that_is_left_is_closed_and_told(listener: Listener, sdk: Runtime) -> None:
    closed = []

    @homeostat.observe
    async def stream() -> AsyncIterator[str]:
        try:
            while True:
                yield "x"
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    async def first() -> str:
        source: Any = stream()
        async for part in source:
            await source.aclose()
            return str(part)
        return ""

    assert asyncio.run(first()) == "x"
    assert closed == [True]
    assert listener.named("stream")["homeostat.cut"] is True


def test_a_stream_that_a_coroutine_returns_is_watched_to_its_end(listener: Listener, sdk: Runtime) -> None:
    async def parts() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0.02)
        yield "b"

    @homeostat.observe
    async def answer(q: str) -> AsyncIterator[str]:
        return parts()

    async def everything() -> str:
        return "".join([part async for part in await answer("q")])

    assert asyncio.run(everything()) == "ab"
    span = listener.span("answer")
    assert attributes(span)["output.value"] == "ab"
    assert span.end_time_unix_nano - span.start_time_unix_nano > 20_000_000


def test_a_cancelled_coroutine_is_cut_and_not_an_error(listener: Listener, sdk: Runtime) -> None:
    @homeostat.observe
    async def slow() -> None:
        await asyncio.sleep(30)

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow(), 0.01)

    asyncio.run(impatient())
    span = listener.span("slow")
    assert (span.status.code, attributes(span)["homeostat.cut"]) == (0, True)


def test_threads_do_not_mix(listener: Listener, sdk: Runtime) -> None:
    @homeostat.observe(kind="tool")
    def inner(who: str) -> None:
        time.sleep(0.001)

    @homeostat.observe
    def outer(who: str) -> None:
        for _ in range(5):
            inner(who)

    threads = [threading.Thread(target=outer, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sdk.flush(60)
    by_id = {span.span_id: attributes(span)["input.value"] for span in listener.spans}
    inners = [span for span in listener.spans if span.name == "inner"]
    assert len(inners) == 40
    assert all(by_id[span.parent_span_id] == attributes(span)["input.value"] for span in inners)


def test_partials_lambdas_and_objects_that_can_be_called(listener: Listener, sdk: Runtime) -> None:
    class Callable:
        def __call__(self, text: str) -> str:
            return text

    assert homeostat.observe(functools.partial(str.upper))("a") == "A"
    assert homeostat.observe(lambda text: text)("b") == "b"
    assert homeostat.observe(Callable())("c") == "c"
    assert homeostat.observe(len)("four") == 4
    assert sdk.flush(60)
    assert sorted(span.name for span in listener.spans) == ["<lambda>", "Callable", "len", "partial"]


def test_a_value_that_cannot_be_told_harms_nobody(listener: Listener, sdk: Runtime) -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

        __str__ = __repr__

    endless: list[Any] = []
    endless.append(endless)

    @homeostat.observe
    def takes(value: Any) -> Any:
        return value

    rude = Rude()
    assert takes(rude) is rude
    assert takes(endless) is endless
    assert takes("half \ud800") == "half \ud800"
    assert takes(list(range(10**6)))[-1] == 999_999
    assert sdk.flush(60)
    assert sdk.counts().errors >= 1
    assert sdk.counts().dropped == {}


def test_the_current_exchange_can_be_told_more(listener: Listener, sdk: Runtime) -> None:
    @homeostat.observe
    def answer(q: str) -> str:
        ex = homeostat.exchange.current()
        assert ex is not None
        ex.documents = ["30 days", {"id": "a.md", "content": "any reason"}]
        ex.model = "gpt-x"
        ex.input_tokens = 3
        ex.metadata["plan"] = "premium"
        homeostat.signal("thumbs", 1)
        return ex.id

    identity = answer("q")
    told = listener.named("answer")
    assert told["gen_ai.response.model"] == "gpt-x"
    assert told["gen_ai.usage.input_tokens"] == 3
    assert told["plan"] == "premium"
    assert json.loads(told["gen_ai.retrieval.documents"])[1]["id"] == "a.md"
    span = listener.span("answer")
    assert identity == f"{span.trace_id.hex()}-{span.span_id.hex()}"
    assert sdk.flush(60)
    assert [(path, fact["exchange_id"]) for path, fact in listener.facts] == [("signals", identity)]
    assert homeostat.exchange.current() is None
    assert not trace.get_current_span().is_recording()


def test_a_signal_about_nothing_is_told_in_one_line(
    listener: Listener, sdk: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake of the caller's, not of ours; told once."""
    for _ in range(2):
        homeostat.signal("thumbs", 1)
    homeostat.score("relevance", 0.5)
    told = [record for record in caplog.records if record.name.startswith("homeostat")]
    about = "was not taken: name the exchange, trace, session or user that it is about, or say it inside one"
    assert [record.getMessage() for record in told] == [
        f"homeostat: this {kind} {about}" for kind in ("signal", "score")
    ]
    assert all(record.exc_info is None for record in told)
    assert sdk.counts().errors == 3 and sdk.flush(60) and listener.facts == []


def test_switched_off_it_is_the_function_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from homeostat.sdk import state

    monkeypatch.setattr(state, "runtime", None)

    @homeostat.observe
    def answer(q: str) -> str:
        assert not trace.get_current_span().is_recording()
        return q

    assert answer("a") == "a"
    with homeostat.context(user_id="u"), homeostat.exchange("answer") as ex:
        ex.output = "x"
        homeostat.signal("thumbs", 1)
        homeostat.score("relevance", 1.0)
    assert ex.id == ""
    assert homeostat.release("chat", default="a").name == "a"
