"""What may stand in a scenario's file, and the words for what may not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


class BadScenario(Exception):
    """A scenario that cannot be played; the message says where, why, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Field:
    """A kind of value: what it must be, in words, and how it is read."""

    must: str
    read: Callable[[Any, str], Any]


Table = Mapping[str, Field]


def _plain(must: str, fits: Callable[[Any], bool], make: Callable[[Any], Any] = lambda value: value) -> Field:
    def read(value: Any, place: str) -> Any:
        if not fits(value):
            raise BadScenario(f"{place} must be {must}, not {value!r}.")
        return make(value)

    return Field(must, read)


def number(least: float, most: float) -> Field:
    """A number between two others."""

    def fits(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most

    return _plain(f"a number from {least:g} to {most:g}", fits, float)


def share() -> Field:
    """A share of something."""
    return number(0, 1)


def count(least: int, most: int) -> Field:
    """A whole number."""

    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most

    return _plain(f"a whole number from {least} to {most}", fits)


def flag() -> Field:
    """Yes or no."""
    return _plain("true or false", lambda value: isinstance(value, bool))


def text() -> Field:
    """A text."""
    return _plain("a text", lambda value: isinstance(value, str) and value != "")


def some(allowed: tuple[str, ...] = ()) -> Field:
    """One or several of a few words, as a tuple; any words where none are given."""

    def fits(value: Any) -> bool:
        words = [value] if isinstance(value, str) else value
        known = isinstance(words, list) and all(isinstance(one, str) for one in words)
        return known and (not allowed or set(words) <= set(allowed))

    must = f"one or a list of {', '.join(allowed)}" if allowed else "a text or a list of texts"
    return _plain(must, fits, lambda value: (value,) if isinstance(value, str) else tuple(value))


def time() -> Field:
    """A moment of the calendar, as TOML writes it or as a text; UTC where it says nothing else."""

    def read(value: Any, place: str) -> datetime:
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise BadScenario(f"{place} must be a time such as 2026-03-02T08:00:00Z, not {value!r}.") from error
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)

    return Field("a time", read)


def choice(allowed: tuple[str, ...]) -> Field:
    """One of a few words."""
    return _plain(f"one of {', '.join(allowed)}", lambda value: value in allowed)


def moment() -> Field:
    """A place in the story: an exchange's number, `start` or `onset`."""

    def fits(value: Any) -> bool:
        return value in ("start", "onset") or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)

    return _plain("`start`, `onset` or the number of an exchange", fits)


def mapping(fields: Table | None) -> Field:
    """A table of its own with these fields; None: any names, with shares as values."""

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, Mapping):
            raise BadScenario(f"{place} must be a table.")
        if fields is None:
            return {name: share().read(one, f"{place}: `{name}`") for name, one in value.items()}
        for name in value:
            if name not in fields:
                raise BadScenario(f"{place}: unknown field `{name}`; allowed are {', '.join(fields)}.")
        return {name: fields[name].read(one, f"{place}: `{name}`") for name, one in value.items()}

    return Field("a table", read)


def table(fields: Table | None) -> Field:
    """A list of tables (`[[name]]`); None: read later, because the fields depend on their kind."""

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
            raise BadScenario(f"{place} must be written as [[…]] tables.")
        if fields is None:
            return value
        return [mapping(fields).read(row, f"{place} {at}") for at, row in enumerate(value, 1)]

    return Field("tables", read)
