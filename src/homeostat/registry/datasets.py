"""Datasets: versions that never change, made from exchanges, with where every item came from."""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from homeostat.records.redaction import redacted
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.registry.names import PROMPT, bad, bad_name, bad_text
from homeostat.store.ledger import Ledger, datasets
from homeostat.store.ledger.datasets import Version

MOST: Final = 100_000
Item = Mapping[str, Any]
#: What an item may say; `good` is true or false, or null where nobody knows.
FIELDS: Final = ("input", "output", "ideal", "system", "documents", "messages", "good", "exchange", "release", "tags")


@dataclass(frozen=True, slots=True)
class Shaping:
    """What is done to items on their way into a version."""

    deduplicate: bool = True
    redact: bool = True
    balance: bool = False
    """As many good ones as failing ones, drawn at random with a fixed seed."""
    most: int = MOST


def make(
    ledger: Ledger, project: str, name: str, items: Sequence[Item], author: Author, *,
    lineage: Mapping[str, Any], note: str = "", add: bool = False, shaping: Shaping | None = None,
) -> tuple[Version, bool] | Declined:  # fmt: skip
    """The next version of a dataset, and whether it is new: the same items again are the newest version.

    `add`: behind the items of the newest version.
    """
    if wrong := bad_name("dataset", name, PROMPT):
        return wrong
    if unusable := _unusable(items, note):
        return unusable
    with ledger.begin():
        newest = datasets.get(ledger, project, name)
        before = _plain(datasets.items(ledger, project, name, newest.version)) if add and newest else []
        whole = shaped([*before, *items], shaping or Shaping())
        if not whole:
            return bad("A dataset needs at least one item.")
        digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]
        if newest is not None and newest.digest == digest:
            return newest, False
        told = dict(lineage) | ({"after": newest.version} if add and newest else {})
        number = newest.version + 1 if newest else 1
        made = Version(name, number, len(whole), digest, told, note, author.at, author.actor)
        datasets.add(ledger, project, made, whole)
        after = {"version": made.version, "items": made.items, "digest": digest, "lineage": told}
        author.wrote(ledger, project, "dataset.create", name, after=after)
        return made, True


def forget(ledger: Ledger, project: str, exchanges: Sequence[str], author: Author) -> int:
    """Take exchanges out of every version of every dataset, for good; how many items went. The audit log says how many,
    and not whose."""
    with ledger.begin():
        gone = datasets.forget(ledger, project, exchanges)
        author.wrote(ledger, project, "dataset.forget", "", after={"exchanges": len(exchanges), "items": gone})
        return gone


def find(ledger: Ledger, project: str, name: str, version: int | None = None) -> Version | Declined:
    """A version; without a number the newest."""
    found = datasets.get(ledger, project, name, version)
    if found is None:
        which = f"no version {version} of the dataset {name}" if version else f"no dataset {name}"
        return Declined("not_found", f"There is {which}.", "homeostat dataset ls")
    return found


def shaped(items: Sequence[Item], shaping: Shaping) -> list[dict[str, Any]]:
    """Redacted, each once, as many of either kind, at most so many.

    >>> rows = [{"input": "a", "output": "x@example.com"}, {"input": "A ", "output": "again"}]
    >>> shaped(rows, Shaping())
    [{'input': 'a', 'output': '[email]'}]
    """
    kept = [{name: item[name] for name in FIELDS if item.get(name) not in (None, "", [], ())} for item in items]
    if shaping.redact:
        kept = [_redacted(item) for item in kept]
    if shaping.deduplicate:
        # One question once: the first one told is the newest.
        kept = list({_question(item): item for item in reversed(kept)}.values())[::-1]
    if shaping.balance:
        kept = _balanced(kept)
    return kept[: shaping.most]


def chat_lines(items: Sequence[Item]) -> list[dict[str, Any]]:
    """OpenAI's shape for fine-tuning: one conversation with the answer that shall be learned. Failing ones are left out
    unless somebody wrote the ideal answer."""
    return [
        {"messages": [*_asked(item), {"role": "assistant", "content": item.get("ideal") or item["output"]}]}
        for item in items
        if item.get("ideal") or (item.get("output") and item.get("good") is not False)
    ]


def preference_lines(items: Sequence[Item]) -> list[dict[str, Any]]:
    """OpenAI's shape for preferences: one question, the better answer, the worse one. An ideal answer is better than
    what was said; of several answers to one question a good one is better than a failing one."""
    by_question: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_question[_question(item).partition("\0")[0]].append(item)
    lines = []
    for same in by_question.values():
        better = [item.get("ideal") or item.get("output") for item in same if item.get("ideal") or item.get("good")]
        best = next(iter(better), "")
        worse = [str(item["output"]) for item in same if item.get("output") and item.get("good") is False]
        lines += [
            {"input": {"messages": _asked(same[0])},
             "preferred_output": [{"role": "assistant", "content": best}],
             "non_preferred_output": [{"role": "assistant", "content": bad_answer}]}
            for bad_answer in worse if best and best != bad_answer
        ]  # fmt: skip
    return lines


def _asked(item: Item) -> list[dict[str, str]]:
    if item.get("messages"):
        return [{"role": str(said["role"]), "content": str(said["content"])} for said in item["messages"]]
    system = str(item.get("system") or "")
    documents = "\n\n".join(str(text) for text in item.get("documents") or ())
    told = f"{system}\n\n{documents}".strip() if documents else system
    first = [{"role": "system", "content": told}] if told else []
    return [*first, {"role": "user", "content": str(item.get("input") or "")}]


def _question(item: Item) -> str:
    asked = item.get("input") or json.dumps(item.get("messages") or [], sort_keys=True)
    folded = " ".join(str(asked).lower().split())
    # A failing and a good answer to one question are a pair, not the same twice.
    return f"{folded}\0{item.get('good')}" if item.get("good") is not None else folded


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {key: part if key == "exchange" else _redacted(part) for key, part in value.items()}
    return [_redacted(part) for part in value] if isinstance(value, list | tuple) else value


def _balanced(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    good = [item for item in items if item.get("good") is True]
    bad_ones = [item for item in items if item.get("good") is False]
    few = min(len(good), len(bad_ones))
    dice = random.Random(0)
    chosen = {id(item) for side in (good, bad_ones) for item in dice.sample(side, few)}
    return [item for item in items if id(item) in chosen or item.get("good") is None]


def _plain(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [{name: value for name, value in item.items() if name != "number"} for item in items]


def _unusable(items: Sequence[Item], note: str) -> Declined | None:
    if len(items) > MOST:
        return bad(f"A dataset has at most {MOST} items.")
    if bad_text(note) or any(bad_text(dict(item)) for item in items):
        return bad("Texts are whole characters, without NUL.")
    return None
