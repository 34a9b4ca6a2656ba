"""`homeostat.exchange`: a block of code that is one prompt and its response."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextvars import Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from homeostat.sdk import state
from homeostat.sdk.ambient import leave, opened
from homeostat.sdk.values import attribute_of, text_of
from homeostat.sdk.words import (
    DOCUMENTS,
    FIRST,
    INPUT,
    OPERATION,
    OPERATIONS,
    OUTPUT,
    RELEASE,
    SESSION,
    TAGS,
    USER,
    Kind,
)

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from homeostat.sdk.ambient import Opened
    from homeostat.sdk.runtime import Runtime

_NUMBERS: Final = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cost": "gen_ai.usage.cost",
}
_TEXTS: Final = {
    "model": "gen_ai.response.model",
    "provider": "gen_ai.provider.name",
    "release": RELEASE,
    "user_id": USER,
    "session_id": SESSION,
}


class exchange:  # used as a function: `with homeostat.exchange("answer") as ex`
    """One prompt and its response. `id` is known at once; what is set on it is told when the block ends."""

    def __init__(self, name: str = "answer", *, input: object = None, kind: Kind = "answer", **about: Any) -> None:
        """`about`: model, provider, release, user_id, session_id, input_tokens, output_tokens, cost, tags, metadata."""
        self.id = ""
        self.name = name
        self.kind = kind
        self.input = input
        self.output: object = None
        self.documents: Sequence[object] | None = None
        self.model = ""
        self.provider = ""
        self.release = ""
        self.user_id = ""
        self.session_id = ""
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.cached_tokens: int | None = None
        self.cost: float | None = None
        self.tags: Sequence[str] = ()
        self.metadata: dict[str, Any] = {}
        self.root: Opened = self
        self._runtime: Runtime | None = None
        self._span: Span | None = None
        self._token: Token[Any] | None = None
        self._begun = 0.0
        self._first: float | None = None
        for key, value in about.items():
            self._set(key, value)

    @staticmethod
    def current() -> exchange | None:
        """The exchange that is open here: inside its block, or inside a function that is observed."""
        found = opened() if state.runtime is not None else None
        return found if found is None or isinstance(found, exchange) else found.exchange()  # type: ignore[attr-defined]

    @property
    def trace_id(self) -> str:
        """The first part of the id."""
        return self.id.partition("-")[0]

    def first_token(self) -> None:
        """The first piece of the answer is here: the time to it is told."""
        if self._first is None:
            self._first = time.perf_counter() - self._begun

    def __enter__(self) -> exchange:
        runtime = self._runtime = state.runtime
        if runtime is not None:
            try:
                self._open(runtime)
            except Exception:  # the application comes first
                runtime.mistake("exchange")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        runtime = self._runtime
        if runtime is None or self._span is None:
            return
        try:
            self._close(runtime, self._span, error)
        except Exception:  # as above
            runtime.mistake("exchange")

    async def __aenter__(self) -> exchange:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _open(self, runtime: Runtime) -> None:
        attributes = {OPERATION: OPERATIONS.get(self.kind, self.kind)}
        self._span, self._token = runtime.begin(self.name, attributes, self)
        self._begun = time.perf_counter()
        self.id = runtime.id_of(self._span)

    def _close(self, runtime: Runtime, span: Span, error: BaseException | None) -> None:
        try:
            if error is not None:
                runtime.failed(span, error)
            span.set_attributes(self.attributes(runtime.captures))
        finally:
            leave(self._token)
            span.end()

    def attributes(self, captures: bool) -> dict[str, Any]:
        """What was set on it, as attributes."""
        found = {str(key): attribute_of(value) for key, value in self.metadata.items()}
        found |= {key: value for name, key in _NUMBERS.items() if (value := getattr(self, name)) is not None}
        found |= {key: str(value) for name, key in _TEXTS.items() if (value := getattr(self, name))}
        if self.tags:
            found[TAGS] = [str(tag) for tag in self.tags]
        if self._first is not None:
            found[FIRST] = self._first
        if captures:
            texts = ((INPUT, self.input), (OUTPUT, self.output), (DOCUMENTS, self._documents()))
            found |= {key: text_of(value) for key, value in texts if value is not None}
        return found

    def _documents(self) -> list[object] | None:
        """Snippets as the server reads them: maps with a text, an id and a score where they have them."""
        if not self.documents:
            return None
        return [dict(each) if isinstance(each, Mapping) else {"content": str(each)} for each in self.documents]

    def _set(self, name: str, value: Any) -> None:
        """A field of ours, or metadata."""
        if name in (*_NUMBERS, *_TEXTS, "tags", "documents", "output"):
            setattr(self, name, value)
        elif name == "metadata" and isinstance(value, Mapping):
            self.metadata.update(value)
        else:
            self.metadata[name] = value
