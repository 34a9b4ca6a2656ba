"""Our own wrappers for the clients of OpenAI and Anthropic: one place that every call of theirs goes through.

Whatever goes wrong here, the client's call goes on as if we were not there.
"""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib import import_module
from typing import Any, Final

from opentelemetry import context as ambient
from opentelemetry.trace import Span, SpanKind, set_span_in_context

from homeostat.sdk import state
from homeostat.sdk.instruments.reading import Chat, Embeddings, Messages, Responses, asked, known
from homeostat.sdk.pieces import failed
from homeostat.sdk.runtime import Runtime
from homeostat.sdk.values import attribute_of
from homeostat.sdk.words import FIRST, OPERATION, STREAMS

Reading = Chat | Responses | Embeddings | Messages

#: Library, its provider's name, and what its paths end with.
CLIENTS: Final[dict[str, dict[str, Reading]]] = {
    "openai": {"/chat/completions": Chat(), "/responses": Responses(), "/embeddings": Embeddings()},
    "anthropic": {"/messages": Messages()},
}
_MARK: Final = "_homeostat"


def wrap(library: str) -> bool:
    """Have all calls of a library's clients told; False when it is not as we know it."""
    try:
        base = import_module(f"{library}._base_client")
        plain, later = base.SyncAPIClient, base.AsyncAPIClient
        if not hasattr(plain.request, _MARK):
            plain.request = _plain(plain.request, library)
            later.request = _later(later.request, library)
    except (ImportError, AttributeError):
        return False
    return True


def unwrap(library: str) -> None:
    """Put back what was there."""
    base = import_module(f"{library}._base_client")
    for owner in (base.SyncAPIClient, base.AsyncAPIClient):
        owner.request = getattr(owner.request, "__wrapped__", owner.request)


def _plain(original: Any, library: str) -> Any:
    @functools.wraps(original)
    def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        call = Call.begin(library, options)
        if call is None:
            return original(self, cast_to, options, *args, **kwargs)
        token = call.enter()
        try:
            result = original(self, cast_to, options, *args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            call.leave(token)
        call.returned(result)
        return result

    setattr(request, _MARK, True)
    return request


def _later(original: Any, library: str) -> Any:
    @functools.wraps(original)
    async def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        call = Call.begin(library, options)
        if call is None:
            return await original(self, cast_to, options, *args, **kwargs)
        token = call.enter()
        try:
            result = await original(self, cast_to, options, *args, **kwargs)
        except BaseException as error:
            call.failed(error)
            raise
        finally:
            call.leave(token)
        call.returned(result)
        return result

    setattr(request, _MARK, True)
    return request


class Call:
    """One call of a client. None of its methods raises."""

    def __init__(self, runtime: Runtime, reading: Reading, span: Span) -> None:
        self._runtime = runtime
        self._reading = reading
        self._span: Span | None = span
        self._begun = time.perf_counter()
        self._first: float | None = None

    @classmethod
    def begin(cls, library: str, options: Any) -> Call | None:
        """None when nothing is to be told."""
        runtime = state.runtime
        if runtime is None:
            return None
        try:
            return cls._begin(runtime, library, options)
        except Exception:  # the application comes first
            runtime.mistake("instrument")
            return None

    @classmethod
    def _begin(cls, runtime: Runtime, library: str, options: Any) -> Call | None:
        body = options.json_data
        reading = next((each for end, each in CLIENTS[library].items() if options.url.endswith(end)), None)
        if reading is None or not isinstance(body, Mapping) or options.method.lower() != "post":
            return None
        if ambient.get_value(ambient._SUPPRESS_INSTRUMENTATION_KEY):
            return None
        attributes = {OPERATION: reading.operation, "gen_ai.provider.name": library, **asked(body)}
        if runtime.captures:
            attributes |= {key: attribute_of(value) for key, value in known(reading.request(body)).items()}
        name = f"{reading.operation} {attributes.get('gen_ai.request.model', '')}".strip()
        return cls(runtime, reading, runtime.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes))

    def enter(self) -> Any:
        """What happens inside (retries, HTTP) stands below it."""
        return ambient.attach(set_span_in_context(self._span)) if self._span is not None else None

    def leave(self, token: Any) -> None:
        """Before the caller goes on."""
        if token is not None:
            ambient.detach(token)

    def failed(self, error: BaseException) -> None:
        """The client gave up."""
        if self._span is not None:
            self._guarded(failed, self._span, error)
            self._end()

    def returned(self, result: Any) -> None:
        """An answer, whole or as a stream."""
        self._guarded(self._returned, result)

    def _returned(self, result: Any) -> None:
        if hasattr(result, "http_response") and hasattr(result, "parse"):
            self._raw(result)
        elif hasattr(result, "__stream__"):
            self._stream(result)
        else:
            self._whole(*self._reading.answer(result))

    def _raw(self, result: Any) -> None:
        """`with_raw_response`: the caller reads it himself. What is here already is told, a stream when it is made."""
        response = result.http_response
        if "event-stream" not in response.headers.get("content-type", ""):
            self._whole(*self._reading.answer(response.json() if response.is_closed else None))
            return
        original = result.parse

        def parse(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            if hasattr(made, "__stream__") and self._span is not None:
                self._guarded(self._stream, made)
            return made

        result.parse = parse

    def _stream(self, stream: Any) -> None:
        """The client's own object stays; only what it takes its pieces from is watched."""
        parts = self._reading.parts()
        source = stream._iterator
        if parts is None:
            self._end()
        elif hasattr(source, "__anext__"):
            stream._iterator = _WatchedLater(self, source, parts)
        else:
            stream._iterator = _Watched(self, source, parts)

    def piece(self, parts: Any, piece: Any) -> None:
        """One more piece of a stream."""
        if self._guarded(parts.add, piece) and self._first is None:
            self._first = time.perf_counter() - self._begun

    def ended(self, parts: Any, cut: bool = False) -> None:
        """No more pieces."""
        span = self._span
        if span is not None:
            self._guarded(span.set_attribute, STREAMS, True)
            if self._first is not None:
                self._guarded(span.set_attribute, FIRST, self._first)
            if cut:
                self._guarded(span.set_attribute, "homeostat.cut", True)
            found = self._guarded(parts.answer)
            self._whole(*(found or ({}, {})))

    def _whole(self, told: dict[str, Any], texts: dict[str, Any]) -> None:
        if self._span is not None:
            more = known(texts) if self._runtime.captures else {}
            self._guarded(self._span.set_attributes, told | {key: attribute_of(each) for key, each in more.items()})
            self._end()

    def _end(self) -> None:
        span, self._span = self._span, None
        if span is not None:
            span.end()

    def _guarded(self, action: Any, *args: Any) -> Any:
        try:
            return action(*args)
        except Exception:  # the application comes first
            self._runtime.mistake("instrument")
            return None


class _Watched:
    """Pieces of a stream on their way to the caller."""

    def __init__(self, call: Call, source: Iterator[Any], parts: Any) -> None:
        self._call, self._source, self._parts = call, source, parts

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            piece = next(self._source)
        except StopIteration:
            self._call.ended(self._parts)
            raise
        except BaseException as error:
            self._call.failed(error)
            raise
        self._call.piece(self._parts, piece)
        return piece

    def close(self) -> None:
        """The caller does not want the rest."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()
        self._call.ended(self._parts, cut=True)

    def __del__(self) -> None:
        self._call.ended(self._parts, cut=True)


class _WatchedLater:
    """The same for async code."""

    def __init__(self, call: Call, source: AsyncIterator[Any], parts: Any) -> None:
        self._call, self._source, self._parts = call, source, parts

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            piece = await self._source.__anext__()
        except StopAsyncIteration:
            self._call.ended(self._parts)
            raise
        except BaseException as error:
            self._call.failed(error)
            raise
        self._call.piece(self._parts, piece)
        return piece

    async def aclose(self) -> None:
        """The caller does not want the rest."""
        close = getattr(self._source, "aclose", None)
        if close is not None:
            await close()
        self._call.ended(self._parts, cut=True)

    def __del__(self) -> None:
        self._call.ended(self._parts, cut=True)
