"""What a provider refuses to answer, in its own words."""

from __future__ import annotations

from typing import Any, Final

_MOST: Final = ("max_tokens", "max_completion_tokens")


def refused(path: str, said: Any) -> str:
    """What is wrong with a request; empty: nothing.

    >>> refused("/v1/chat/completions", {"messages": []})
    '`messages` must be a list of messages, at least one'
    >>> refused("/generate", {"prompt": "What is your return policy?", "max_tokens": 0})
    '`max_tokens` must be a whole number from 1'
    """
    if not isinstance(said, dict):
        return "the body must be a JSON object"
    messages = said.get("messages")
    if path.endswith("/chat/completions") and not (
        isinstance(messages, list) and messages and all(isinstance(one, dict) for one in messages)
    ):
        return "`messages` must be a list of messages, at least one"
    if path == "/generate" and not isinstance(said.get("prompt"), str):
        return "`prompt` must be a text"
    if path == "/v1/embeddings" and not isinstance(said.get("input"), str | list):
        return "`input` must be a text or a list of texts"
    wrong = [name for name in _MOST if not (said.get(name) is None or _counts(said[name]))]
    return f"`{wrong[0]}` must be a whole number from 1" if wrong else ""


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
