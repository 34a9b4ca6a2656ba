"""A row of a file as a scorer sees it, whatever its author called the fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from homeostat.analyze.scorers import Case

#: What each of our fields may be called; the first that a row holds counts.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("input", "question", "prompt", "query", "user_input", "instruction", "request"),
    "output": ("output", "answer", "response", "completion", "prediction", "actual_output", "generated", "text"),
    "documents": (
        "documents", "context", "contexts", "retrieved", "retrieved_documents", "retrieval_context",
        "retrieved_contexts", "snippets", "passages", "sources", "source",
    ),
    "reference": (
        "reference", "expected", "expected_output", "ground_truth", "target", "ideal", "gold", "reference_answer",
    ),
}  # fmt: skip
_TEXT: Final = ("text", "content", "page_content", "body", "snippet", "document")
_USED: Final = frozenset(name for names in NAMES.values() for name in names) | {"id", "messages"}


def as_case(row: Mapping[str, Any]) -> Case | str:
    """The case, or what is wrong with the row."""
    asked, told = _spoken(row.get("messages"))
    output = _given(row, "output")
    output = told if output is None else output
    if output is None:
        return "there is no output"
    texts: dict[str, str] = {}
    for name, value in (("output", output), ("input", _given(row, "input")), ("reference", _given(row, "reference"))):
        found = _text(value)
        if found is None:
            return f"{name} is {kind(value)}, not text"
        texts[name] = found
    documents = _documents(_given(row, "documents"))
    if isinstance(documents, str):
        return documents
    rest = {key: value for key, value in row.items() if key not in _USED}
    return Case(texts["output"], texts["input"] or asked, documents, texts["reference"], rest)


def _given(row: Mapping[str, Any], field: str) -> Any:
    return next((row[name] for name in NAMES[field] if row.get(name) is not None), None)


def _spoken(messages: Any) -> tuple[str, str | None]:
    """The last question of a conversation and the last answer, from `messages`."""
    if isinstance(messages, str):
        try:
            messages = json.loads(messages)
        except ValueError:
            return "", None
    if not isinstance(messages, list):
        return "", None
    last = {str(one.get("role")): _text(one.get("content")) for one in messages if isinstance(one, Mapping)}
    return last.get("user") or "", last.get("assistant")


def _text(value: Any) -> str | None:
    """A text, the parts of a message's content, one message, or the messages of a conversation (the last counts)."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return next((value[key] for key in _TEXT if isinstance(value.get(key), str)), None)
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        if "role" in value[-1]:
            return _text(value[-1].get("content"))
        parts = [_text(one) for one in value]
        return None if None in parts else "\n".join(part for part in parts if part)
    return None


def _documents(value: Any) -> tuple[str, ...] | str:
    """Texts, objects that hold a text, or a cell with JSON in it."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return (value,)
        try:
            value = json.loads(value)
        except ValueError:
            return (value,)
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        return f"documents is {kind(value)}, not a list of texts"
    found = []
    for item in value:
        if isinstance(item, Mapping):
            item = next((item[key] for key in _TEXT if isinstance(item.get(key), str)), None)
        if not isinstance(item, str):
            return "documents holds something that is no text"
        found.append(item)
    return tuple(found)


def kind(value: Any) -> str:
    """What a value is, for a reader."""
    return {"dict": "an object", "list": "a list", "int": "a number", "float": "a number", "bool": "true or false"}.get(
        type(value).__name__, "no text"
    )
