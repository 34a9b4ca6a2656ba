"""The whole conversation of one exchange, rebuilt from what is stored of its span: for readers of one exchange."""

from __future__ import annotations

import json
from typing import Any

from homeostat.observe.dialects import BY_COLUMN, MESSAGE_EVENTS, Indexed
from homeostat.observe.exact.chat import plain as plain_text
from homeostat.observe.exact.decode import Event, Item
from homeostat.observe.exact.mapping import Reading
from homeostat.observe.exact.numbered import texts_at
from homeostat.observe.exact.parts import Message, say
from homeostat.observe.exact.readers import is_absent
from homeostat.observe.exact.shapes import dump, parse
from homeostat.observe.exact.turns import event_message
from homeostat.observe.exact.turns import messages as turns_of


def messages(attributes: dict[str, str], attributes_json: dict[str, str], events: str = "") -> list[dict[str, Any]]:
    """Every turn in order: {"role", "content", "tool_calls"?, "tool_results"?}; `events` as stored, JSON."""
    told = {**{key: _json(text) for key, text in attributes_json.items()}, **attributes}
    reading = Reading(Item(attributes=told, events=_events(events)))
    reading.op = "call"
    asked, asked_from = _turns(reading, "input")
    answered, answered_from = _turns(reading, "output")
    calls = reading.field(BY_COLUMN["tool_calls"])
    if calls and not any("tool_calls" in turn for turn in answered):
        answered = [
            *answered[:-1],
            {**(answered[-1] if answered else _plain("output", "")), "tool_calls": json.loads(calls)},
        ]
    turns = asked if asked_from == answered_from else [*asked, *answered]
    if not any(turn["role"] == "system" for turn in turns):
        turns = [*_instructions(told), *turns]
    whole: list[dict[str, Any]] | None = json.loads(dump(turns))  # what escapes in JSON text can hide is made storable
    return whole or []


def _turns(reading: Reading, column: str) -> tuple[list[dict[str, Any]], str]:
    """The turns from the best place of a column that holds a conversation, else its plain text; and that place."""
    plain: tuple[list[dict[str, Any]], str] = ([], "")
    for alias in BY_COLUMN[column].aliases:
        value = reading.value_of(alias)
        if value is None:
            continue
        place = alias.prefix if isinstance(alias, Indexed) else alias.key
        if place in ("gen_ai.user.message", "gen_ai.choice"):
            value = _told(reading, place)
        found = turns_of(value)
        if found:
            return [_shown(message, column) for message in found], place
        text = (
            texts_at(value, alias.suffixes)
            if isinstance(alias, Indexed)
            else plain_text(value, answered=column == "output")
        )
        if found is None and not plain[0] and not is_absent(text):
            plain = [_plain(column, text or "")], place
    return plain


def _plain(column: str, text: str) -> dict[str, Any]:
    return {"role": "user" if column == "input" else "assistant", "content": text}


def _told(reading: Reading, place: str) -> list[dict[str, Any]]:
    """All turns told by events of the older conventions: the question's in their order, or the answers."""
    answers = place == "gen_ai.choice"
    return [
        {"role": turn.role, "content": turn.text, "tool_calls": turn.tool_calls}
        for event in reading.events
        if event.name in MESSAGE_EVENTS and (event.name == "gen_ai.choice") == answers
        for turn in [event_message(event.name, event.attributes)]
    ]


def _shown(message: Message, column: str) -> dict[str, Any]:
    role = message.role or ("user" if column == "input" else "assistant")
    if role == "user" and message.results and not message.text:  # Anthropic's and pydantic-ai's way to say "tool"
        role = "tool"
    shown: dict[str, Any] = {"role": role, "content": message.text}
    if message.tool_calls:
        shown["tool_calls"] = message.tool_calls
    if message.results:
        shown["tool_results"] = message.results
    return shown


def _instructions(told: dict[str, Any]) -> list[dict[str, Any]]:
    value = told.get("gen_ai.system_instructions")
    found = Message("system")
    say(found, parse(value) if isinstance(value, str) else value)
    return [{"role": "system", "content": found.text}] if found.text else []


def _events(text: str) -> list[Event]:
    told = _json(text)
    return [_event(event) for event in told if isinstance(event, dict)] if isinstance(told, list) else []


def _event(told: dict[str, Any]) -> Event:
    attributes = told.get("attributes")
    return Event(str(told.get("name", "")), 0, attributes if isinstance(attributes, dict) else {})


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
