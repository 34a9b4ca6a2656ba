"""The doors of remedies: endpoints that the operator named in the settings, and no others. No redirects, no proxies,
bounded answers; what fails is an `OSError`, and what would fail again `Rejected`."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from homeostat.act.remedies import Rejected
from homeostat.config import Settings

_SECONDS: Final = 60.0
#: A whole answer takes at most so long, however steadily it drips.
_WHOLE: Final = 120.0
_MOST_BYTES: Final = 4_000_000
#: What may be answered otherwise a little later, beside what the other side calls an error of its own.
_LATER: Final = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True)
class Door:
    """One endpoint."""

    url: str
    key: str = field(default="", repr=False)
    extra: Mapping[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
        """The JSON of an answer; an empty one is an empty object."""
        sent = {**self.extra, **(headers or {})} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        try:
            with (
                httpx2.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
                client.stream(method, self.url.rstrip("/") + path, content=body or None, headers=sent) as answer,
            ):
                parts, size, end = [], 0, time.monotonic() + _WHOLE
                for part in answer.iter_bytes():
                    size += len(part)
                    if size > _MOST_BYTES:
                        raise OSError("the answer is too long")
                    if time.monotonic() > end:
                        raise OSError("the answer takes too long")
                    parts.append(part)
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            raise OSError(f"it cannot be reached ({type(problem).__name__})") from None
        try:
            told = json.loads(b"".join(parts)) if parts else {}
        except ValueError:
            told = {}
        if answer.status_code >= 300:
            again = answer.status_code >= 500 or answer.status_code in _LATER
            raise (OSError if again else Rejected)(f"it answered {answer.status_code}{_why(told)}")
        return told


def _why(told: Any) -> str:
    """What an answer says of its trouble, as OpenAI's API and those like it say it."""
    error = told.get("error") if isinstance(told, Mapping) else None
    said = error.get("message") if isinstance(error, Mapping) else error
    return f": {said[:150]}" if isinstance(said, str) and said else ""


def tuning(settings: Settings) -> Door | None:
    """The fine-tuning API."""
    return Door(settings.tuning_url, settings.tuning_key) if settings.tuning_url else None


def writer(settings: Settings) -> Door | None:
    """The model that writes drafts of prompts: where judges live, unless another is named."""
    return Door(settings.judge_url, settings.judge_key) if settings.judge_url else None


def upstream(settings: Settings, endpoint: str) -> Door | None:
    """Where a release is answered, when it speaks OpenAI's API and we hold a key."""
    if not endpoint:
        return Door(settings.upstream, settings.upstream_key) if settings.upstream and settings.upstream_key else None
    named = settings.upstreams.get(endpoint)
    if named is None or named.kind != "openai":
        return None
    return Door(named.url, named.key or os.environ.get(named.key_env, ""))


def hooks(settings: Settings) -> dict[str, Door]:
    """Pipelines by name."""
    return {
        name: Door(hook.url, hook.token(), {"accept": "application/json"})
        for name, hook in settings.action_hooks.items()
    }
