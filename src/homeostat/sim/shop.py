"""The shop: its documentation, with versions, and everything customers ask about it. Made of the files in `data/`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from homeostat.sim.grammar import filled, spellings

LANGUAGES: Final = ("en", "de", "fr", "es")
#: Slots that are filled when somebody asks, because they belong to the person and not to the question.
ASKED: Final = ("order", "left", "due", "product", "spare")
Version = Literal["now", "older", "wrong"]
_NUMBER: Final = re.compile(r"(?<![\w.,-])\d+")
_TO: Final = {"en": " to ", "de": " bis ", "fr": " à ", "es": " a "}


@dataclass(frozen=True, slots=True)
class Page:
    """What one version of the documentation says, and the right answers by it."""

    snippet: str
    answers: tuple[str, ...]
    more: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A question in one language: its phrasings, and the pages: today's, the one before, and one that is wrong."""

    ask: tuple[str, ...]
    pages: Mapping[str, Page]


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that customers ask."""

    id: str
    topic: str
    group: str
    document: str
    weight: float
    buys: bool
    """Asked before buying: a bad answer can cost the purchase."""
    tool: str
    said: Mapping[str, Said]


@dataclass(frozen=True, slots=True)
class Shop:
    """Everything there is to ask and to know."""

    intents: tuple[Intent, ...]
    products: tuple[Mapping[str, str], ...]
    by_id: Mapping[str, Intent]
    by_group: Mapping[str, tuple[int, ...]]

    def phrasings(self, language: str = "en") -> int:
        """How many different questions the grammars give, before anybody adds a greeting."""
        return sum(len(set(intent.said[language].ask)) for intent in self.intents if language in intent.said)


@cache
def read(name: str) -> dict[str, Any]:
    """One of the data files; read once, and nobody changes it."""
    return tomllib.loads(files("homeostat.sim").joinpath("data", name).read_text(encoding="utf-8"))


@cache
def shop() -> Shop:
    """The shop; read once."""
    products = tuple(read("products.toml")["product"])
    intents = tuple(intent for topic in read("topics.toml")["topic"] for intent in _intents(topic, products))
    groups: dict[str, list[int]] = {}
    for number, intent in enumerate(intents):
        groups.setdefault(intent.group, []).append(number)
    by_group = {name: tuple(numbers) for name, numbers in groups.items()}
    return Shop(intents, products, {intent.id: intent for intent in intents}, by_group)


def slug(name: str) -> str:
    """A name as it stands in an address.

    >>> slug("Alba K3 Pro")
    'alba-k3-pro'
    """
    return name.lower().replace(" ", "-")


def _intents(topic: Mapping[str, Any], products: tuple[Mapping[str, str], ...]) -> Iterator[Intent]:
    rows = list(_rows(topic.get("each", ""), products))
    for key, values, by_language in rows:
        said = {}
        for language in LANGUAGES:
            told = topic if language == "en" else topic.get(language)
            if told is not None:
                own = {**topic.get("values", {}), **values, **by_language.get(language, {})}
                said[language] = _said(told, topic, own, language)
        yield Intent(
            id=f"{topic['id']}:{key}" if key else topic["id"],
            topic=topic["id"],
            group=topic["group"],
            document=filled(topic["document"], values),
            weight=topic["weight"] / len(rows),
            buys=topic.get("buy", False),
            tool=topic.get("tool", ""),
            said=said,
        )


def _rows(each: str, products: tuple[Mapping[str, str], ...]) -> Iterator[tuple[str, dict[str, str], dict[str, Any]]]:
    """Key, values, and values that differ by language, of every row that a topic is about."""
    if each == "product":
        for row in products:
            extra = {"product": row["name"], "slug": slug(row["name"]), "extra": str(int(row["warranty"]) + 1)}
            yield slug(row["name"]), {**row, **extra}, {}
    elif each == "country":
        for row in read("places.toml")["country"]:
            customs = row["customs"]
            values = {**row, "country": row["en"], "land": row["de"], "pays": row["fr"], "pais": row["es"]}
            yield row["code"], {**values, "Customs": customs[0].upper() + customs[1:]}, {}
    elif each == "error":
        errors = read("errors.toml")
        for code, device, cause in errors["codes"]:
            yield code, {"code": code, "device": device}, errors["cause"][cause]
    else:
        yield "", {}, {}


def _said(told: Mapping[str, Any], topic: Mapping[str, Any], values: Mapping[str, str], language: str) -> Said:
    def spoken(own: Mapping[str, str]) -> dict[str, str]:
        return {**own, "days": own.get("days", "").replace(" to ", _TO[language])}

    ask = tuple(filled(text, spoken(values)) for pattern in told["ask"] for text in spellings(pattern))
    now = _page(told, spoken(values))
    pages = {"now": now}
    for version in ("older", "wrong"):
        changed = told.get(version, topic.get(version))
        page = _page(told, spoken({**values, **(changed or {})}))
        # A version that says the same in this language gets other numbers, so that it really is another version.
        same = (page.answers, page.more) == (now.answers, now.more)
        pages[version] = _other_numbers(now, 2 if version == "older" else 3) if same else page
    return Said(ask, pages)


def _page(told: Mapping[str, Any], values: Mapping[str, str]) -> Page:
    def every(patterns: list[str]) -> tuple[str, ...]:
        return tuple(_sentence(filled(text, values)) for pattern in patterns for text in spellings(pattern))

    return Page(_sentence(filled(told["snippet"], values)), every(told["answer"]), every(told.get("more", [])))


def _sentence(text: str) -> str:
    """With a capital letter, also inside after a full stop that a value brought in."""
    text = re.sub(r"([.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text)
    return text[0].upper() + text[1:]


def _other_numbers(page: Page, factor: int) -> Page:
    """The same page with its numbers changed; names of products keep theirs."""

    def other(text: str) -> str:
        return _NUMBER.sub(lambda found: str(int(found[0]) * factor + 1), text)

    return Page(other(page.snippet), tuple(map(other, page.answers)), tuple(map(other, page.more)))
