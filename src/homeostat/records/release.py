"""A release: one immutable configuration that answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Release:
    """What answers: model, prompt, parameters, endpoint. Fields that are empty leave the request as it came."""

    name: str
    model: str = ""
    model_version: str = ""
    """What the provider is expected to say that it answered with; empty: anything."""
    endpoint: str = ""
    """The upstream that serves it, by the name that the operator gave it; empty: the default one."""
    prompt_name: str = ""
    prompt_version: int = 0
    system: str = ""
    """The system prompt, whole: a template with `{{name}}` variables."""
    examples: tuple[Mapping[str, str], ...] = ()
    """Few-shot messages, `{"role", "content"}`, put between the system prompt and the conversation."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """`temperature`, `max_tokens` …, as the provider's API spells them; they win over the request's."""
    fallbacks: tuple[str, ...] = ()
    """Releases tried in this order when this one's upstream fails before its first byte; three at most."""
    implicit: bool = False
    """Nobody announced it: it was seen in traffic."""

    @property
    def digest(self) -> str:
        """Equal for two releases that would answer alike, whatever they are called."""
        said = as_json(self)
        del said["name"], said["implicit"]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def as_json(release: Release) -> dict[str, Any]:
    """The one shape of a release, in the API, in the control snapshot and in the SDK."""
    prompt = {"name": release.prompt_name, "version": release.prompt_version} if release.prompt_name else None
    return {
        "name": release.name,
        "model": release.model,
        "model_version": release.model_version,
        "endpoint": release.endpoint,
        "prompt": prompt,
        "system": release.system,
        "examples": [dict(example) for example in release.examples],
        "parameters": dict(release.parameters),
        "fallbacks": list(release.fallbacks),
        "implicit": release.implicit,
    }


def from_json(said: Mapping[str, Any]) -> Release:
    """Read `as_json` back; fields of a later version are left alone."""
    prompt = said.get("prompt") or {}
    return Release(
        name=str(said["name"]),
        model=str(said.get("model", "")),
        model_version=str(said.get("model_version", "")),
        endpoint=str(said.get("endpoint", "")),
        prompt_name=str(prompt.get("name", "")),
        prompt_version=int(prompt.get("version", 0)),
        system=str(said.get("system", "")),
        examples=tuple({str(key): str(value) for key, value in each.items()} for each in said.get("examples", ())),
        parameters=dict(said.get("parameters", {})),
        fallbacks=tuple(str(name) for name in said.get("fallbacks", ())),
        implicit=bool(said.get("implicit", False)),
    )
