"""One open piece of work: a span, where it stands in the context, and what is known when it ends."""

from __future__ import annotations

from contextvars import Token
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, get_current, get_value, set_value
from opentelemetry.context.context import Context
from opentelemetry.trace import Span, StatusCode, format_span_id, format_trace_id, set_span_in_context

from homeostat.sdk.ambient import OPEN
from homeostat.sdk.words import ERROR

if TYPE_CHECKING:
    from homeostat.sdk.ambient import Opened

_NOT_WANTED = ("GeneratorExit", "CancelledError")


def enter(span: Span, opened: Opened) -> Token[Context]:
    """Make it the place below which everything else stands."""
    here = get_current()
    above: Any = get_value(OPEN, here)
    opened.root = opened if above is None else above.root
    return attach(set_value(OPEN, opened, set_span_in_context(span, here)))


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
