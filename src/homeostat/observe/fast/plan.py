"""How the spans of one shape are read: which attribute fills which column, decided once per shape in Python.

A shape is what two spans must share to be read alike: which known attributes they have and of what kind the values
are. A segment of thousands of spans has a handful of shapes, so the alias table ("first hit wins") is walked here,
and the engine only fetches what was decided. Where the kind of a value does not settle what the complete path would
find, there is no plan: `None` sends the envelope there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

from homeostat.observe.dialects import FACT_MARKS, FIELDS, OP_MARKS, OPS, WRAPPERS, Alias, Field, Indexed
from homeostat.observe.fast import words
from homeostat.observe.fast.words import Class


class How(IntEnum):
    """How a column is made of the attribute that was picked for it."""

    NOTHING = 0
    TEXT = 1  # as it is
    TAIL = 2  # what stands before the first dot
    FIRST = 3  # the first element of a list of strings
    LAST_USER = 4  # of simple messages
    ANSWER = 5  # of simple messages
    WHOLE = 6  # as it is, unless it is a quoted JSON string
    NUMBER = 7
    SECONDS = 8
    COMMAS = 9  # parts between commas
    STRINGS = 10  # elements of a list of strings
    TRUE = 11
    FALSE = 12
    RESOURCE = 13  # as it is, from the resource
    MESSAGE = 14  # the status message
    WORD_ERROR = 15  # the word "error"
    REASON = 16  # why the first of simple messages ended, if it says so
    THAT_REASON = 17  # the same, and it must
    EXCEPTION = 18  # the message of an event of that name


#: From here on: the text under a key of a JSON object, by the number of the key in `words.KEYS`.
KEY: Final = 64

Pick = tuple[int, int]
ABSENT: Final[Pick] = (How.NOTHING, 0)

#: The columns of a plan, in its order.
COLUMNS: Final = tuple(field.column for field in FIELDS if field.column != "op")

_STRINGS: Final = frozenset((Class.TEXT, Class.DIGITS, Class.BOOLEAN, Class.JSON))
_NUMBERS: Final = frozenset((Class.ZERO, Class.INTEGER, Class.DECIMAL, Class.NUMBER))
_SCALARS: Final = _STRINGS | _NUMBERS
_LISTS: Final = frozenset((Class.WORDS, Class.NESTED))
_USER: Final = frozenset(("user", "human"))
_ASSISTANT: Final = frozenset(("assistant", "ai", "model"))


class Unplanned(Exception):
    """The kinds of the values do not settle what the complete path would find."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine needs to read the spans of a shape."""

    op: str
    picks: tuple[Pick, ...]


@dataclass(slots=True)
class _Seen:
    """A known attribute of the shape; `at` counts from 1, in the order of the codes."""

    at: int
    kind: Class
    word: int


@dataclass(slots=True)
class _Shape:
    names: dict[int, _Seen] = field(default_factory=dict)
    families: dict[int, dict[int, dict[int, _Seen]]] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    odd_families: set[int] = field(default_factory=set)
    events: set[int] = field(default_factory=set)
    odd: bool = False


def plan(codes: Sequence[int]) -> Plan | None:
    """The plan of a shape (its codes, without places), or None when only the complete path can read it."""
    shape = _shape(codes)
    marked = [words.NAMES[name] in shape.names for name in FACT_MARKS.attributes]
    marked += [words.EVENTS[name] in shape.events for name in FACT_MARKS.events]
    if shape.odd or any(marked):
        return None
    try:
        reading = _Reading(shape)
        picks = tuple(reading.pick(field) for field in FIELDS if field.column != "op")
    except Unplanned:
        return None
    return Plan(reading.op, picks)


def _shape(codes: Sequence[int]) -> _Shape:
    shape = _Shape()
    for at, code in enumerate(codes, 1):
        name, number = code >> words.NAME, code >> words.NUMBER & 0xFFFF
        if name >= words.HELD:
            shape.held[name - words.HELD] = code & 0xFFFFFFFFFFFF
            continue
        seen = _Seen(at, Class(code >> words.CLASS & 0xFF), code >> words.WORD & 0xFF)
        if name == words.EVENT:
            shape.events.add(number)
        elif 0x2000 <= name < 0x3000:
            family, member = name & ~15, name & 15
            if member == 0 or number == words.MAX_NUMBER:
                shape.odd_families.add(family)
            shape.families.setdefault(family, {}).setdefault(number, {})[member] = seen
        else:
            shape.names[name] = seen
            shape.odd |= at > 255
        if seen.kind == Class.ODD:
            shape.odd = True
    return shape


class _Reading:
    """Walks the alias table for one shape."""

    def __init__(self, shape: _Shape) -> None:
        self.shape = shape
        self.status = shape.names[words.STATUS].word
        self.simple: set[int] = set()  # attributes that are simple messages, or the span goes the complete path
        self.op = self._unwrapped(self._op() or self._implied_op())

    def pick(self, field: Field) -> Pick:
        """Where the column comes from: first hit wins."""
        if field.column == "error":
            if self.status == 1:
                if self.op == "call" and words.EVENTS["exception"] in self.shape.events:  # it may tell of nothing else
                    raise Unplanned
                return ABSENT
            found = self._first(field)
            return (How.WORD_ERROR, 0) if found == ABSENT and self.status == 2 else found
        return self._first(field)

    def _first(self, field: Field) -> Pick:
        if field.ops and self.op not in field.ops:
            return ABSENT
        for number, alias in enumerate(field.aliases):
            if alias.ops and self.op not in alias.ops:
                continue
            if isinstance(alias, Alias) and alias.path == (0, "finish_reason") and (at := self._simple(alias.key)):
                try:
                    sure = self._first(replace(field, aliases=field.aliases[number + 1 :])) != ABSENT
                except Unplanned:
                    sure = True
                return (How.THAT_REASON if sure else How.REASON, at)
            found = self._family(alias) if isinstance(alias, Indexed) else self._alias(alias)
            if found != ABSENT:
                if found[0] in (How.LAST_USER, How.ANSWER):
                    self.simple.add(found[1])
                return found
        return ABSENT

    def _simple(self, key: str) -> int:
        """Where the attribute stands if it is known to be simple messages, else 0."""
        seen = self.shape.names.get(words.NAMES[key])
        return seen.at if seen is not None and seen.at in self.simple else 0

    def _op(self) -> str:
        for alias in FIELDS[0].aliases:
            if not isinstance(alias, Alias):
                raise Unplanned
            seen = self.shape.names.get(words.NAMES[alias.key])
            if seen is None or seen.kind not in _STRINGS:
                continue
            if seen.kind == Class.JSON or alias.read == "component" or seen.word == words.ODD_WORD:
                raise Unplanned
            if alias.read == "request":
                continue
            if op := OPS.get(words.WORD_OF.get(seen.word, "")):
                return op
        return ""

    def _implied_op(self) -> str:
        for key, op in OP_MARKS:
            for prefix, family in words.FAMILIES.items():
                if key.startswith(prefix) and family in self.shape.families:
                    if self._marked(prefix, family, key):
                        return op
                    break
            else:
                seen = self.shape.names.get(words.NAMES.get(key, 0))
                if seen is not None and seen.kind != Class.BLANK:
                    return op
        return ""

    def _marked(self, prefix: str, family: int, key: str) -> bool:
        number, dot, suffix = key[len(prefix) :].partition(".")
        member = words.SUFFIXES[prefix].get(dot + suffix, 0)
        if member == 0:
            raise Unplanned
        seen = self.shape.families[family].get(int(number), {}).get(member)
        return seen is not None and seen.kind != Class.BLANK

    def _unwrapped(self, op: str) -> str:
        """The op, or what a span is that only wraps the one that does the work."""
        for wrapper in WRAPPERS:
            if wrapper.op != op or not self._has(wrapper.key) or not self._has(wrapper.hidden[0]):
                continue
            word = self.shape.names[words.NAMES[wrapper.hidden[0]]].word
            if words.WORD_OF.get(word) == wrapper.hidden[1].lower():
                raise Unplanned
            if not any(self._has(need) for need in wrapper.needs):
                return wrapper.becomes
        return op

    def _has(self, key: str) -> bool:
        """Whether there is such an attribute, whatever it says."""
        for prefix, family in words.FAMILIES.items():
            number, dot, suffix = key.removeprefix(prefix).partition(".")
            if key.startswith(prefix) and number.isdecimal():
                members = self.shape.families.get(family, {}).get(int(number), {})
                member = words.SUFFIXES[prefix].get(dot + suffix, 0)
                if member in members and member == 0:  # some member of no interest, maybe this one
                    raise Unplanned
                return member in members
        return words.NAMES[key] in self.shape.names

    def _alias(self, alias: Alias) -> Pick:
        if alias.where == "event":
            if words.EVENTS[alias.key] not in self.shape.events:
                return ABSENT
            if (alias.key, alias.path) == ("exception", ("exception.message",)):
                return (How.EXCEPTION, 0)
            raise Unplanned
        if alias.when is not None and not self._holds(*alias.when):
            return ABSENT
        if alias.where == "span":
            seen = self.shape.names[words.MESSAGE]
            return (How.MESSAGE, 0) if seen.kind != Class.BLANK else ABSENT
        known = words.RESOURCE if alias.where == "resource" else words.NAMES
        if alias.key not in known:
            return self._member(alias.key)
        found = self.shape.names.get(known[alias.key])
        if found is None or found.kind == Class.BLANK:
            return ABSENT
        if alias.path:
            held, step = self.shape.held.get(known[alias.key]), alias.path[0]
            if found.kind == Class.JSON and held is not None and step in words.KEYS:
                if not held >> words.KEYS.index(str(step)) & 1:
                    return ABSENT
                if alias.read == "text" and len(alias.path) == 1:
                    return (KEY + words.KEYS.index(str(step)), found.at)
            if found.kind == Class.JSON or found.kind in _LISTS:
                raise Unplanned
            return ABSENT
        if alias.where == "resource":
            return (How.RESOURCE, found.at) if found.kind in _SCALARS else ABSENT
        return self._read(alias, found)

    def _member(self, key: str) -> Pick:
        """An alias that is a member of a numbered family."""
        family = next(first for prefix, first in words.FAMILIES.items() if key.startswith(prefix))
        if family in self.shape.families:
            raise Unplanned
        return ABSENT

    def _holds(self, key: str, values: tuple[str, ...]) -> bool:
        if key == "status_code":
            return str(self.status) in values
        seen = self.shape.names.get(words.NAMES[key])
        if seen is None or seen.kind == Class.BLANK:
            return False
        if seen.kind not in (Class.TEXT, Class.DIGITS, Class.BOOLEAN) or seen.word == words.ODD_WORD:
            raise Unplanned
        return words.WORD_OF.get(seen.word, "") in values

    def _read(self, alias: Alias, seen: _Seen) -> Pick:  # one row per reader: what each kind of value gives
        kind, at = seen.kind, seen.at
        match alias.read:
            case "text":
                return (How.TEXT, at) if kind in _SCALARS else ABSENT
            case "tail":
                return (How.TAIL, at) if kind in _SCALARS else ABSENT
            case "quoted":
                return self._settled({How.TEXT: _SCALARS - {Class.JSON}}, _LISTS, kind, at)
            case "first":
                hits = {How.TEXT: _SCALARS - {Class.JSON}, How.FIRST: frozenset((Class.WORDS,))}
                return self._settled(hits, frozenset(), kind, at)
            case "whole":
                return (How.WHOLE if kind == Class.JSON else How.TEXT, at)
            case "integer" | "milliseconds":
                return self._number(kind, at, How.NUMBER)
            case "seconds":
                return self._number(kind, at, How.SECONDS if kind == Class.DECIMAL else How.NUMBER)
            case "cost" | "total":
                absent = (
                    _LISTS | {Class.BOOLEAN, Class.ZERO}
                    if alias.read == "cost"
                    else frozenset((Class.BOOLEAN, Class.ZERO))
                )
                return self._settled({How.NUMBER: frozenset((Class.INTEGER, Class.DECIMAL))}, absent, kind, at)
            case "boolean":
                return self._settled(
                    {How.TEXT: frozenset((Class.BOOLEAN,))}, _NUMBERS | _LISTS | {Class.DIGITS}, kind, at
                )
            case "present":
                return (How.TRUE, 0)
            case "streams":
                return self._streams(seen)
            case "strings":
                hits = {How.COMMAS: frozenset((Class.TEXT,)), How.TEXT: frozenset()}
                return self._settled({**hits, How.STRINGS: frozenset((Class.WORDS,))}, frozenset(), kind, at)
            case "last_user" | "answer_text":
                messages = How.LAST_USER if alias.read == "last_user" else How.ANSWER
                hits = {How.TEXT: _SCALARS - {Class.JSON}, messages: frozenset((Class.JSON,))}
                return self._settled(hits, frozenset(), kind, at)
            case "tool_calls":
                absent = _SCALARS if at in self.simple else _SCALARS - {Class.JSON}
                return self._settled({}, absent, kind, at)
            case "documents" | "input_usage" | "output_usage":
                return self._settled({}, _SCALARS - {Class.JSON}, kind, at)
        raise Unplanned

    @staticmethod
    def _settled(hits: Mapping[How, frozenset[Class]], absent: frozenset[Class], kind: Class, at: int) -> Pick:
        for how, kinds in hits.items():
            if kind in kinds:
                return (how, at)
        if kind in absent:
            return ABSENT
        raise Unplanned

    def _number(self, kind: Class, at: int, how: How) -> Pick:
        hits = {how: frozenset((Class.DIGITS, Class.ZERO, Class.INTEGER, Class.DECIMAL))}
        return self._settled(hits, _LISTS | {Class.BOOLEAN}, kind, at)

    @staticmethod
    def _streams(seen: _Seen) -> Pick:
        if seen.kind in _LISTS:
            return ABSENT
        word = words.WORD_OF.get(seen.word)
        if word is None:
            raise Unplanned
        return (How.TRUE if "stream" in word else How.FALSE, 0)

    def _family(self, alias: Indexed) -> Pick:
        family = words.FAMILIES[alias.prefix]
        members = self.shape.families.get(family)
        if members is None:
            return ABSENT
        known = set(words.SUFFIXES[alias.prefix].values())
        if family in self.shape.odd_families or not {1, 2} <= known or alias.read == "documents":
            raise Unplanned
        turns = [_turn(members[number]) for number in sorted(members)]
        if alias.read == "tool_calls":
            return ABSENT
        if alias.read == "last_user":
            said = next((seen for role, seen in reversed(turns) if role in _USER), None)
            return (How.TEXT, said.at) if said is not None else ABSENT
        role, said = turns[-1]
        return (How.TEXT, said.at) if role in _ASSISTANT else ABSENT


def _turn(members: dict[int, _Seen]) -> tuple[str, _Seen]:
    """Role and text of one numbered message; only the plainest kind."""
    role, said = members.get(1), members.get(2)
    if role is None or said is None or said.kind not in (Class.TEXT, Class.DIGITS, Class.BOOLEAN):
        raise Unplanned
    word = words.WORD_OF.get(role.word, "")
    if word not in words.ROLES:
        raise Unplanned
    return word, said
