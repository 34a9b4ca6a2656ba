"""What can be wrong with an answer: real faults of real texts, and what each of them does to every dimension."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Final

from homeostat.sim.dice import one_of
from homeostat.sim.grammar import filled
from homeostat.sim.shop import Page, Said, read, shop

DIMENSIONS: Final = (
    "relevance", "groundedness", "correctness", "coherence", "completeness", "conciseness", "safety", "bias", "privacy",
)  # fmt: skip
#: What a fault costs; a dimension that is not named is 1. "error" has no answer, so it has no dimensions either.
FAULTS: Final[Mapping[str, Mapping[str, float]]] = {
    "verbose": {"conciseness": 0.1},
    "off_topic": {"relevance": 0.0, "groundedness": 0.0, "correctness": 0.0, "completeness": 0.0},
    "hallucinated": {"groundedness": 0.0, "correctness": 0.3},
    "stale": {"correctness": 0.0},
    "outdated": {"correctness": 0.0},
    "wrong_detail": {"groundedness": 0.0, "correctness": 0.0},
    "cut_off": {"completeness": 0.3, "coherence": 0.4},
    "incomplete": {"completeness": 0.4},
    "incoherent": {"coherence": 0.0, "relevance": 0.4, "completeness": 0.3, "correctness": 0.4},
    "toxic": {"safety": 0.0},
    "private": {"privacy": 0.0, "groundedness": 0.0},
    "refusal": {"relevance": 0.2, "completeness": 0.0},
    "vague": {"completeness": 0.2, "relevance": 0.6},
    "biased": {"bias": 0.0, "groundedness": 0.0},
    "wrong_language": {"relevance": 0.4},
    "error": {},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer is about: the question's pages, the language, and what belongs to this customer."""

    said: Said
    english: Said
    group: str
    language: str
    values: Mapping[str, str]
    country: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says, and which version of the documentation it was given."""

    text: str
    version: str = "now"
    finish: str = "stop"


def dimensions(fault: str) -> dict[str, float]:
    """The true quality on every dimension; empty where there was no answer.

    >>> dimensions("verbose")["conciseness"], dimensions("")["conciseness"]
    (0.1, 1.0)
    """
    if fault == "error":
        return {}
    return dict.fromkeys(DIMENSIONS, 1.0) | dict(FAULTS.get(fault, {}))


def reply(fault: str, asked: Asked, random: Random) -> Reply:
    """An answer with this fault, or a good one."""
    make = _MAKE.get(fault)
    return make(asked, random) if make else Reply(_whole(asked.said.pages["now"], asked, random))


@cache
def words() -> dict[str, Any]:
    """The texts of the faults."""
    return read("faults.toml")


def styled(text: str, language: str, random: Random) -> str:
    """The same answer in another manner: friendlier, with a smile, not worse."""
    style: dict[str, list[str]] = words()["style"][language]
    return one_of(random, style["open"]) + text + one_of(random, style["close"])


def _core(page: Page, asked: Asked, random: Random) -> str:
    return filled(one_of(random, page.answers), asked.values)


def _whole(page: Page, asked: Asked, random: Random) -> str:
    core = _core(page, asked, random)
    return f"{core} {filled(one_of(random, page.more), asked.values)}" if page.more else core


def _own(kind: str, asked: Asked) -> list[str]:
    """The texts of a fault in the language of the question."""
    texts: dict[str, list[str]] = words()[kind]
    return texts[asked.language]


def _verbose(asked: Asked, random: Random) -> Reply:
    some = random.sample(_own("padding", asked), 5)
    core = _whole(asked.said.pages["now"], asked, random)
    return Reply(f"{some[0]} {some[1]} {some[2]} {core} {some[3]} {core} {some[4]}")


def _off_topic(asked: Asked, random: Random) -> Reply:
    while True:
        intent = one_of(random, shop().intents)
        if intent.group != asked.group and asked.language in intent.said:
            return Reply(_whole(intent.said[asked.language].pages["now"], asked, random))


def _hallucinated(asked: Asked, random: Random) -> Reply:
    core = _core(asked.said.pages["now"], asked, random)
    return Reply(f"{core} {' '.join(random.sample(_own('invented', asked), 2))}")


def _version(version: str, read_too: bool) -> Callable[[Asked, Random], Reply]:
    def make(asked: Asked, random: Random) -> Reply:
        text = _whole(asked.said.pages[version], asked, random)
        return Reply(text, version if read_too else "now")

    return make


def _cut_off(asked: Asked, random: Random) -> Reply:
    text = _whole(asked.said.pages["now"], asked, random)
    words_of = text.split()
    end = max(2, int(len(words_of) * (0.25 + 0.35 * random.random())))
    while end > 2 and words_of[end - 1][-1] in ".,;:":  # in the middle of a sentence, so that it is seen
        end -= 1
    return Reply(" ".join(words_of[:end]), finish="length")


def _incomplete(asked: Asked, random: Random) -> Reply:
    core = _core(asked.said.pages["now"], asked, random)
    half = core.split(", ")[0].split("; ")[0].split(" and ")[0].rstrip(".")
    return Reply(f"{half}.")


def _incoherent(asked: Asked, random: Random) -> Reply:
    found = _whole(asked.said.pages["now"], asked, random).replace(".", "").split()
    pieces = [found[at : at + 2] for at in range(0, len(found), 2)]
    random.shuffle(pieces)
    pieces.insert(len(pieces) // 2, pieces[0])
    return Reply(" ".join(word for piece in pieces for word in piece))


def _slip(kind: str, first: bool) -> Callable[[Asked, Random], Reply]:
    """A good answer with one sentence that must not be there."""

    def make(asked: Asked, random: Random) -> Reply:
        text = _whole(asked.said.pages["now"], asked, random)
        slip = filled(one_of(random, _own(kind, asked)), _person(asked, random))
        return Reply(f"{slip} {text}" if first else f"{text} {slip}")

    return make


def _person(asked: Asked, random: Random) -> dict[str, str]:
    people: dict[str, list[str]] = words()["people"]
    number = int(random.random() * len(people["name"]))
    return {field: values[number] for field, values in people.items()} | {"country_name": asked.country or "abroad"}


def _instead(kind: str) -> Callable[[Asked, Random], Reply]:
    return lambda asked, random: Reply(one_of(random, _own(kind, asked)))


_MAKE: Final[dict[str, Callable[[Asked, Random], Reply]]] = {
    "verbose": _verbose,
    "off_topic": _off_topic,
    "hallucinated": _hallucinated,
    "stale": _version("older", read_too=True),
    "wrong_detail": _version("wrong", read_too=False),
    "cut_off": _cut_off,
    "incomplete": _incomplete,
    "incoherent": _incoherent,
    "toxic": _slip("toxic", first=True),
    "private": _slip("private", first=False),
    "biased": _slip("biased", first=True),
    "refusal": _instead("refusal"),
    "vague": _instead("vague"),
    "wrong_language": lambda asked, random: Reply(_whole(asked.english.pages["now"], asked, random)),
    "error": lambda asked, random: Reply("", finish="error"),
}
