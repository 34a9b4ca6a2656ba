"""What the application chose: arguments of `init`, else the environment, else what suits most."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, cast

Capture = Literal["full", "redacted", "off"]
Redactor = Callable[[str], str]

DEFAULT_URL: Final = "http://127.0.0.1:4400"
#: What can be said in the environment, each as `HOMEOSTAT_<NAME>`.
VARIABLES: Final = ("URL", "KEY", "DISABLED", "ENVIRONMENT", "CAPTURE", "SAMPLE", "CACHE")
_CAPTURES: Final = ("full", "redacted", "off")
_TRUE: Final = ("1", "true", "yes", "on")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the SDK obeys."""

    url: str = DEFAULT_URL
    key: str = ""
    service: str = ""
    environment: str = ""
    capture: Capture = "full"
    """Texts of prompts and answers: as they are; without secrets and personal data; not at all."""
    redact: Redactor | None = None
    """The application's own; called with every text that leaves, after ours."""
    sample: float = 1.0
    """The share of sessions (else users, else traces) that is sent; the same ones in every process."""
    queue_items: int = 4096
    queue_bytes: int = 10 << 20
    """What waits at most, in items and in bytes of memory. More is dropped and counted."""
    exit_seconds: float = 2.0
    """How long the end of the program may wait for what is left."""
    cache: str = ""
    """A file that keeps the last routing document, for a start while the server is away. Empty: none."""


def disabled() -> bool:
    """`HOMEOSTAT_DISABLED=1` makes everything here do nothing."""
    return os.environ.get("HOMEOSTAT_DISABLED", "").strip().lower() in _TRUE


def chosen(
    *,
    url: str | None = None,
    key: str | None = None,
    service: str | None = None,
    environment: str | None = None,
    capture: Capture | None = None,
    redact: Redactor | None = None,
    sample: float | None = None,
    queue_items: int | None = None,
    queue_bytes: int | None = None,
    exit_seconds: float | None = None,
    cache: str | None = None,
) -> Settings:
    """Settings from arguments and the environment. What makes no sense counts as not said."""
    usual = Settings()
    word = (capture or _from_env("CAPTURE")).lower()
    return Settings(
        url=(url or _from_env("URL") or usual.url).rstrip("/"),
        key=key if key is not None else _from_env("KEY"),
        service=service or "",
        environment=environment or _from_env("ENVIRONMENT"),
        capture=cast(Capture, word) if word in _CAPTURES else ("redacted" if word else usual.capture),
        redact=redact,
        sample=min(1.0, max(0.0, _number(sample, "SAMPLE", usual.sample))),
        queue_items=max(1, queue_items or usual.queue_items),
        queue_bytes=max(1, queue_bytes or usual.queue_bytes),
        exit_seconds=max(0.0, usual.exit_seconds if exit_seconds is None else exit_seconds),
        cache=cache if cache is not None else _from_env("CACHE"),
    )


def _from_env(name: str) -> str:
    return os.environ.get(f"HOMEOSTAT_{name}", "").strip()


def _number(given: float | None, name: str, usual: float) -> float:
    if given is not None:
        return given
    try:
        return float(_from_env(name) or usual)
    except ValueError:
        return usual
