"""The customers: who they are, how they write, and what they do with what they got."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any, Final

from homeostat.sim.dice import Dice, lasts, one_of
from homeostat.sim.shop import Intent, read, shop

_HOMES: Final = {"de": ("DE", "CH", "AT"), "fr": ("FR", "CH"), "es": ("ES", "US")}
_AGAIN: Final = ("That does not answer my question. ", "Sorry, again: ", "I still don't know: ", "No, I meant: ")
_NEXT: Final = ("And ", "One more question: ", "Also, ", "Thanks. ", "", "")
_CONTEXT: Final = (
    " I ordered about two weeks ago and paid with PayPal.", " I use it every morning before work.",
    " My husband says it should be in the manual.", " I already restarted everything twice.",
    " I need to know before the weekend.", " We just moved to a new flat.",
)  # fmt: skip


#: A sentence of context is about 0.86 of a question long.
_CONTEXT_EACH: Final = 1.17


@dataclass(frozen=True, slots=True)
class Persona:
    """A way of writing."""

    name: str
    share: float
    thumbs: float
    """How much more often than others this one gives thumbs."""
    open: tuple[str, ...] = ()
    close: tuple[str, ...] = ()
    lower: bool = False
    strip: bool = False
    typos: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """One customer, the same whenever they come."""

    number: int
    id: str
    persona: Persona
    plan: str
    channel: str
    country: str
    language: str

    def lies_in(self, where: Mapping[str, Sequence[str]]) -> bool:
        """Does this user belong to a segment?"""
        own = {"plan": self.plan, "channel": self.channel, "country": self.country, "language": self.language}
        return all(own[name] in allowed for name, allowed in where.items() if name in own)


@dataclass(frozen=True, slots=True)
class Signal:
    """What somebody did about an answer, `after` so many seconds."""

    name: str
    after: float
    value: float | None = None
    comment: str = ""
    about: str = "exchange"


@dataclass(frozen=True, slots=True)
class Writing:
    """How questions are written just now; a scenario changes it."""

    slang: float = 0.0
    synonyms: float = 0.0
    longer: float = 1.0


@cache
def facts() -> dict[str, Any]:
    """Shares, rates and delays, as `data/people.toml` says them."""
    return read("people.toml")


@cache
def personas() -> tuple[Persona, ...]:
    """The ways of writing. Thumbs are scaled so that their mean over all is one."""
    rows = facts()["persona"]
    mean = sum(row["share"] * row["thumbs"] for row in rows)
    made = []
    for row in rows:
        told = {**row, "thumbs": row["thumbs"] / mean}
        told |= {name: tuple(row.get(name, ())) for name in ("open", "close")}
        made.append(Persona(**told))
    return tuple(made)


class Chooser:
    """Weighted choice from a table, by one throw."""

    def __init__(self, table: Mapping[str, float]) -> None:
        self.names = tuple(table)
        self._edges = list(accumulate(table.values()))

    def __call__(self, throw: float) -> str:
        return self.names[min(bisect(self._edges, throw * self._edges[-1]), len(self.names) - 1)]


@dataclass
class Crowd:
    """All customers there can be; each is made once, from the seed and their number."""

    seed: int
    _known: dict[tuple[int, str], User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._dice = Dice(self.seed, "users")
        segments = facts()["segments"]
        self._choose = {name: Chooser(segments[name]) for name in ("plan", "channel", "country")}
        self._persona = Chooser({str(at): one.share for at, one in enumerate(personas())})

    def user(self, number: int, languages: Chooser) -> User:
        """The customer of this number, where languages have these shares just now."""
        random = self._dice.at(number)
        language = languages(random.random())
        found = self._known.get((number, language))
        if found is None:
            plan, channel, country = (self._choose[name](random.random()) for name in ("plan", "channel", "country"))
            home = _HOMES.get(language)
            persona = personas()[int(self._persona(random.random()))]
            found = User(number, f"u-{number:06d}", persona, plan, channel,
                         one_of(random, home) if home else country, language)  # fmt: skip
            self._known[number, language] = found
        return found


def question(intent: Intent, user: User, turn: str, writing: Writing, values: Mapping[str, str], random: Random) -> str:
    """What this customer types. `turn`: first, next or again."""
    text = one_of(random, intent.said[user.language].ask)
    for name in ("order", "product", "spare"):
        if "{" in text:
            text = text.replace(f"{{{name}}}", values[name])
    if user.language == "en":
        text = _manner(text, user.persona, turn, writing, random)
    if random.random() < (writing.longer - 1.0) * _CONTEXT_EACH:
        text += one_of(random, _CONTEXT)
    return text


def _manner(text: str, persona: Persona, turn: str, writing: Writing, random: Random) -> str:
    if writing.synonyms and random.random() < writing.synonyms:
        text = _swapped(text, facts()["synonyms"]["words"])
    if writing.slang and random.random() < writing.slang:
        told: dict[str, Any] = facts()["slang"]
        opening, closing = str(one_of(random, told["open"])), str(one_of(random, told["close"]))
        return opening + _swapped(text, told["words"]).rstrip("?") + closing
    if turn != "first":
        text = one_of(random, _AGAIN if turn == "again" else _NEXT) + text
    elif persona.open and random.random() < 0.6:
        text = one_of(random, persona.open) + text
    elif not persona.lower and random.random() < 0.7:
        text = text[0].upper() + text[1:]
    if persona.close and random.random() < 0.4:
        text += one_of(random, persona.close)
    if persona.strip:
        text = text.rstrip("?.")
    if persona.typos and random.random() < 0.6:
        at = 1 + int(random.random() * (len(text) - 3))
        text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text.lower() if persona.lower and "KW-" not in text and "E-" not in text else text


def _swapped(text: str, table: Mapping[str, str]) -> str:
    for old, new in table.items():
        if old in text:
            text = text.replace(old, new)
    return text


def belongings(random: Random, day: int) -> dict[str, str]:
    """What belongs to this customer: an order, an appliance, dates. `day` counts from 1970."""
    product = one_of(random, shop().products)
    left = day - 1 - int(random.random() * 4)
    return {
        "order": f"KW-{1000 + int(random.random() * 9000)}",
        "product": product["name"],
        "spare": product["spare"],
        "left": _date(left),
        "due": _date(left + 3 + int(random.random() * 4)),
    }


@cache
def _date(day: int) -> str:
    from datetime import date, timedelta

    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def reactions(user: User, fault: str, buys: bool, last: bool, random: Random) -> list[Signal]:
    """What this customer does after an answer. `last`: the conversation ends here."""
    after: dict[str, dict[str, Any]] = facts()["after"]
    good = not fault
    mark = "good" if good else "bad"
    found: list[Signal] = []
    thumbs = after["thumbs"]
    if random.random() < thumbs["rate"] * user.persona.thumbs:
        value = 1.0 if random.random() < thumbs["up"][mark] else -1.0
        comment = _comment(fault, value > 0, random)
        found.append(Signal("thumbs", lasts(random, *thumbs["delay"]), value, comment))
    for name in ("rating", "survey"):
        told = after[name]
        # A survey comes by mail to those whose conversation is over; the rate is per exchange all the same.
        if random.random() < told["rate"]:
            stars = 1.0 + bisect(list(accumulate(told[mark])), random.random() * 0.999999)
            found.append(Signal(name, lasts(random, *told["delay"]), min(stars, 5.0),
                                about="session" if name == "survey" else "exchange"))  # fmt: skip
    for name in ("chat_closed", "purchase_abandoned", "human_requested", "came_back", "answer_copied"):
        told = after[name]
        hit = random.random() < told[mark]
        if hit and (buys or name != "purchase_abandoned") and (last or name not in ("chat_closed", "came_back")):
            about = {"answer_copied": "exchange", "human_requested": "exchange", "came_back": "user"}
            found.append(Signal(name, lasts(random, *told["delay"]), about=about.get(name, "session")))
    return found


def _comment(fault: str, happy: bool, random: Random) -> str:
    if random.random() >= 0.25:
        return ""
    comments: dict[str, list[str]] = facts()["comments"]
    return one_of(random, comments.get("good" if happy else {"outdated": "stale"}.get(fault, fault), ("",)))
