"""`homeostat.init`."""

from __future__ import annotations

import logging
import threading
from typing import Final

from homeostat.sdk import state
from homeostat.sdk.outbox import Counts
from homeostat.sdk.settings import Capture, Redactor, chosen, disabled

_log: Final = logging.getLogger("homeostat")
_lock: Final = threading.Lock()


class Monitor:
    """What `init` gives back, for those who want to know more or to wait."""

    def counts(self) -> Counts:
        """What was produced, delivered, is waiting, was dropped and why."""
        return Counts() if state.runtime is None else state.runtime.counts()

    def flush(self, seconds: float = 2.0) -> bool:
        """Wait until everything has left; False when that took longer. The end of a program does it by itself."""
        return True if state.runtime is None else state.runtime.flush(seconds)

    def steered(self, seconds: float = 2.0) -> bool:
        """Wait until the server's policies are here; False when that took longer. For programs that end soon."""
        return False if state.runtime is None else state.runtime.routing.wait(seconds)

    @property
    def enabled(self) -> bool:
        """False when HOMEOSTAT_DISABLED is set."""
        return state.runtime is not None


_monitor: Final = Monitor()


def init(
    url: str | None = None,
    key: str | None = None,
    *,
    service: str | None = None,
    environment: str | None = None,
    capture: Capture | None = None,
    redact: Redactor | None = None,
    sample: float | None = None,
    queue_items: int | None = None,
    queue_bytes: int | None = None,
    exit_seconds: float | None = None,
    cache: str | None = None,
) -> Monitor:
    """Send what is observed to Homeostat. Once is enough, twice does no harm; it never raises and never waits.

    url, key: HOMEOSTAT_URL, HOMEOSTAT_KEY. capture: "full", "redacted" or "off". redact: your own function, given every
    text that leaves. sample: share of sessions. A tracer provider that is there already is used, else one is made.
    """
    with _lock:
        if state.runtime is not None or disabled():
            return _monitor
        try:
            from homeostat.sdk.runtime import Runtime

            state.runtime = Runtime(chosen(
                url=url, key=key, service=service, environment=environment, capture=capture, redact=redact,
                sample=sample, queue_items=queue_items, queue_bytes=queue_bytes, exit_seconds=exit_seconds, cache=cache,
            ))  # fmt: skip
        except Exception:  # an application must start, watched or not
            _log.exception("homeostat: could not start; the application goes on without it")
    return _monitor
