"""One object of a plain JSON request, read field by field. What is wrong is collected, so that one answer tells it all.

Names are read in snake_case or camelCase. A field that nobody asked for is no error: `rest` has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

#: Names, ids and labels are cut here: a longer one is a mistake, and every index would pay for it.
NAME_CHARS: Final = 1024
_MOST_COUNT: Final = (1 << 32) - 1
_SECONDS, _MILLIS, _MICROS = 1e11, 1e14, 1e17
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2262, 1, 1, tzinfo=UTC)
_TIME_FIX: Final = 'write ISO 8601 such as "2026-01-31T12:00:00Z", or a Unix time in seconds'


@dataclass(frozen=True, slots=True)
class Wrong:
    """A field that cannot be used, and how to write it."""

    field: str
    message: str


class Item:
    """A JSON object on its way to a fact."""

    def __init__(self, value: dict[str, Any], received_ns: int, text_limit: int) -> None:
        self.value = value
        self.wrong: list[Wrong] = []
        self.cut: list[str] = []
        self._received_ns = received_ns
        self._text_limit = text_limit
        self._names = {_snake(name): name for name in value}
        self._used: set[str] = set()

    def pick(self, *names: str) -> Any:
        """The first of these fields that is there and not null."""
        found = None
        for name in names:
            spelt = self._names.get(name)
            if spelt is not None and found is None and self.value[spelt] is not None:
                found = self.value[spelt]
                self._used.add(spelt)
            elif spelt is not None and self.value[spelt] is None:
                self._used.add(spelt)
        return found

    def rest(self) -> dict[str, Any]:
        """Fields that nobody picked."""
        return {name: value for name, value in self.value.items() if name not in self._used}

    def refuse(self, field: str, message: str) -> None:
        """Note what is wrong with a field."""
        self.wrong.append(Wrong(field, message))

    def name(self, *names: str) -> str:
        """A short text: numbers are written out, long ones are cut."""
        value = self.pick(*names)
        if value is None:
            return ""
        if isinstance(value, dict | list):
            self.refuse(names[0], "must be a string")
            return ""
        return self.shorten(names[0], text_of(value), names=True)

    def text(self, *names: str) -> str:
        """A text of any length; anything else is kept as JSON."""
        value = self.pick(*names)
        return "" if value is None else self.shorten(names[0], text_of(value))

    def shorten(self, field: str, text: str, *, names: bool = False) -> str:
        """The text, cut and noted when it is longer than a name or a text may be."""
        limit = NAME_CHARS if names else self._text_limit
        if len(text) <= limit:
            return text
        self.cut.append(field)
        return text[:limit]

    def number(self, *names: str) -> float | None:
        """A finite number; true and false count as 1 and 0."""
        value = self.pick(*names)
        return None if value is None else self.finite(names[0], value)

    def finite(self, field: str, value: Any) -> float | None:
        """`value` as a finite number, else a note."""
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
        self.refuse(field, "must be a finite number, such as 0.9")
        return None

    def count(self, *names: str) -> int | None:
        """A whole number from 0 to 4,294,967,295."""
        value = self.pick(*names)
        if value is None:
            return None
        number = self.finite(names[0], value)
        if number is None:
            return None
        if not number.is_integer() or not 0 <= number <= _MOST_COUNT:
            self.refuse(names[0], f"must be a whole number from 0 to {_MOST_COUNT}")
            return None
        return int(number)

    def object(self, *names: str) -> dict[str, Any]:
        """A JSON object; a string or list is kept under the field's own name."""
        value = self.pick(*names)
        if value is None:
            return {}
        return value if isinstance(value, dict) else {names[0]: value}

    def time(self, *names: str) -> datetime | None:
        """An instant in UTC."""
        value = self.pick(*names)
        if value is None:
            return None
        moment = _moment(value)
        if moment is None:
            self.refuse(names[0], f"is no time that can be kept: {_TIME_FIX}")
        return moment

    def received(self) -> datetime:
        """When the request came."""
        return datetime.fromtimestamp(self._received_ns // 1000 / 1e6, UTC)

    def one_of(self, field: str, value: str, allowed: Sequence[str]) -> str:
        """`value` when it is allowed."""
        if value not in allowed:
            self.refuse(field, f"must be one of {', '.join(allowed)}")
        return value


def written(moment: datetime) -> str:
    """ISO 8601 with microseconds, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def text_of(value: Any) -> str:
    """Texts as they are, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _moment(value: Any) -> datetime | None:
    try:
        if isinstance(value, str) and not _is_number(value):
            moment = datetime.fromisoformat(value.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        elif isinstance(value, bool | dict | list):
            return None
        else:
            moment = datetime.fromtimestamp(_seconds(float(value)), UTC)
        return moment if _EARLIEST <= moment < _LATEST else None
    except (ValueError, OverflowError, OSError):
        return None


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit() and len(text) > 8


def _seconds(value: float) -> float:
    """A Unix time in seconds, milli-, micro- or nanoseconds: its size tells which."""
    for limit, unit in ((_SECONDS, 1.0), (_MILLIS, 1e3), (_MICROS, 1e6)):
        if abs(value) < limit:
            return value / unit
    return value / 1e9


def _snake(name: str) -> str:
    if name.islower():
        return name
    return "".join("_" + char.lower() if char.isupper() else char for char in name).lstrip("_")
