"""Answers that come piece by piece: driven in a context of their own, so that the consumer's stays as it is.

A generator's body runs between the consumer's steps. If it changed the consumer's context, spans of the consumer would
stand below it, and what it opened could be closed somewhere else. So every step runs in the stream's own copy.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from typing import Any, Final, Protocol

from homeostat.sdk.values import text_of
from homeostat.sdk.words import FIRST, OUTPUT, STREAMS

_MOST_CHARS: Final = 1_000_000


class Told(Protocol):
    """Somebody who wants to know what becomes of a stream."""

    def ended(self, parts: Parts) -> None: ...
    def failed(self, error: BaseException, parts: Parts | None = None) -> None: ...


class Parts:
    """The pieces so far, and when the first one came."""

    __slots__ = ("_chars", "_parts", "begun", "first")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.first: float | None = None
        self._parts: list[Any] = []
        self._chars = 0

    def add(self, part: Any) -> None:
        """One more."""
        if self.first is None:
            self.first = time.perf_counter() - self.begun
        if self._chars < _MOST_CHARS:
            self._parts.append(part)
            self._chars += len(part) if isinstance(part, str) else 100

    def attributes(self, output: bool) -> dict[str, Any]:
        """What is known at the end: texts are joined, other pieces are a list."""
        found: dict[str, Any] = {STREAMS: True}
        if self.first is not None:
            found[FIRST] = self.first
        if output and self._parts:
            texts = all(isinstance(part, str) for part in self._parts)
            found[OUTPUT] = text_of("".join(self._parts) if texts else self._parts)
        return found


def generator(
    source: Generator[Any, Any, Any], context: contextvars.Context, told: Told, begun: float
) -> Generator[Any, Any, Any]:
    """The same generator, watched."""
    parts = Parts(begun)
    step: Callable[..., Any] = source.send
    argument: Any = None
    try:
        while True:
            try:
                part = context.run(step, argument)
            except StopIteration as end:
                told.ended(parts)
                return end.value
            parts.add(part)
            try:
                step, argument = source.send, (yield part)
            except GeneratorExit:
                context.run(source.close)
                raise
            except BaseException as error:
                step, argument = source.throw, error
    except BaseException as error:
        told.failed(error, parts)
        raise


async def async_generator(
    source: AsyncGenerator[Any, Any], context: contextvars.Context, told: Told, begun: float
) -> AsyncGenerator[Any, Any]:
    """The same async generator, watched."""
    parts = Parts(begun)
    step: Callable[..., Awaitable[Any]] = source.asend
    argument: Any = None
    try:
        while True:
            try:
                part = await _Inside(context, step(argument))
            except StopAsyncIteration:
                told.ended(parts)
                return
            parts.add(part)
            try:
                step, argument = source.asend, (yield part)
            except GeneratorExit:
                await _Inside(context, source.aclose())
                raise
            except BaseException as error:
                step, argument = source.athrow, error
    except BaseException as error:
        told.failed(error, parts)
        raise


async def coroutine(source: Coroutine[Any, Any, Any], context: contextvars.Context, done: Callable[[Any], Any],
                    failed: Callable[[BaseException], None]) -> Any:  # fmt: skip
    """A coroutine that a plain function returned, watched."""
    try:
        result = await _Inside(context, source)
    except BaseException as error:
        failed(error)
        raise
    return done(result)


class _Inside:
    """Awaits something, every step of it in the given context."""

    __slots__ = ("_awaited", "_context")

    def __init__(self, context: contextvars.Context, awaited: Awaitable[Any]) -> None:
        self._context = context
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        inner: Any = self._awaited.__await__()
        step: Callable[..., Any] = inner.send
        argument: Any = None
        while True:
            try:
                wanted = self._context.run(step, argument)
            except StopIteration as end:
                return end.value
            try:
                step, argument = inner.send, (yield wanted)
            except BaseException as error:
                step, argument = inner.throw, error
