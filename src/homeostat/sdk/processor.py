"""The span processor that goes into the application's tracer provider, whoever made that."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from opentelemetry.context import Context, get_value
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from homeostat.sdk.ambient import SAID
from homeostat.sdk.outbox import Outbox
from homeostat.sdk.sender import Sender
from homeostat.sdk.words import SESSION, USER

_SPAN_BYTES: Final = 3000
"""What a span weighs in memory without its texts, measured."""
_VALUE_BYTES: Final = 100
_WHOLE: Final = 1 << 32


class Collector(SpanProcessor):
    """Gives every span what `context` said, and queues it when it ends."""

    def __init__(self, outbox: Outbox, sender: Sender, sample: float) -> None:
        self._outbox = outbox
        self._sender = sender
        self._sample = sample

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Attributes of the block that it starts in."""
        try:
            said: Any = get_value(SAID, parent_context)
            if said:
                has: Any = getattr(span._attributes, "_dict", {})
                if not said.keys() <= has.keys():  # our own spans have them from the start
                    span.set_attributes(said)
        except Exception:  # the application comes first
            self._outbox.errors += 1

    def on_end(self, span: ReadableSpan) -> None:
        """Queue it, or count why not."""
        try:
            context = span.context
            if context is None or not context.trace_flags.sampled:
                return
            attributes = span._attributes  # its public view copies the whole at every look
            attributes = getattr(attributes, "_dict", attributes) or {}
            if self._sample < 1 and not kept(attributes, context.trace_id, self._sample):
                self._outbox.skip("sampled")
                return
            if not self._sender.started:
                self._sender.start()
            self._outbox.put("span", span, _size(attributes, span))
        except Exception:  # as above
            self._outbox.errors += 1

    def shutdown(self) -> None:
        """The provider ends: what is left goes out."""
        self.force_flush()

    def force_flush(self, timeout_millis: int = 2000) -> bool:
        """Wait for what is queued."""
        return self._sender.flush(timeout_millis / 1000)


def kept(attributes: Any, trace_id: int, share: float) -> bool:
    """Whether this session (else user, else trace) belongs to the share that is sent. Every process says the same."""
    unit = attributes.get(SESSION) or attributes.get(USER) or f"{trace_id:032x}"
    drawn = int.from_bytes(hashlib.blake2b(str(unit).encode(), digest_size=4).digest(), "big")
    return drawn < share * _WHOLE


def _size(attributes: Any, span: ReadableSpan) -> int:
    size = _SPAN_BYTES
    for value in attributes.values():
        if type(value) is str:
            size += value.__sizeof__()  # letters may take up to four bytes each
        elif type(value) is tuple:
            size += _VALUE_BYTES * len(value)
    for event in span._events or ():
        size += 1000 + sum(value.__sizeof__() for value in (event.attributes or {}).values() if isinstance(value, str))
    return size
