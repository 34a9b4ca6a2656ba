"""A release laid over a request. What the release does not say stays as it came; nothing to change: the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from homeostat.gateway.apis import Api
from homeostat.gateway.routing import Asked
from homeostat.records.release import Release
from homeostat.records.template import render

#: Parameters that say who is asked, what is asked, or how the answer travels: a release may not set them.
_NOT_PARAMETERS: Final = frozenset(("messages", "input", "stream", "homeostat", "user", "model"))
_LEADING: Final = ("system", "developer")


def applied(api: Api, body: bytes, ask: Asked, release: Release | None) -> bytes:
    """The body that the upstream gets."""
    if not ask.readable or not (ask.ours or (release is not None and _says_something(api, release, ask))):
        return body
    said: dict[str, Any] = msgspec.json.decode(body)
    said.pop("homeostat", None)
    if release is not None:
        _lay_over(api, said, release, ask.variables)
    return msgspec.json.encode(said)


def _says_something(api: Api, release: Release, ask: Asked) -> bool:
    prompt = api.operation == "chat" and (release.system or release.examples)
    return bool(prompt or release.parameters or (release.model and release.model != ask.model))


def _lay_over(api: Api, said: dict[str, Any], release: Release, variables: Mapping[str, Any]) -> None:
    if release.model:
        said["model"] = release.model
    if api.name == "count_tokens":
        parameters: Mapping[str, Any] = {}
    else:
        parameters = release.parameters
    said.update({name: value for name, value in parameters.items() if name not in _NOT_PARAMETERS})
    if api.operation != "chat":
        return
    system = render(release.system, variables) if release.system else ""
    examples = [
        {"role": example.get("role", "user"), "content": render(example.get("content", ""), variables)}
        for example in release.examples
    ]
    if api.name == "responses":
        _responses(said, system, examples)
    elif api.family == "anthropic":
        _anthropic(said, system, examples)
    else:
        _chat(said, system, examples)


def _chat(said: dict[str, Any], system: str, examples: list[dict[str, str]]) -> None:
    """The system message takes the place of those at the beginning; the examples follow it."""
    messages = said.get("messages")
    if not isinstance(messages, list):
        return
    at = 0
    while at < len(messages) and isinstance(messages[at], dict) and messages[at].get("role") in _LEADING:
        at += 1
    first = messages[:at]
    if system:
        role = "developer" if first and first[0].get("role") == "developer" else "system"
        first = [{"role": role, "content": system}]
    said["messages"] = [*first, *examples, *messages[at:]]


def _responses(said: dict[str, Any], system: str, examples: list[dict[str, str]]) -> None:
    if system:
        said["instructions"] = system
    asked = said.get("input")
    if examples and isinstance(asked, str):
        said["input"] = [*examples, {"role": "user", "content": asked}]
    elif examples and isinstance(asked, list) and "previous_response_id" not in said:
        said["input"] = [*examples, *asked]


def _anthropic(said: dict[str, Any], system: str, examples: list[dict[str, str]]) -> None:
    if system:
        said["system"] = system
    messages = said.get("messages")
    if examples and isinstance(messages, list):
        said["messages"] = [*examples, *messages]
