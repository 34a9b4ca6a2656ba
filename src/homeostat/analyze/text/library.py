"""A project's own documents, so that answers can be compared with them when the application sends none.

Texts are cut into passages and found by BM25 over stems: exact about names and numbers, and it needs no model.
"""

from __future__ import annotations

import html
import json
import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from homeostat.analyze.text.lexicon import groups
from homeostat.analyze.text.words import content, plain, words

TEXTS: Final = frozenset({".txt", ".md", ".markdown", ".rst", ".html", ".htm"})
ROWS: Final = frozenset({".jsonl", ".ndjson"})
ADDRESSES: Final = frozenset({".urls"})
_MOST_PAGES: Final = 500
_FIELDS: Final = ("text", "content", "body", "page_content", "answer")
_PASSAGE: Final = 900  # Characters of a passage: a few sentences, so that a claim is compared with its surroundings.
_K1: Final = 1.2
_B: Final = 0.6
_SHARE: Final = 0.15  # A passage that holds less of a question's weight than this is about something else.
_TAG: Final = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<[^<>]{1,2000}>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, and which document it is from."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of reading documents: the library, and what was left out and why."""

    library: Library
    left_out: tuple[str, ...]


class Library:
    """Passages that can be asked for.

    >>> shelf = Library([Passage("a", "Returns take 30 days."), Passage("b", "The shop is in Bern.")])
    >>> [found.source for found in shelf.search("how long may I return it?")]
    ['a']
    """

    def __init__(self, passages: Iterable[Passage]) -> None:
        self.passages: tuple[Passage, ...] = tuple(passages)
        self._postings: dict[str, tuple[array[int], array[int]]] = {}
        self._lengths = array("L")
        for number, passage in enumerate(self.passages):
            counts = Counter(_terms(passage.text))
            self._lengths.append(sum(counts.values()))
            for term, count in counts.items():
                at, times = self._postings.setdefault(term, (array("L"), array("L")))
                at.append(number)
                times.append(count)
        self._mean = sum(self._lengths) / max(1, len(self._lengths)) or 1.0

    def __len__(self) -> int:
        return len(self.passages)

    def search(self, question: str, answer: str = "", *, most: int = 4) -> list[Passage]:
        """The passages that fit a question and its answer best; none when nothing speaks of the matter."""
        asked = dict.fromkeys(_terms(question[:4000]), 1.0)
        for term in set(_terms(answer[:4000])):
            asked[term] = asked.get(term, 0.0) + 0.5
        points: dict[int, float] = {}
        whole = 0.0
        for term, weight in asked.items():
            rare = self._rarity(term)
            # A word that no document holds says little about which of them is meant.
            whole += weight * rare * (1.0 if term in self._postings else 0.3)
            for number, times in zip(*self._postings.get(term, ((), ())), strict=True):
                norm = times + _K1 * (1 - _B + _B * self._lengths[number] / self._mean)
                points[number] = points.get(number, 0.0) + weight * rare * times * (_K1 + 1) / norm
        best = sorted(points, key=lambda number: (-points[number], number))[:most]
        return [self.passages[number] for number in best if points[number] >= _SHARE * whole]

    def _rarity(self, term: str) -> float:
        held = len(self._postings[term][0]) if term in self._postings else 0
        return math.log(1 + (len(self.passages) - held + 0.5) / (held + 0.5))


def load(place: Path, *, get: Callable[[str], str] | None = None, most_bytes: int = 16 << 20) -> Loaded:
    """A folder of texts (`.txt .md .rst .html .jsonl`, folders within it too), or one such file.

    A file `.urls` lists addresses of pages, one a line, that `get` fetches.
    """
    left_out: list[str] = []
    passages: list[Passage] = []
    read = 0
    for file in _files(place):
        size = file.stat().st_size
        if read + size > most_bytes:
            left_out.append(f"{file.name}: more than {most_bytes >> 20} MB in all")
            continue
        read += size
        try:
            text = file.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            left_out.append(f"{file.name}: {error.strerror}")
            continue
        if file.suffix.lower() in ADDRESSES:
            pages = fetched(addresses(text), get or _no_way, most_bytes=most_bytes - read)
            passages += pages.library.passages
            left_out += pages.left_out
            continue
        for source, part in _documents(file, text, left_out):
            passages += cut(source, part)
    return Loaded(Library(passages), tuple(left_out))


def addresses(text: str) -> list[str]:
    """The lines of a list of addresses, each once; `#` begins a remark."""
    told = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in told if line and not line.startswith("#")))[:_MOST_PAGES]


def _no_way(address: str) -> str:
    raise OSError("pages are not fetched here")


def fetched(wanted: Sequence[str], get: Callable[[str], str], *, most_bytes: int = 16 << 20) -> Loaded:
    """Pages from a list of addresses that the operator gave; `get` is the caller's way out, with its walls."""
    left_out: list[str] = []
    passages: list[Passage] = []
    read = 0
    for address in wanted:
        try:
            text = get(address)
        except Exception as error:  # Whatever the way out raises, the other pages are still worth having.
            left_out.append(f"{address}: {type(error).__name__}: {error}"[:300])
            continue
        read += len(text)
        if read > most_bytes:
            left_out.append(f"{address}: more than {most_bytes >> 20} MB in all")
            break
        passages += cut(address, unmarked(text) if "<" in text[:2000] else text)
    return Loaded(Library(passages), tuple(left_out))


def cut(source: str, text: str) -> Iterator[Passage]:
    """Passages of some 900 characters at the borders of paragraphs, a heading with what stands under it."""
    held = ""
    for block in re.split(r"\n\s*\n", plain(text)):
        block = block.strip()
        if len(block) > 2 * _PASSAGE:
            block, held = f"{held}\n{block}".strip(), ""
        while len(block) > 2 * _PASSAGE:
            at = max(block.rfind(". ", 0, _PASSAGE) + 1, block.rfind("\n", 0, _PASSAGE), _PASSAGE // 2)
            yield Passage(source, block[:at].strip())
            block = block[at:].strip()
        if held and len(held) + len(block) > _PASSAGE:
            yield Passage(source, held)
            held = ""
        held = f"{held}\n{block}".strip()
    if held:
        yield Passage(source, held)


def unmarked(page: str) -> str:
    """The text of an HTML page; blocks become paragraphs."""
    broken = re.sub(r"</(?:p|div|li|h\d|tr|section|article)\s*>|<br\s*/?>", "\n\n", page, flags=re.IGNORECASE)
    return html.unescape(_TAG.sub(" ", broken))


def _files(place: Path) -> Iterator[Path]:
    """Regular files only: a link may point out of the folder that the operator named."""
    if place.is_file():
        yield place
        return
    for file in sorted(place.rglob("*")):
        if file.suffix.lower() in TEXTS | ROWS | ADDRESSES and file.is_file() and not file.is_symlink():
            yield file


def _documents(file: Path, text: str, left_out: list[str]) -> Iterator[tuple[str, str]]:
    if file.suffix.lower() in (".html", ".htm"):
        yield file.name, unmarked(text)
    elif file.suffix.lower() not in ROWS:
        yield file.name, text
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                part = _row(line)
                if part is None:
                    left_out.append(f"{file.name} line {number}: no JSON object with {', '.join(_FIELDS)}")
                else:
                    yield f"{file.name}:{number}", part


def _row(line: str) -> str | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if isinstance(row, str):
        return row
    if not isinstance(row, dict):
        return None
    found = next((row[key] for key in _FIELDS if isinstance(row.get(key), str)), None)
    head = next((row[key] for key in ("title", "question", "name") if isinstance(row.get(key), str)), "")
    return f"{head}\n{found}".strip() if found is not None else None


def _terms(text: str) -> Iterator[str]:
    """Stems, and the groups of meaning that they belong to."""
    for word in content(words(plain(text))):
        yield word.stem
        for number in groups(word.stem):
            yield f"={number}"
