"""One open piece of work: a span, where it stands in the context, and what is known when it ends."""

from __future__ import annotations

from contextvars import Token
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, get_current
from opentelemetry.context.context import Context
from opentelemetry.trace import Span, StatusCode, Tracer, format_span_id, format_trace_id
from opentelemetry.trace.propagation import _SPAN_KEY

from homeostat.sdk.ambient import OPEN, SAID
from homeostat.sdk.words import ERROR, TAGS

if TYPE_CHECKING:
    from homeostat.sdk.ambient import Opened

_NOT_WANTED = ("GeneratorExit", "CancelledError")


def begin(tracer: Tracer, name: str, attributes: dict[str, Any], opened: Opened) -> tuple[Span, Token[Context]]:
    """A span below whatever is open here, and everything from now on below it.

    The context is looked up once and copied once: each of OpenTelemetry's own steps would do both.
    """
    here = get_current()
    said: Any = here.get(SAID)
    span = tracer.start_span(name, here, attributes={**said, **attributes} if said else attributes)
    above: Any = here.get(OPEN)
    opened.root = opened if above is None else above.root
    return span, attach(Context({**here, _SPAN_KEY: span, OPEN: opened}))


def say_inside(attributes: dict[str, Any]) -> Token[Context]:
    """Have all spans from now on get these attributes, and those that they get already."""
    here = get_current()
    before: Any = here.get(SAID)
    if before:
        if TAGS in before and TAGS in attributes:
            attributes[TAGS] = list(dict.fromkeys([*before[TAGS], *attributes[TAGS]]))
        attributes = {**before, **attributes}
    return attach(Context({**here, SAID: attributes}))


def id_of(span: Span) -> str:
    """The id of the exchange that this span tells; empty when the span tells nothing."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}"


def failed(span: Span, error: BaseException) -> None:
    """The work ended with an error. A stream that is no longer wanted, or a cancelled task, is none."""
    kind = type(error)
    if kind.__name__ in _NOT_WANTED:
        span.set_attribute("homeostat.cut", True)
        return
    span.set_attribute(ERROR, kind.__qualname__)
    span.record_exception(error)
    span.set_status(StatusCode.ERROR, str(error)[:1000] or kind.__qualname__)
