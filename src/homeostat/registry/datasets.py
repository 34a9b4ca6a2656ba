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
#: Of these some are lists of texts, and some no texts at all.
_LISTS: Final = ("documents", "tags")
_TEXTS: Final = tuple(name for name in FIELDS if name not in (*_LISTS, "messages", "good"))
#: What of a message a fine-tuning takes.
_MESSAGE: Final = ("role", "content", "name", "tool_calls", "tool_call_id")


@dataclass(frozen=True, slots=True)
class Shaping:
    """What is done to items on their way into a version."""

    deduplicate: bool = True
    redact: bool = True
    balance: bool = False
    """As many good ones as failing ones, drawn at random with a fixed seed."""
    newest_first: bool = True
    """As exchanges are found; rows of a file are told the newest last."""
    most: int = MOST


def make(
    ledger: Ledger, project: str, name: str, items: Sequence[Item], author: Author, *,
    lineage: Mapping[str, Any], note: str = "", add: bool = False, shaping: Shaping | None = None,
) -> tuple[Version, bool] | Declined:  # fmt: skip
    """The next version of a dataset, and whether it is new: the same items again are the newest version.

    `add`: to the items of the newest version; what is asked there already takes the place of what was there.
    """
    if wrong := bad_name("dataset", name, PROMPT):
        return wrong
    if unusable := _unusable(items, note):
        return unusable
    with ledger.begin():
        newest, last = datasets.get(ledger, project, name), datasets.last(ledger, project, name)
        before = _plain(datasets.items(ledger, project, name, newest.version)) if add and newest else []
        into, chosen = datasets.without_forgotten(ledger, project, items), shaping or Shaping()
        if chosen.balance and (lacking := _cannot_balance([*before, *into])):
            return lacking
        whole = shaped(into, chosen, before)
        if not whole:
            return bad("A dataset needs at least one item.")
        digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]
        if newest is not None and newest.digest == digest:
            return newest, False
        told = dict(lineage) | ({"after": newest.version} if add and newest else {})
        told |= {"deduplicate": chosen.deduplicate, "redact": chosen.redact, "balance": chosen.balance}
        made = Version(name, last + 1, len(whole), digest, told, note, author.at, author.actor)
        datasets.add(ledger, project, made, whole)
        after = {"version": made.version, "items": made.items, "digest": digest, "lineage": told}
        author.wrote(ledger, project, "dataset.create", name, after=after)
        return made, True


def withdraw(ledger: Ledger, project: str, name: str, version: int, author: Author) -> list[int]:
    """A version stays what it is, and is the newest no more: what comes next does not build on it. Tells which later
    versions hold its items."""
    with ledger.begin():
        datasets.withdraw(ledger, project, name, version)
        author.wrote(ledger, project, "dataset.withdraw", name, after={"version": version})
        told, holding = datasets.versions(ledger, project, name), {version}
        for later in reversed(told):
            if not later.withdrawn and later.lineage.get("after") in holding:
                holding.add(later.version)
        return sorted(holding - {version})


def forget(ledger: Ledger, project: str, exchanges: Sequence[str], author: Author) -> int:
    """Take exchanges out of every version of every dataset, for good: they come into no later one either. How many
    items went; the audit log says how many, and not whose."""
    with ledger.begin():
        gone = datasets.forget(ledger, project, exchanges)
        author.wrote(ledger, project, "dataset.forget", "", after={"exchanges": len(exchanges), "items": gone})
        return gone


def find(ledger: Ledger, project: str, name: str, version: int | None = None) -> Version | Declined:
    """A version; without a number the newest."""
    found = datasets.get(ledger, project, name, version)
    if found is None:
        if not version and datasets.last(ledger, project, name):
            return Declined("not_found", f"Every version of the dataset {name} was withdrawn.", "Name one: version.")
        which = f"no version {version} of the dataset {name}" if version else f"no dataset {name}"
        return Declined("not_found", f"There is {which}.", "homeostat dataset ls")
    return found


def shaped(items: Sequence[Item], shaping: Shaping, before: Sequence[Item] = ()) -> list[dict[str, Any]]:
    """Redacted, each once, as many of either kind, at most so many. `before`: what is there already, and older.

    >>> rows = [{"input": "a", "output": "x@example.com"}, {"input": "A ", "output": "again"}]
    >>> shaped(rows, Shaping())
    [{'input': 'a', 'output': '[email]'}]
    >>> shaped([{"input": "a", "output": "newer"}, {"input": "b"}], Shaping(), rows)
    [{'input': 'a', 'output': 'newer'}, {'input': 'b'}]
    >>> shaped([*rows, {"input": "b"}], Shaping(newest_first=False))
    [{'input': 'A ', 'output': 'again'}, {'input': 'b'}]
    """
    old, new = ([_kept(item, shaping) for item in some] for some in (before, items))
    kept = [*old, *new]
    if shaping.deduplicate:
        # One question once: the newest, and it stands where the older stood.
        kept = list((_once(old) | _once(new, newest_first=shaping.newest_first)).values())
    if shaping.balance:
        kept = _balanced(kept)
    return kept[: shaping.most]


def _kept(item: Item, shaping: Shaping) -> dict[str, Any]:
    kept = {name: item[name] for name in FIELDS if item.get(name) not in (None, "", [], ())}
    return _redacted(kept) if shaping.redact else kept


def _once(items: Sequence[dict[str, Any]], *, newest_first: bool = True) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in items:
        question = _question(item)
        found[question] = found.get(question, item) if newest_first else item
    return found


def checked(items: Sequence[Item]) -> Declined | None:
    """What is wrong with items that somebody wrote; None: they can be kept and exported."""
    for place, item in enumerate(items, 1):
        if wrong := _wrong(item):
            return bad(f"Item {place}: {wrong}", f"An item has {', '.join(FIELDS)}.")
    return None


def _wrong(item: Item) -> str:
    # A number is what an export gives to an item.
    if unknown := sorted(item.keys() - {*FIELDS, "number"}):
        return f"there is no field {unknown[0][:80]!r}."
    said = {name: value for name, value in item.items() if value is not None}
    if name := next((name for name in _TEXTS if not isinstance(said.get(name, ""), str)), ""):
        return f"{name} is a text." + (" What is more than a text goes into messages." if name == "input" else "")
    if name := next((name for name in _LISTS if not _texts(said.get(name, []))), ""):
        return f"{name} is a list of texts."
    if not isinstance(said.get("good", True), bool):
        return "good is true or false."
    messages = said.get("messages", [])
    if not isinstance(messages, list) or not all(_is_message(each) for each in messages):
        return "messages is a list of messages, each with role, and content or tool_calls."
    return "" if said.get("input") or messages else "it needs input or messages."


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_message(value: Any) -> bool:
    """As OpenAI has them: a content is a text or a list of parts."""
    if not isinstance(value, Mapping) or not (isinstance(value.get("role"), str) and value["role"]):
        return False
    calls, content = value.get("tool_calls"), value.get("content")
    if not isinstance(calls, list | None) or not isinstance(content, str | list | None):
        return False
    return content is not None or bool(calls)


def chat_lines(items: Sequence[Item]) -> list[dict[str, Any]]:
    """OpenAI's shape for fine-tuning: one conversation with the answer that shall be learned. Failing ones are left out
    unless somebody wrote the ideal answer."""
    return [{"messages": [*asked(item), answer]} for item in items if (answer := _taught(item))]


def preference_lines(items: Sequence[Item]) -> list[dict[str, Any]]:
    """OpenAI's shape for preferences: one question, the better answer, the worse one. An ideal answer is better than
    what was said; of several answers to one question a good one is better than a failing one."""
    return [
        {"input": {"messages": asked(better)}, "preferred_output": [_better(better)],
         "non_preferred_output": [_answered(worse)]}
        for better, worse in _pairs(items)
    ]  # fmt: skip


def left_out(items: Sequence[Item], shape: str) -> int:
    """How many items stand in no line of that shape."""
    if shape == "chat":
        return sum(_taught(item) is None for item in items)
    paired = {id(item) for pair in _pairs(items) for item in pair} if shape == "preferences" else set(map(id, items))
    return len(items) - len(paired)


def _pairs(items: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Answers to one question: the better one, and a failing one."""
    by_question: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_question[_question(item).partition("\0")[0]].append(item)
    pairs = []
    for same in by_question.values():
        best = next((item for item in same if _better(item)), None)
        failing = (item for item in same if item.get("good") is False and _answered(item))
        pairs += [(best, item) for item in failing if best and _better(best) != _answered(item)]
    return pairs


def _taught(item: Item) -> dict[str, Any] | None:
    """The answer that shall be learned."""
    return _ideal(item) or (_answered(item) if item.get("good") is not False else None)


def _better(item: Item) -> dict[str, Any] | None:
    """An answer that somebody calls good, or wrote."""
    return _ideal(item) or (_answered(item) if item.get("good") else None)


def _ideal(item: Item) -> dict[str, Any] | None:
    return {"role": "assistant", "content": item["ideal"]} if item.get("ideal") else None


def _answered(item: Item) -> dict[str, Any] | None:
    """What was answered: it stands in `output`, or at the end of the messages."""
    said = _said(item)
    if said and said[-1]["role"] == "assistant" and item.get("output") in (None, "", said[-1].get("content")):
        return said[-1]
    return {"role": "assistant", "content": item["output"]} if item.get("output") else None


def asked(item: Item) -> list[dict[str, Any]]:
    """The conversation up to its answer."""
    if said := _said(item):
        return said[:-1] if said[-1] == _answered(item) else said
    system = str(item.get("system") or "")
    documents = "\n\n".join(str(text) for text in item.get("documents") or ())
    told = f"{system}\n\n{documents}".strip() if documents else system
    first = [{"role": "system", "content": told}] if told else []
    return [*first, {"role": "user", "content": str(item.get("input") or "")}]


def _said(item: Item) -> list[dict[str, Any]]:
    messages = item.get("messages")
    # Older versions hold messages that nobody checked.
    known = [each for each in messages if _is_message(each)] if isinstance(messages, list) else []
    return [{name: each[name] for name in _MESSAGE if each.get(name) is not None} for each in known]


def _question(item: Item) -> str:
    question = item.get("input") or json.dumps(asked(item), sort_keys=True)
    folded = " ".join(str(question).lower().split())
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


def _cannot_balance(items: Sequence[Item]) -> Declined | None:
    good, failing = (sum(item.get("good") is side for item in items) for side in (True, False))
    if good and failing:
        return None
    told = f"{good} good, {failing} failing, of {len(items) - good - failing} nobody knows"
    return bad(f"There is nothing to balance: {told}.", "Collect both kinds, with --good and with --failing.")


def _plain(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [{name: value for name, value in item.items() if name != "number"} for item in items]


def _unusable(items: Sequence[Item], note: str) -> Declined | None:
    if len(items) > MOST:
        return bad(f"A dataset has at most {MOST} items.")
    if bad_text(note) or any(bad_text(dict(item)) for item in items):
        return bad("Texts are whole characters, without NUL.")
    return None
