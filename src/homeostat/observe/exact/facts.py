"""Scores and signals that hide in telemetry: judgements told as events, spans or annotations.

Each is {"fact": "score" | "signal", "id", "name", "value", "label", "at", "source", "trace_id", "span_id",
"session_id", "user_id"} and for a score "reason", "scorer", "rung", for a signal "comment"; times are ISO 8601, ids hex
or empty. The id of a fact is made of what it says and where: the same telemetry sent twice is the same fact.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from homeostat.observe.dialects import FACT_MARKS
from homeostat.observe.exact.numbered import families
from homeostat.observe.exact.rows import Row, moment
from homeostat.observe.exact.shapes import clean, dump, parse
from homeostat.records.instant import iso, micros

Fact = dict[str, Any]

_EVENT: Final = FACT_MARKS.events[0]
_RUNGS: Final = {"llm": "judge", "human": "human", "code": "engine"}


def facts(rows: Iterable[Row]) -> list[Fact]:
    """The scores and signals that staged rows tell."""
    return [fact for row in rows for fact in _of_row(row)]


def holds_facts(row: Row) -> bool:
    """Whether a row is worth a look: cheap, may say yes too often, never no wrongly."""
    if row["name"] in FACT_MARKS.events or any(name in row["events"] for name in FACT_MARKS.events):
        return True
    return any(key in row["attributes"] or key in row["attributes_json"] for key in FACT_MARKS.attributes)


def _of_row(row: Row) -> Iterator[Fact]:
    if not holds_facts(row):
        return
    attributes = attributes_of(row)
    if row["name"] == _EVENT or "gen_ai.evaluation.name" in attributes:
        body = (
            parse(attributes["log.body"]) if isinstance(attributes.get("log.body"), str) else attributes.get("log.body")
        )
        about = {**body, **attributes} if isinstance(body, dict) else attributes
        yield from _evaluation(row, about, row["at"], _own(row))
    for event in json.loads(row["events"]) if row["events"] else ():
        if event["name"] == _EVENT:
            yield from _evaluation(row, event["attributes"], moment(int(event["time_ns"])), _own(row))
    for judged in families(attributes, ("evaluations.",)).get("evaluations.", ()):
        if isinstance(judged, dict):
            yield from _openinference(row, judged.get("evaluation", judged))
    if isinstance(attributes.get("logfire.feedback.name"), str):
        yield _feedback(row, attributes)


def attributes_of(row: Row) -> dict[str, Any]:
    """Both maps of a row as one, JSON parsed."""
    return {**{key: json.loads(text) for key, text in row["attributes_json"].items()}, **row["attributes"]}


def _evaluation(row: Row, about: dict[str, Any], at: datetime, target: tuple[str, str]) -> Iterator[Fact]:
    """`gen_ai.evaluation.result`, as the semantic conventions define it."""
    name = about.get("gen_ai.evaluation.name")
    if not isinstance(name, str) or not name:
        return
    value = _first(about, "gen_ai.evaluation.score.value", "gen_ai.evaluation.score")
    label = _first(about, "gen_ai.evaluation.score.label", "gen_ai.evaluation.label")
    reason = _first(about, "gen_ai.evaluation.explanation", "gen_ai.evaluation.reasoning")
    response = about.get("gen_ai.response.id")
    fact = _fact("score", row, "gen_ai", name, value, label, at, target)
    fact |= {"reason": _text(reason), "scorer": row["scope"], "rung": ""}
    if isinstance(response, str) and response:
        fact["response_id"] = clean(response)
    yield fact


def _openinference(row: Row, judged: Any) -> Iterator[Fact]:
    """An EVALUATOR span: it judges the span that it links to, else its parent, else its trace."""
    if not isinstance(judged, dict):
        return
    name = judged.get("name") or row["name"]
    rung = _RUNGS.get(str(judged.get("annotator_kind", "")).lower(), "")
    fact = _fact(
        "score", row, "openinference", _text(name), judged.get("score"), judged.get("label"), row["at"], _judged(row)
    )
    yield fact | {"reason": _text(judged.get("explanation")), "scorer": row["name"], "rung": rung}


def _feedback(row: Row, attributes: dict[str, Any]) -> Fact:
    """Logfire's annotation: a child of the span that it is about; the value stands under the name of the feedback."""
    name = attributes["logfire.feedback.name"]
    value = attributes.get(name)
    fact = _fact("signal", row, "logfire", name, value, value, row["at"], _judged(row))
    return fact | {"comment": _text(attributes.get("logfire.feedback.comment"))}


def _fact(
    kind: str, row: Row, source: str, name: str, value: Any, label: Any, at: datetime, target: tuple[str, str]
) -> Fact:
    number = _number(value)
    trace_id, span_id = target
    said: Fact = {
        "fact": kind,
        "name": clean(name),
        "value": number,
        "label": clean(label) if isinstance(label, str) else "",
        "at": iso(micros(at)),
        "source": source,
        "trace_id": trace_id,
        "span_id": span_id,
        "session_id": row["session_id"],
        "user_id": row["user_id"],
    }
    told_by = [row["trace_id"].hex(), row["span_id"].hex(), row["ident"]]
    return said | {"id": hashlib.sha256(dump([said, told_by]).encode()).hexdigest()[:32]}


def _own(row: Row) -> tuple[str, str]:
    return _hex(row["trace_id"]), _hex(row["span_id"])


def _judged(row: Row) -> tuple[str, str]:
    for link in json.loads(row["links"]) if row["links"] else ():
        if len(link["trace_id"]) == 32:
            return link["trace_id"], link["span_id"]
    return _hex(row["trace_id"]), _hex(row["parent_id"])


def _hex(value: bytes) -> str:
    return value.hex() if any(value) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    return None


def _first(about: dict[str, Any], *names: str) -> Any:
    return next((about[name] for name in names if about.get(name) is not None), None)


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else "" if value is None else dump(value)
