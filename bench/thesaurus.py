"""Make `analyze/lexicon/thesaurus.txt.gz` from the WordNet 3.0 files: `python -m bench.thesaurus FOLDER`.

FOLDER is `/usr/share/wordnet` of Debian's package wordnet-base. Kept are single words in their most frequent senses:
which mean the same, what is one step more general, what is the opposite, and which words explain them.
"""

from __future__ import annotations

import gzip
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from homeostat.analyze.text.words import content, stem, words

TARGET: Final = Path(__file__).parents[1] / "src" / "homeostat" / "analyze" / "lexicon" / "thesaurus.txt.gz"
_MOST_SENSES: Final = {"noun": 3, "verb": 3, "adj": 3, "adv": 2}
_LETTER: Final = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
Place = tuple[str, str]


class Synset:
    """One meaning: its words, the meanings that it points to, and its explanation."""

    def __init__(self, line: str) -> None:
        head, _, self.gloss = line.partition(" | ")
        part = head.split()
        count = int(part[3], 16)
        self.words = [part[4 + 2 * at].split("(")[0].lower() for at in range(count)]
        rest = part[5 + 2 * count :]
        self.points = [
            (rest[at], (_LETTER[rest[at + 2]], rest[at + 1]), rest[at + 3])
            for at in range(0, 4 * int(part[4 + 2 * count]), 4)
        ]


def synsets(folder: Path) -> dict[Place, Synset]:
    """Every meaning by its place."""
    found = {}
    for kind in _MOST_SENSES:
        for line in (folder / f"data.{kind}").read_text(encoding="latin-1").splitlines():
            if not line.startswith("  "):
                found[kind, line[:8]] = Synset(line)
    return found


def senses(folder: Path) -> Iterator[tuple[str, list[Place]]]:
    """Single words with their most frequent meanings; a meaning that no tagged text holds counts only as the first."""
    for kind, most in _MOST_SENSES.items():
        for line in (folder / f"index.{kind}").read_text(encoding="latin-1").splitlines():
            part = line.split()
            if line.startswith("  ") or not part[0].isalpha() or not 2 < len(part[0]) <= 14:
                continue
            tagged, places = int(part[-int(part[2]) - 1]), part[-int(part[2]) :]
            yield part[0], [(kind, place) for place in places[: max(1, min(most, tagged))]]


def parts_of_speech(folder: Path) -> dict[str, str]:
    """What a stem mostly is: `n`, `v`, `a`, `r`, or two when both are common, by WordNet's tagged text."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    number = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
    for line in (folder / "cntlist.rev").read_text(encoding="latin-1").splitlines():
        key, _, count = line.split()
        lemma, _, rest = key.partition("%")
        if lemma.isalpha():
            counts[stem(lemma)][number[rest[0]]] += int(count)
    for kind, letter in (("noun", "n"), ("verb", "v"), ("adj", "a"), ("adv", "r")):
        for line in (folder / f"index.{kind}").read_text(encoding="latin-1").splitlines():
            lemma = line.split(" ", 1)[0]
            if lemma.isalpha():
                counts[stem(lemma)][letter] += 1
    found = {}
    for lemma, each in counts.items():
        most = sum(each.values())
        kept = [letter for letter in sorted(each, key=lambda one: -each[one]) if each[letter] >= 0.25 * most]
        found[lemma] = "".join(kept[:2])
    return found


def main() -> None:
    """Write the file: a stem, its meanings, broader meanings, opposites, explaining stems, kind of word."""
    folder = Path(sys.argv[1])
    known = synsets(folder)
    speech = parts_of_speech(folder)
    mine: dict[str, set[Place]] = defaultdict(set)
    first: dict[str, Place] = {}
    for lemma, places in senses(folder):
        key = stem(lemma)
        mine[key].update(places)
        first.setdefault(key, places[0])
    numbers: dict[Place, int] = {}

    def number(place: Place) -> str:
        return str(numbers.setdefault(place, len(numbers)))

    shared: dict[Place, int] = defaultdict(int)
    for meanings in mine.values():
        for place in meanings:
            shared[place] += 1
    glosses = {key: _explaining(known[first[key]].gloss) - {key} for key in mine}
    heard = Counter(word for gloss in glosses.values() for word in gloss)
    lines = []
    for key in sorted(mine):
        own = sorted(mine[key])
        broader, against, kin = set[Place](), set[str](), set[Place]()
        for place in own:
            for symbol, other, _ in known[place].points:
                if symbol in ("@", "&") and shared[other] and shared[other] <= 40:
                    broader.add(other)
                elif symbol == "+" and shared[other]:
                    kin.add(other)
            against |= _opposites(known, place, key)
        same = [place for place in {*own, *kin} if shared[place] > 1 or place in own]
        # The rarer a word is in explanations the more it tells: a digit from 1 to 9 behind it says how much.
        weights = {one: round(math.log(len(glosses) / heard[one])) for one in glosses[key]}
        explained = [
            f"{one}{min(9, max(1, weights[one]))}" for one in sorted(weights, key=lambda one: (-weights[one], one))
        ]
        lines.append(
            "\t".join(
                (
                    key,
                    " ".join(sorted(map(number, same))),
                    " ".join(sorted(map(number, broader))),
                    " ".join(sorted(against)),
                    " ".join(sorted(explained[:12])),
                    speech.get(key, ""),
                )
            )
        )
    text = "\n".join(lines) + "\n"
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    sys.stdout.write(f"{len(lines)} stems, {TARGET.stat().st_size >> 10} kB\n")


def _explaining(gloss: str) -> set[str]:
    found = {word.stem for word in content(words(gloss.split('; "')[0]))}
    return {one for one in found if one.isalpha() and len(one) > 2}


def _opposites(known: dict[Place, Synset], place: Place, key: str) -> set[str]:
    """The words that are marked as the opposite of this very word, not of its synonyms."""
    one = known[place]
    found = set()
    for symbol, other, which in one.points:
        if symbol == "!":
            source, target = int(which[:2], 16), int(which[2:], 16)
            if source and stem(one.words[source - 1]) == key:
                found.add(stem(known[other].words[target - 1]))
    return {word for word in found if word.isalpha()}


if __name__ == "__main__":
    main()
