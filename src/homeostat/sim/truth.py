"""What really happened, kept outside the product: the true quality of every answer, and what each text really is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from homeostat.sim.faults import dimensions

#: So many first characters of an answer are enough to look it up; then the whole must agree.
_OPENING: Final = 16


@dataclass(frozen=True, slots=True)
class Truth:
    """One exchange as it really was."""

    number: int
    id: str
    at_ns: int
    user: str
    session: str
    release: str
    intent: str
    language: str
    plan: str
    country: str
    channel: str
    fault: str
    """Empty: the answer is good."""
    question: str
    answer: str

    @property
    def good(self) -> bool:
        """Would its reader call it a good answer, knowing everything?"""
        return not self.fault

    def quality(self, dimension: str) -> float | None:
        """The true value of one dimension; None where there was no answer."""
        return dimensions(self.fault).get(dimension)


@dataclass
class Book:
    """The truth of a whole world, in the order in which it happened."""

    rows: list[Truth] = field(default_factory=list)
    _by_id: dict[str, int] = field(default_factory=dict)
    _by_opening: dict[str, list[int]] = field(default_factory=dict)
    _short: dict[str, list[int]] = field(default_factory=dict)
    _indexed: int = 0

    def add(self, truth: Truth) -> None:
        """Remember one exchange."""
        self.rows.append(truth)

    def of(self, identity: str) -> Truth | None:
        """The truth about an exchange, by its id."""
        self._index()
        number = self._by_id.get(identity)
        return None if number is None else self.rows[number]

    def mentioned(self, text: str) -> Truth | None:
        """The exchange whose answer stands in a text, such as a judge is shown; best with its question."""
        self._index()
        best = (-1, 0, 0)
        for readable in {text, _plain(text)}:
            for number in self._answers_in(readable):
                row = self.rows[number]
                asked = len(row.question) if row.question in readable else 0
                best = max(best, (asked, len(row.answer), number))
        return None if best[0] < 0 else self.rows[best[2]]

    def _answers_in(self, text: str) -> Iterator[int]:
        for at in range(len(text) - _OPENING + 1):
            for number in self._by_opening.get(text[at : at + _OPENING], ()):
                if text.startswith(self.rows[number].answer, at):
                    yield number
        for answer, numbers in self._short.items():
            if answer in text:
                yield from numbers

    def share_good(self, begin: int = 0, end: int | None = None, **where: str) -> float | None:
        """The true share of good answers among some exchanges, by number and by fields."""
        some = [
            row for row in self.rows[begin:end] if all(getattr(row, name) == value for name, value in where.items())
        ]
        return round(sum(row.good for row in some) / len(some), 4) if some else None

    def write(self, path: Path) -> None:
        """One JSON line an exchange, with every dimension."""
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self.lines())

    def lines(self) -> Iterator[str]:
        """The rows as JSON."""
        for row in self.rows:
            yield json.dumps(asdict(row) | {"good": row.good, "dimensions": dimensions(row.fault)}, ensure_ascii=False)

    def digest(self) -> str:
        """The same for the same world."""
        summed = hashlib.sha256()
        for line in self.lines():
            summed.update(line.encode())
        return summed.hexdigest()

    def _index(self) -> None:
        for number in range(self._indexed, len(self.rows)):
            row = self.rows[number]
            self._by_id[row.id] = number
            if len(row.answer) >= _OPENING:
                self._by_opening.setdefault(row.answer[:_OPENING], []).append(number)
            elif row.answer:
                self._short.setdefault(row.answer, []).append(number)
        self._indexed = len(self.rows)


def _plain(text: str) -> str:
    """A text that was put into JSON, as it was before."""
    return text.replace('\\"', '"').replace("\\n", "\n")
