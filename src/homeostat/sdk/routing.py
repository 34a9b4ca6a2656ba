"""The routing document of the server, kept fresh by a thread; whoever asks is answered from memory, at once."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from homeostat.records import policy as policies
from homeostat.records import release as releases
from homeostat.records.policy import Policy
from homeostat.records.release import Release
from homeostat.sdk.post import Post
from homeostat.sdk.settings import Settings

_log: Final = logging.getLogger("homeostat")
_PATH: Final = "/api/v1/routing"
_WAIT: Final = 25
_PATIENCE: Final = 15.0
"""Seconds beyond the wait that was asked for."""
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 5.0
_NO_ROUTE_PAUSE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Document:
    """What the server said last, as records."""

    version: str = ""
    routes: Mapping[str, Policy] = field(default_factory=dict)
    releases: Mapping[str, Release] = field(default_factory=dict)

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Document:
        """Of the JSON; raises what a wrong document raises."""
        return cls(
            str(said["version"]),
            {route: policies.from_json(each) for route, each in said["routes"].items()},
            {name: releases.from_json(each) for name, each in said["releases"].items()},
        )


class Routing:
    """The last known document. The thread starts with the first question."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cache = Path(settings.cache) if settings.cache else None
        self.document = self._remembered()
        self.forked()

    def forked(self) -> None:
        """In a new process: the document stays, the thread starts again."""
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._answered = threading.Event()

    def now(self) -> Document:
        """What is known; never waits."""
        if self._thread is None:
            self._begin()
        return self.document

    def wait(self, seconds: float) -> bool:
        """Wait for the server's first answer; False: it took longer."""
        self.now()
        return self._answered.wait(seconds)

    def stop(self) -> None:
        """No more questions."""
        self._stop.set()

    def _begin(self) -> None:
        with self._start:
            if self._thread is None and not self._stop.is_set():
                thread = threading.Thread(target=self._follow, name="homeostat-routing", daemon=True)
                thread.start()
                self._thread = thread

    def _follow(self) -> None:
        from opentelemetry import context

        context.attach(context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, True))
        post = Post(self._settings)
        pause = _FIRST_PAUSE
        asked_before = False
        while not self._stop.is_set():
            begun = time.monotonic()
            # The first question wants an answer at once, whatever a file remembers.
            known = asked_before and self.document.version
            parameters = {"after": known, "wait": str(_WAIT)} if known else {}
            answer = post.get(_PATH, parameters, _WAIT + _PATIENCE)
            if answer.said == "done":
                asked_before = True
                pause = _FIRST_PAUSE
                news = self._took(answer.body)
                self._answered.set()
                if not news and time.monotonic() - begun < 1:
                    self._stop.wait(1)  # a server that does not wait is not asked without end
                continue
            self._stop.wait(_NO_ROUTE_PAUSE if answer.said == "never" else answer.wait or pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _took(self, body: bytes) -> bool:
        """Whether there is something new."""
        if not body:
            return False
        try:
            document = Document.read(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("homeostat: the routing document cannot be read (%s); the last one stays", error)
            return False
        if document == self.document:
            return False
        self.document = document
        self._remember(body)
        return True

    def _remember(self, body: bytes) -> None:
        """Keep it for a start while the server is away. Prompts are nobody else's business: 0600."""
        if self._cache is None:
            return
        try:
            told = json.dumps({"url": self._settings.url, "document": json.loads(body)})
            new = self._cache.with_name(f"{self._cache.name}.{os.getpid()}")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(told)
            new.replace(self._cache)
        except OSError as error:
            _log.warning("homeostat: %s cannot be written: %s", self._cache, error)

    def _remembered(self) -> Document:
        if self._cache is None:
            return Document()
        try:
            told = json.loads(self._cache.read_text())
            return Document.read(told["document"]) if told["url"] == self._settings.url else Document()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Document()
