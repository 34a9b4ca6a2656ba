"""What `init` makes: tracer, queue and sender, and that they outlive forks and end in time."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from homeostat.sdk import pieces
from homeostat.sdk.outbox import Counts, Outbox
from homeostat.sdk.processor import Collector
from homeostat.sdk.sender import Sender
from homeostat.sdk.settings import Settings
from homeostat.sdk.words import ENVIRONMENT

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context.context import Context
    from opentelemetry.trace import Span

    from homeostat.sdk.ambient import Opened
    from homeostat.sdk.routing import Routing

_log: Final = logging.getLogger("homeostat")
SCOPE: Final = "homeostat.sdk"
_FACT_BYTES: Final = 1500


class Runtime:
    """All that lives while Homeostat is on. There is one in a process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.outbox = Outbox(settings.queue_items, settings.queue_bytes)
        self.sender = Sender(self.outbox, settings)
        self.captures = settings.capture != "off"
        self.own_provider = False
        self._said_mistakes: set[str] = set()
        self._routing: Routing | None = None
        self._routing_lock = threading.Lock()
        self.provider = self._provider()
        self.provider.add_span_processor(Collector(self.outbox, self.sender, settings.sample))
        self.tracer = self.provider.get_tracer(SCOPE)
        os.register_at_fork(after_in_child=self._forked)
        atexit.register(self.close)

    def _provider(self) -> TracerProvider:
        """The application's own, if it has one that takes processors; else ours, for everybody."""
        there: Any = trace.get_tracer_provider()
        if hasattr(there, "add_span_processor") and hasattr(there, "get_tracer"):
            return there  # type: ignore[no-any-return]
        provider = TracerProvider(resource=self._resource())
        self.own_provider = True
        if isinstance(there, trace.ProxyTracerProvider):
            trace.set_tracer_provider(provider)
        return provider

    def _resource(self) -> Resource:
        said: dict[str, Any] = {}
        if self.settings.service:
            said["service.name"] = self.settings.service
        if self.settings.environment:
            said[ENVIRONMENT] = self.settings.environment
        return Resource.create(said)

    @property
    def routing(self) -> Routing:
        """The routing document of the server, kept fresh; starts at first use."""
        with self._routing_lock:
            if self._routing is None:
                from homeostat.sdk.routing import Routing

                self._routing = Routing(self.settings)
            return self._routing

    say_inside = staticmethod(pieces.say_inside)
    failed = staticmethod(pieces.failed)
    id_of = staticmethod(pieces.id_of)

    def begin(self, name: str, attributes: dict[str, Any], opened: Opened) -> tuple[Span, Token[Context]]:
        """Open a piece of work."""
        return pieces.begin(self.tracer, name, attributes, opened)

    def say(self, kind: Any, fact: dict[str, Any]) -> None:
        """Queue a signal or score."""
        self.sender.start()
        self.outbox.put(kind, fact, _FACT_BYTES + sum(len(v) for v in fact.values() if isinstance(v, str)))

    def mistake(self, where: str) -> None:
        """Something of ours failed and the application was spared; counted, and told once for each place."""
        self.outbox.errors += 1
        if where not in self._said_mistakes:
            self._said_mistakes.add(where)
            _log.warning("homeostat: %s failed; the application goes on", where, exc_info=True)

    def misused(self, where: str, why: str) -> None:
        """Something was told that cannot be taken; counted, and told in one line once for each place."""
        self.outbox.errors += 1
        if (told := f"{where}, {why}") not in self._said_mistakes:
            self._said_mistakes.add(told)
            _log.warning("homeostat: this %s was not taken: %s", where, why)

    def counts(self) -> Counts:
        """What became of everything so far."""
        return self.outbox.counts()

    def flush(self, seconds: float = 2.0) -> bool:
        """Wait until all that was told has left; False when that took too long."""
        return self.sender.flush(seconds)

    def close(self) -> None:
        """The end of the program: what leaves in time has left."""
        try:
            self.sender.stop(self.settings.exit_seconds)
            if self._routing is not None:
                self._routing.stop()
        except Exception:  # nobody can act on it any more
            return

    def _forked(self) -> None:
        """In a child: what was queued is the parent's; threads start again when there is something to do."""
        self.outbox.reset()
        self.sender.reset()
        self._routing_lock = threading.Lock()
        if self._routing is not None:
            self._routing.forked()
