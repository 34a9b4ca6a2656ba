"""One span or log record, read through the alias table."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from homeostat.observe.dialects import (
    ENUMERATED,
    FIELDS,
    LOG_LINES,
    LOG_NAME_ATTRIBUTES,
    MESSAGE_EVENTS,
    OP_MARKS,
    WRAPPERS,
    Alias,
    Indexed,
)
from homeostat.observe.dialects.alias import Field
from homeostat.observe.exact.decode import Event, Item
from homeostat.observe.exact.numbered import families, texts_at
from homeostat.observe.exact.parts import Message
from homeostat.observe.exact.readers import CHAT_READERS, MAX_COUNT, READERS, instant, is_absent
from homeostat.observe.exact.shapes import parse, step_into
from homeostat.observe.exact.turns import event_message, messages

_PREFIXES: Final = tuple(
    dict.fromkeys(alias.prefix for field in FIELDS for alias in field.aliases if isinstance(alias, Indexed))
)
Places = dict[str, tuple[Alias | Indexed, ...]]
#: Rows with more attributes than this are too odd for their places to be remembered.
_USUAL: Final = 200
_TOKENS: Final = ("cached_tokens", "cache_write_tokens")


class Reading:
    """Looks for values in one span or log record; what was parsed or gathered once is kept."""

    def __init__(self, item: Item, *, is_log: bool = False) -> None:
        self.item = item
        self.attributes = item.attributes
        self.events = item.events
        self.op = ""
        self.is_log = is_log  # a log record need not say what kind of work the span does that it is about
        self._parsed: dict[str, Any] = {}
        self._families: dict[str, list[Any]] | None = None
        self._turns_of: dict[int, tuple[Any, list[Message] | None]] = {}
        self._places: Places | None = None
        if is_log:
            body = _body(item)
            self.attributes = {**body, **item.attributes}
            said = {**self.attributes} if body else {"body": item.body, **self.attributes}
            self.events = [_line(item) or Event(log_name(item), item.start, said)]

    def columns(self) -> dict[str, Any]:
        """Every mapped column that has a value."""
        found: dict[str, Any] = {}
        for field in FIELDS:
            value = self.field(field)
            if field.column == "op":
                self.op = value = self._unwrapped(value or self._implied_op())
            if value is not None and value != "":
                found[field.column] = value
        if self.item.status_code == 1 and not self._broke_off(found):
            found.pop("error", None)
        elif self.item.status_code == 2:
            found.setdefault("error", "error")
        _whole_input(found)
        if found.get("finish_reason", "").startswith(ENUMERATED):
            found["finish_reason"] = found["finish_reason"].removeprefix(ENUMERATED).lower()
        return found

    def field(self, field: Field) -> Any:
        """The value of a column: what the first place gives that has any."""
        if field.ops and self.op not in field.ops and not (self.is_log and not self.op):
            return None
        if self._places is None:
            self._places = _places(tuple(self.attributes), bool(self.events))
        for alias in self._places[field.column]:
            if alias.ops and self.op not in alias.ops:
                continue
            value = self._family(alias) if isinstance(alias, Indexed) else self._alias(alias)
            if value is not None:
                return value
        return None

    def _broke_off(self, found: dict[str, Any]) -> bool:
        """Whether a call that says it went well threw, and nothing came of it (LangSmith's for JavaScript)."""
        came = any(found.get(name) for name in ("output", "tool_calls", "output_tokens"))
        return self.op == "call" and not came and any(event.name == "exception" for event in self.events)

    def _implied_op(self) -> str:
        return next((op for key, op in OP_MARKS if not is_absent(self.attributes.get(key))), "")

    def _unwrapped(self, op: str) -> str:
        """The op, or what a span is that only wraps the one that does the work."""
        for wrapper in WRAPPERS:
            if wrapper.op == op and wrapper.key in self.attributes and "input.value" in self.attributes:
                key, value = wrapper.hidden
                if self.attributes.get(key) != value and not any(need in self.attributes for need in wrapper.needs):
                    return wrapper.becomes
        return op

    def _alias(self, alias: Alias) -> Any:
        if alias.when is not None and not self._holds(*alias.when):
            return None
        if alias.where == "event":
            return self._event(alias)
        value = self.value_of(alias)
        return None if value is None else self._read(alias.read, value)

    def value_of(self, alias: Alias | Indexed) -> Any:
        """What stands where an alias points, unread; None when it is absent."""
        if isinstance(alias, Indexed):
            if self._families is None:
                self._families = families(self.attributes, _PREFIXES)
            return self._families.get(alias.prefix)
        if alias.where == "event":
            return self._turns(alias.key)
        if alias.where == "span":
            value: Any = getattr(self.item, alias.key)
        elif alias.where == "resource":
            value = self.item.resource.get(alias.key)
        else:
            value = self._parse(alias.key) if alias.path else self.attributes.get(alias.key)
        if alias.path and value is not None:
            value = step_into(value, alias.path)
        return None if is_absent(value) else value

    def _turns(self, name: str) -> list[dict[str, Any]] | None:
        """All events of a name as messages, when that is what they are."""
        if name not in MESSAGE_EVENTS:
            return None
        return [_turn(event) for event in self.events if event.name == name] or None

    def _parse(self, key: str) -> Any:
        """An attribute as JSON; long texts are asked for many paths, so they are parsed once."""
        if key not in self._parsed:
            value = self.attributes.get(key)
            self._parsed[key] = None if is_absent(value) else parse(value) if isinstance(value, str) else value
        return self._parsed[key]

    def _read(self, reader: str, value: Any) -> Any:
        if reader == "instant":
            return instant(value, self.item.start)
        if reader in CHAT_READERS:
            return CHAT_READERS[reader](value, self._told(value))
        return READERS[reader](value)

    def _told(self, value: Any) -> list[Message] | None:
        """The turns that a value tells; several columns ask the same value."""
        if id(value) not in self._turns_of:
            self._turns_of[id(value)] = value, messages(value)  # with the value, so that its id stays its own
        return self._turns_of[id(value)][1]

    def _holds(self, key: str, values: tuple[str, ...]) -> bool:
        value = getattr(self.item, key) if key == "status_code" else self.attributes.get(key)
        return str(value).strip().strip('"').lower() in values

    def _event(self, alias: Alias) -> Any:
        named = [event for event in self.events if event.name == alias.key]
        if not named:
            return None
        if alias.read == "since_start":
            after = (named[0].time - self.item.start) / 1_000_000
            return round(after, 3) if after >= 0 else None
        if alias.read == "present":
            return True
        if not alias.path:
            turns = self._turns(alias.key)
            return None if turns is None else self._read(alias.read, turns)
        for event in reversed(named):
            value = step_into(event.attributes, alias.path)
            found = None if is_absent(value) else self._read(alias.read, value)
            if found is not None and found != "":
                return found
        return None

    def _family(self, alias: Indexed) -> Any:
        value = self.value_of(alias)
        if value is None:
            return None
        if alias.read in ("last_user", "answer_text") and self._told(value) is None:
            return texts_at(value, alias.suffixes)
        return self._read(alias.read, value)


def _body(item: Item) -> dict[str, Any]:
    """What a log record says, when that is a map; of a turn of a conversation also as text (Semantic Kernel)."""
    body = item.body
    if isinstance(body, str) and log_name(item) in MESSAGE_EVENTS:
        body = parse(body)
    return body if isinstance(body, dict) else {}


def _line(item: Item) -> Event | None:
    """What a line of text tells that begins as one of those that are known."""
    head, _, rest = item.body.partition("\n") if isinstance(item.body, str) else ("", "", "")
    if head not in LOG_LINES:
        return None
    name, attribute = LOG_LINES[head]
    if rest.startswith('["') and rest.endswith('"]'):  # no JSON: nothing in it is escaped
        rest = rest[2:-2].replace('", "', "\n")
    return Event(name, item.start, {attribute: "" if rest == "[]" else rest})


def _places(keys: tuple[str, ...], events: bool) -> Places:
    """The places that may hold something, of a row with these attributes: most aliases never do."""
    return _known_places(keys, events) if len(keys) <= _USUAL else _known_places.__wrapped__(keys, events)


@lru_cache(maxsize=2048)
def _known_places(keys: tuple[str, ...], events: bool) -> Places:
    there = frozenset(keys)

    def may_hold(alias: Alias | Indexed) -> bool:
        if isinstance(alias, Indexed):
            return any(key.startswith(alias.prefix) for key in keys)
        if alias.where == "attributes":
            return alias.key in there
        return events or alias.where != "event"

    return {field.column: tuple(filter(may_hold, field.aliases)) for field in FIELDS}


def log_name(item: Item) -> str:
    """What a log record is called."""
    if item.name:
        return item.name
    names = (item.attributes.get(key) for key in LOG_NAME_ATTRIBUTES)
    return next((name for name in names if isinstance(name, str) and name), "")


def _turn(event: Event) -> dict[str, Any]:
    turn = event_message(event.name, event.attributes)
    calls = [{"type": "tool_call", **call} for call in turn.tool_calls]
    return {"role": turn.role, "content": [{"type": "text", "text": turn.text}], "tool_calls": calls}


def _whole_input(found: dict[str, Any]) -> None:
    """Cached tokens are part of the input: when they are more than it, the sender left them out.

    A call that used no tokens at all was not counted: some write 0 where the provider told them nothing.
    """
    if found.get("input_tokens") == 0 and found.get("output_tokens") == 0:
        del found["input_tokens"], found["output_tokens"]
    cached = sum(found.get(name, 0) for name in _TOKENS)
    if "input_tokens" in found and cached > found["input_tokens"]:
        found["input_tokens"] = min(found["input_tokens"] + cached, MAX_COUNT)
