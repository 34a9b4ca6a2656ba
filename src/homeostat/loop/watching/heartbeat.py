"""The dead man's switch: somebody outside hears once a minute that the watch goes on, and tells you when they do not.

What hangs, is killed or loses its network cannot say so itself. Nothing is sent while a step fails or the loader
stands still: silence is the message.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

EVERY: Final = 60.0
_PATIENCE: Final = 10.0


@dataclass
class Heartbeat:
    """Calls `url` (GET) while all is well. Empty: there is none."""

    url: str
    every: float = EVERY
    sent: int = 0
    error: str = ""
    _last: float = field(default=-1e9, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def beat(self, *, well: bool) -> None:
        """Called often; sends when it is time. Never waits: a receiver that hangs holds up nothing."""
        now = time.monotonic()
        if not self.url or not well or now - self._last < self.every:
            return
        if self._thread is not None and self._thread.is_alive():
            return
        self._last = now
        self._thread = threading.Thread(target=self._send, name="heartbeat", daemon=True)
        self._thread.start()

    def state(self) -> dict[str, Any]:
        """For `homeostat doctor`."""
        return {"configured": bool(self.url), "sent": self.sent, "error": self.error}

    def _send(self) -> None:
        # The address may hold a secret: it is in no message and no log.
        try:
            with httpx2.Client(timeout=_PATIENCE, follow_redirects=False, trust_env=False) as client:
                status = client.get(self.url).status_code
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            self.error = f"it cannot be reached ({type(problem).__name__})"
            return
        if status >= 300:
            self.error = f"it answered {status}"
            return
        self.error, self.sent = "", self.sent + 1
