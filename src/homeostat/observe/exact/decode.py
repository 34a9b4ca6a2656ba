"""OTLP bodies as plain records: spans and log records with their resource and scope, values as Python objects."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any

from homeostat.observe.exact.values import Attributes, add, add_all, text, value_of
from homeostat.observe.exact.wire import fields


@dataclass(slots=True)
class Event:
    """Something that happened within a span."""

    name: str = ""
    time: int = 0
    attributes: Attributes = field(default_factory=dict)


@dataclass(slots=True)
class Link:
    """A span that this one names."""

    trace_id: bytes = b""
    span_id: bytes = b""
    attributes: Attributes = field(default_factory=dict)


@dataclass(slots=True)
class Item:
    """A span, or a log record (then `raw` is its bytes and `body` what it says)."""

    trace_id: bytes = b""
    span_id: bytes = b""
    parent_id: bytes = b""
    name: str = ""
    kind: int = 0
    start: int = 0
    end: int = 0
    status_code: int = 0
    status_message: str = ""
    attributes: Attributes = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    resource: Attributes = field(default_factory=dict)
    scope: str = ""
    scope_version: str = ""
    observed: int = 0
    severity_number: int = 0
    severity_text: str = ""
    body: Any = None
    raw: bytes = b""
    flags: set[str] = field(default_factory=set)


def spans(body: bytes, first: int = 0, only: Container[int] | None = None) -> Iterator[tuple[int, Item]]:
    """The spans of a traces request, each with its position (counted from `first`); `only`: those at these."""
    for ordinal, (resource, scope, record) in enumerate(_items(body), first):
        if only is None or ordinal in only:
            yield ordinal, _span(record, resource, scope)


def logs(body: bytes) -> Iterator[tuple[int, Item]]:
    """Every log record of a logs request, each with its position."""
    for ordinal, (resource, scope, record) in enumerate(_items(body)):
        yield ordinal, _log(record, resource, scope)


def _items(body: bytes) -> Iterator[tuple[Item, Item, bytes]]:
    for number, group in fields(body):
        if number != 1 or not isinstance(group, bytes):
            continue
        resource = Item()
        for inner, value in fields(group):
            if inner == 1 and isinstance(value, bytes):
                add_all(value, 1, resource.resource, resource.flags)
        for inner, value in fields(group):
            if inner == 2 and isinstance(value, bytes):
                scope = _scope(value)
                for deepest, record in fields(value):
                    if deepest == 2 and isinstance(record, bytes):
                        yield resource, scope, record


def _scope(group: bytes) -> Item:
    scope = Item()
    for number, value in fields(group):
        if number == 1 and isinstance(value, bytes):
            for inner, part in fields(value):
                if inner == 1:
                    scope.scope = text(part, scope.flags)
                elif inner == 2:
                    scope.scope_version = text(part, scope.flags)
    return scope


def _start(resource: Item, scope: Item) -> Item:
    return Item(
        resource=resource.resource,
        scope=scope.scope,
        scope_version=scope.scope_version,
        flags=resource.flags | scope.flags,
    )


def _span(record: bytes, resource: Item, scope: Item) -> Item:
    item = _start(resource, scope)
    for number, value in fields(record):
        if isinstance(value, int):
            if number == 6:
                item.kind = value
            elif number == 7:
                item.start = value
            elif number == 8:
                item.end = value
        elif number == 9:
            add(value, item.attributes, item.flags)
        elif number == 11:
            item.events.append(_event(value, item.flags))
        elif number == 13:
            item.links.append(_link(value, item.flags))
        elif number == 1:
            item.trace_id = value
        elif number == 2:
            item.span_id = value
        elif number == 4:
            item.parent_id = value
        elif number == 5:
            item.name = text(value, item.flags)
        elif number == 15:
            _status(value, item)
    return item


def _log(record: bytes, resource: Item, scope: Item) -> Item:
    item = _start(resource, scope)
    item.raw = record
    for number, value in fields(record):
        if isinstance(value, int):
            if number == 1:
                item.start = item.end = value
            elif number == 11:
                item.observed = value
            elif number == 2:
                item.severity_number = value
        elif number == 6:
            add(value, item.attributes, item.flags)
        elif number == 5:
            item.body = value_of(value, item.flags)
        elif number == 9:
            item.trace_id = value
        elif number == 10:
            item.span_id = value
        elif number == 3:
            item.severity_text = text(value, item.flags)
        elif number == 12:
            item.name = text(value, item.flags)
    return item


def _status(data: bytes, item: Item) -> None:
    for number, value in fields(data):
        if number == 2:
            item.status_message = text(value, item.flags)
        elif number == 3 and isinstance(value, int):
            item.status_code = value


def _event(data: bytes, flags: set[str]) -> Event:
    event = Event()
    for number, value in fields(data):
        if number == 1 and isinstance(value, int):
            event.time = value
        elif number == 2:
            event.name = text(value, flags)
        elif number == 3 and isinstance(value, bytes):
            add(value, event.attributes, flags)
    return event


def _link(data: bytes, flags: set[str]) -> Link:
    link = Link()
    for number, value in fields(data):
        if isinstance(value, int):
            continue
        if number == 1:
            link.trace_id = value
        elif number == 2:
            link.span_id = value
        elif number == 4:
            add(value, link.attributes, flags)
    return link
