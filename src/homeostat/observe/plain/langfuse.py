"""The score routes of Langfuse's SDKs, so that an application that scores there scores here too.

Their scores become our scores: numbers and booleans as value, categories as label, texts as reason. A correction
becomes a signal, because that is what a person says; so does a number that is not from 0 to 1. The rung is `human` for
annotations, else `model`: nobody told who judged.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from homeostat.observe.plain.ids import digest, span_of, trace_of
from homeostat.observe.plain.item import NAME_CHARS, Item, text_of, written

Fact = dict[str, Any]
_SCORE_EVENTS: Final = ("score-create", "score")


def score(item: Item, project: str) -> Fact:
    """One Langfuse score."""
    kind = item.name("data_type").upper()
    value = item.pick("value", "string_value")
    trace, span = item.name("trace_id"), item.name("observation_id")
    about = {
        "trace_id": trace_of(trace, project) if trace else "",
        "span_id": span_of(span, project) if trace and span else "",
        "session_id": item.name("session_id"),
    }
    common = {
        "id": item.name("id") or digest(16, project, "score", msgspec.json.encode(item.value, order="sorted")),
        "name": item.name("name"),
        "at": written(item.time("timestamp") or item.received()),
        "source": "langfuse",
    }
    comment = item.text("comment")
    if not common["name"]:
        item.refuse("name", "is missing")
    if not (about["trace_id"] or about["session_id"]):
        item.refuse("traceId", "is missing: a score is about a traceId (with observationId) or a sessionId")
    if value is None:
        item.refuse("value", "is missing")
    if kind == "CORRECTION":
        opinion = {
            "value": None,
            "label": "",
            "comment": comment,
            "correction": "" if value is None else text_of(value),
        }
        return {"fact": "signal", **common, **opinion, **about, "user_id": ""}
    number, label, reason = _opinion(item, kind, value)
    if number is not None and not 0 <= number <= 1:  # on a scale of its own, as stars are
        told = {"value": number, "label": label, "comment": comment or reason, "correction": "", "user_id": ""}
        return {"fact": "signal", **common, **told, **about}
    human = item.name("source").upper() == "ANNOTATION"
    judged = {"value": number, "label": label, "reason": comment or reason}
    return {"fact": "score", **common, **judged, "scorer": "", "rung": "human" if human else "model", **about}


def _opinion(item: Item, kind: str, value: Any) -> tuple[float | None, str, str]:
    """Value, label, and the text that a TEXT score consists of."""
    if isinstance(value, str) and kind not in ("NUMERIC", "BOOLEAN"):
        return (None, "", value) if kind == "TEXT" else (None, value[:NAME_CHARS], "")
    number = None if value is None else item.finite("value", value)
    label = {0.0: "false", 1.0: "true"}.get(number, "") if kind == "BOOLEAN" and number is not None else ""
    return number, label, ""


def events(body: Any) -> list[dict[str, Any]] | None:
    """The events of an ingestion request; None when it is not one."""
    batch = body.get("batch") if isinstance(body, dict) else None
    if isinstance(batch, list) and all(isinstance(event, dict) for event in batch):
        return batch
    return None


def is_score(event: dict[str, Any]) -> bool:
    """Is this event a score?"""
    return event.get("type") in _SCORE_EVENTS and isinstance(event.get("body"), dict)


def projects(project: str) -> dict[str, Any]:
    """What their SDKs ask to see whether a key is good."""
    organization = {"id": "homeostat", "name": "homeostat"}
    return {"data": [{"id": project, "name": project, "organization": organization, "metadata": {}}]}
