"""`homeostat.observe`: functions, coroutines, generators and async generators as exchanges.

What happens before and after is written once (`_Work`); the four kinds of functions differ only in how they are driven.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
from collections.abc import Callable
from time import perf_counter
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar, overload

from homeostat.sdk import state, streams
from homeostat.sdk.ambient import leave
from homeostat.sdk.exchanges import exchange
from homeostat.sdk.values import attribute_of, text_of
from homeostat.sdk.words import INPUT, OPERATION, OPERATIONS, OUTPUT, Kind

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from homeostat.sdk.ambient import Opened
    from homeostat.sdk.runtime import Runtime
    from homeostat.sdk.streams import Parts

P = ParamSpec("P")
R = TypeVar("R")
Capture = bool | Literal["input", "output"]
_LATER: Final = (GeneratorType, AsyncGeneratorType, CoroutineType)
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@overload
def observe(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def observe(
    *, name: str | None = None, kind: Kind = "answer", capture: Capture = True, **attributes: Any
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def observe(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    kind: Kind = "answer",
    capture: Capture = True,
    **attributes: Any,
) -> Any:
    """Tell every call of a function: what it got, what it gave, how long it took, how it failed.

    `@observe` or `@observe(name=…, kind="tool", capture="output", plan="premium")`.
    """

    def decorate(target: Callable[..., Any]) -> Any:
        if isinstance(target, classmethod | staticmethod):
            return type(target)(decorate(target.__func__))
        return _wrapped(target, _Plan(target, name, kind, capture, attributes))

    return decorate if function is None else decorate(function)


class _Plan:
    """What is known of a function when it is decorated."""

    __slots__ = ("attributes", "input", "name", "names", "output")

    def __init__(
        self, target: Callable[..., Any], name: str | None, kind: str, capture: Capture, more: dict[str, Any]
    ) -> None:
        self.name: str = name or str(getattr(target, "__name__", type(target).__name__))
        self.input = capture in (True, "input")
        self.output = capture in (True, "output")
        self.names = _names(target)
        self.attributes = {OPERATION: OPERATIONS.get(kind, kind)}
        self.attributes |= {key: attribute_of(value) for key, value in more.items()}

    def input_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
        """The arguments: a lone text as it is, else JSON by name."""
        if len(args) == 1 and not kwargs and type(args[0]) is str and self.names and self.names[0]:
            return text_of(args[0])
        named = {name: value for name, value in zip(self.names, args, strict=False) if name}
        if len(args) > len(self.names):
            named["args"] = args[len(self.names) :]
        named.update(kwargs)
        if len(named) == 1:
            (value,) = named.values()
            if isinstance(value, str):
                return text_of(value)
        return text_of(named) if named else None


def _names(target: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the positional parameters; the object that a method belongs to has none."""
    try:
        parameters = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        return ()
    names = [each.name for each in parameters if each.kind in _POSITIONAL]
    if names and names[0] in ("self", "cls"):
        names[0] = ""
    return tuple(names)


class _Work:
    """One call of an observed function."""

    __slots__ = ("_begun", "_bound", "_plan", "_runtime", "_span", "_token", "root")

    def __init__(self, runtime: Runtime, plan: _Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._runtime = runtime
        self._plan = plan
        self._span: Span | None = None
        self._token: contextvars.Token[Any] | None = None
        self._bound: exchange | None = None
        self.root: Opened = self
        try:
            attributes = plan.attributes
            if plan.input and runtime.captures:
                text = plan.input_of(args, kwargs)
                if text is not None:
                    attributes = {**attributes, INPUT: text}
            self._span, self._token = runtime.begin(plan.name, attributes, self)
            self._begun = perf_counter()
        except Exception:  # the application comes first
            runtime.mistake("observe")

    @property
    def id(self) -> str:
        """The id of its exchange."""
        return "" if self._span is None else self._runtime.id_of(self._span)

    def exchange(self) -> exchange:
        """The same as something to set fields on, told when the function ends."""
        if self._bound is None:
            bound = self._bound = exchange(self._plan.name)
            bound.id, bound.root = self.id, self.root
        return self._bound

    def returned(self, result: Any) -> Any:
        """It went well; what it gave, watched if that is a stream."""
        if type(result) in _LATER:
            return self._later(result)
        self._end({OUTPUT: result} if self._plan.output and result is not None and self._runtime.captures else {})
        return result

    def ended(self, parts: Parts) -> None:
        """The stream is at its end."""
        self._end(parts.attributes(self._captures_output()))

    def failed(self, error: BaseException, parts: Parts | None = None) -> None:
        """It went wrong, maybe in the middle of a stream."""
        span = self._span
        if span is not None:
            try:
                self._runtime.failed(span, error)
            except Exception:  # as above
                self._runtime.mistake("observe")
        self._end({} if parts is None else parts.attributes(self._captures_output()))

    def _captures_output(self) -> bool:
        return self._plan.output and self._runtime.captures

    def _later(self, result: Any) -> Any:
        """A generator or coroutine: the work goes on, in a context that is a copy of this one."""
        context = contextvars.copy_context()
        leave(self._token)
        self._token = None
        if isinstance(result, GeneratorType):
            return streams.generator(result, context, self, self._begun)
        if isinstance(result, AsyncGeneratorType):
            return streams.async_generator(result, context, self, self._begun)
        return streams.coroutine(result, context, self.returned, self.failed)

    def _end(self, attributes: dict[str, Any]) -> None:
        span = self._span
        if span is None:
            return
        self._span = None
        try:
            for key, value in attributes.items():
                span.set_attribute(key, text_of(value) if key == OUTPUT else value)
            if self._bound is not None:
                span.set_attributes(self._bound.attributes(self._runtime.captures))
        except Exception:  # as above
            self._runtime.mistake("observe")
        leave(self._token)
        span.end()


def _wrapped(function: Callable[..., Any], plan: _Plan) -> Callable[..., Any]:
    """The function as it was, told about. Two shapes only: a generator is what a plain function returns."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def watched_coroutine(*args: Any, **kwargs: Any) -> Any:
            runtime = state.runtime
            if runtime is None:
                return await function(*args, **kwargs)
            work = _Work(runtime, plan, args, kwargs)
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                work.failed(error)
                raise
            return work.returned(result)

        return watched_coroutine

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        runtime = state.runtime
        if runtime is None:
            return function(*args, **kwargs)
        work = _Work(runtime, plan, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            work.failed(error)
            raise
        return work.returned(result)

    return watched
