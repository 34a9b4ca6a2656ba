"""Retrieved documents in every shape: a list of {id, text, score, source}."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from homeostat.observe.exact.shapes import LITERAL, parse, unquoted

_LISTS: Final = ("documents", "matches", "results", "chunks", "nodes", "source_documents", "context")
_TEXTS: Final = ("content", "text", "page_content", "chunk", "snippet", "body", "document", "blob")
_IDS: Final = ("id", "document_id", "doc_id", "node_id", "id_", "chunk_id")
_SCORES: Final = ("score", "similarity", "relevance_score", "rerank_score")
#: A document as Python prints it: Haystack's, LangChain's.
_PRINTED: Final = re.compile(
    r"(?:Document\((?:id='?(?P<id>[^,' ]{1,200})'?, )?(?:metadata=\{[^{}]{0,2000}\}, )?(?:content: |page_content=)"
    r"|page_content=)"
    rf"(?P<text>{LITERAL})(?:.*\bscore: (?P<score>[0-9.]{{1,20}}))?"
)
_SOURCES: Final = ("source", "uri", "url", "path", "file_name", "file_path", "title")


def documents(value: Any, depth: int = 0) -> list[dict[str, Any]]:
    """The documents that a value lists; empty when it lists none."""
    value = parse(value) if isinstance(value, str) else value
    if isinstance(value, dict) and depth < 3:
        for name in _LISTS:
            if name in value:
                return documents(value[name], depth + 1)
        return []
    if not isinstance(value, list):
        return []
    found = [_document(item) for item in value]
    return [document for document in found if document is not None]


def _document(item: Any) -> dict[str, Any] | None:
    if isinstance(item, str):
        parsed = parse(item)
        if not isinstance(parsed, dict):
            return _printed(item) if item.strip() else None
        item = parsed
    if not isinstance(item, dict):
        return None
    for wrapper in ("document", "node"):  # OpenInference, LlamaIndex
        inner = item.get(wrapper)
        if isinstance(inner, dict):
            item = {**item, wrapper: None, **inner}
    if isinstance(item.get("kwargs"), dict):  # LangChain's serialised form: its id is the class
        item = {**item, "id": "", **item["kwargs"]}
    about = item.get("metadata")
    about = parse(about) if isinstance(about, str) else about
    about = about if isinstance(about, dict) else {}
    text = _text(item, _TEXTS)
    identity = _text(item, _IDS) or _text(about, _IDS)
    if not text and not identity:
        return None
    score = _score(item)
    return {
        "id": identity,
        "text": text,
        "score": _score(about) if score is None else score,
        "source": _text(item, _SOURCES) or _text(about, _SOURCES),
    }


def _printed(item: str) -> dict[str, Any]:
    """A text: a document as Python prints it, else all of it is the document."""
    found = _PRINTED.match(item)
    if found is None:
        return {"id": "", "text": item, "score": None, "source": ""}
    score = found["score"]
    return {
        "id": found["id"] or "",
        "text": unquoted(found["text"]),
        "score": float(score) if score and score.replace(".", "", 1).isdigit() else None,
        "source": "",
    }


def _text(value: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        inner = value.get(name)
        if isinstance(inner, str) and inner:
            return inner
        if isinstance(inner, int) and not isinstance(inner, bool):
            return str(inner)
        if isinstance(inner, list) and (parts := [part for part in inner if isinstance(part, dict)]):  # Genkit's
            return "\n".join(text for part in parts if isinstance(text := part.get("text"), str))
    return ""


def _score(value: dict[str, Any]) -> float | None:
    for name in _SCORES:
        inner = value.get(name)
        if isinstance(inner, int | float) and not isinstance(inner, bool) and math.isfinite(inner):
            return float(inner)
    return None
