"""What the OpenAPI document says about parameters and errors: made from the same tables that decide them."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from homeostat.store.warehouse.questions.fields import FIELDS

ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {name: {"type": "string"} for name in ("code", "message", "hint")},
        }
    },
}
_WORDS: Final = {
    400: "What was asked makes no sense; the message says why.",
    404: "There is none.",
    409: "Several have this id, or something else is there already; the answer says what.",
    503: "Too busy; try again.",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a route can answer."""
    content = {"application/json": {"schema": ERROR}}
    return {status: {"description": _WORDS[status], "content": content} for status in statuses}


class Documented(FastAPI):
    """An application whose document promises only what it answers: what makes no sense is 400, never 422."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        document = super().openapi()
        for methods in document["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)
        return document


def query(name: str, says: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter."""
    return {"name": name, "in": "query", "required": False, "description": says, "schema": schema}


def _many(name: str, says: str) -> dict[str, Any]:
    return query(name, says, {"type": "array", "items": {"type": "string"}}) | {"style": "form", "explode": True}


_TIME: Final = "ISO 8601, or how long before now: 30m, 24h, 7d."
_OPERATORS: Final = {
    "text": "Also .not, .contains, .exists.",
    "list": "Also .not, .contains, .exists.",
    "number": "Also .not, .gt, .gte, .lt, .lte, .exists.",
    "flag": "true or false; also .not, .exists.",
}
FILTERS: Final[list[dict[str, Any]]] = [
    query("from", _TIME, {"type": "string"}),
    query("to", _TIME, {"type": "string"}),
    _many("q", 'Words, or "a phrase", that stand in input, output, error, names or ids.'),
    _many("id", "Ids of exchanges. Also .not."),
    _many("trace", "Ids of traces. Also .not."),
    _many("label", "Label of a score or signal. Also .not, .exists."),
    *(_many(name, _OPERATORS[field.type]) for name, field in FIELDS.items()),
]
