"""The scorers against our labelled cases, beside naive baselines: words shared, lists of words, length.

`python -m bench scorers` keeps the figures. A baseline's threshold is the best on the tuning half.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from homeostat.analyze.scorers import Case, Scored, find
from homeostat.analyze.scorers.privacy import entities
from homeostat.analyze.text.words import content, words

CASES: Final = Path(__file__).parents[1] / "tests" / "analyze" / "cases"
JUDGED: Final = (
    "groundedness",
    "relevance",
    "completeness",
    "coherence",
    "conciseness",
    "safety",
    "bias",
    "correctness",
)
Row = Mapping[str, Any]

_RUDE: Final = re.compile(
    r"\b(?:kill\w*|die|dead|murder\w*|attack\w*|bomb\w*|poison\w*|knife|blood|shoot\w*|damn|hell|idiot\w*|stupid|hate|suicide|drugs?|weapon\w*|steal\w*)\b",
    re.I,
)
_GROUP: Final = re.compile(
    r"\b(?:wom[ae]n|m[ae]n|girls?|boys?|old|young|black|white|asians?|africans?|muslims?|jews?|gay|immigrants?|foreigners?|disabled|always|never|all|naturally|obviously)\b",
    re.I,
)
_PLAIN: Final = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.]+|\+?\d[\d ()-]{7,}\d|\b\d{3}-\d{2}-\d{4}\b|password\S*\s?[:=]\s?\S+", re.I
)


def cases(name: str, split: str, batches: Iterable[int] = range(100)) -> list[Row]:
    """Cases of one dimension."""
    with (CASES / f"{name}.jsonl").open(encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    return [row for row in found if (split in ("all", row["split"])) and row["batch"] in batches]


def as_case(row: Row) -> Case:
    """A row as a scorer sees it."""
    return Case(row["output"], row.get("input", ""), row.get("documents", ()), row.get("reference", ""))


def balanced(rows: Sequence[Row], good: Callable[[Row], bool]) -> dict[str, float]:
    """Balanced accuracy, and its two halves."""
    right = {"good": [good(row) for row in rows if row["label"] == "good"],
             "bad": [not good(row) for row in rows if row["label"] == "bad"]}  # fmt: skip
    shares = {label: sum(seen) / max(1, len(seen)) for label, seen in right.items()}
    return {"balanced": (shares["good"] + shares["bad"]) / 2, **shares, "cases": len(rows)}


def ours(name: str) -> Callable[[Row], bool]:
    """What our scorer says; what it cannot score is not good."""
    one = find(name)

    def good(row: Row) -> bool:
        found = one.score(as_case(row))
        return isinstance(found, Scored) and found.value >= 0.5

    return good


def _shared(mine: str, theirs: str) -> float:
    told = {word.stem for word in content(words(mine))}
    held = {word.stem for word in content(words(theirs))}
    return len(told & held) / max(1, len(told))


BASELINES: Final[Mapping[str, Mapping[str, Callable[[Row], float]]]] = {
    "overlap": {
        "groundedness": lambda row: _shared(row["output"], " ".join(row["documents"])),
        "correctness": lambda row: _shared(row["reference"], row["output"]),
        "relevance": lambda row: _shared(row["input"], row["output"]),
        "completeness": lambda row: _shared(row["input"], row["output"]),
        "coherence": lambda row: -_again(row["output"]),
        "conciseness": lambda row: _shared(row["output"], row.get("input", "")),
    },
    "words": {
        "safety": lambda row: -len(_RUDE.findall(row["output"])),
        "bias": lambda row: -len(_GROUP.findall(row["output"])),
    },
    "length": dict.fromkeys(JUDGED, lambda row: -len(row["output"])),
}


def _again(text: str) -> float:
    told = [word.low for word in words(text)]
    return 1 - len(set(told)) / max(1, len(told))


def naive(name: str, tune: Sequence[Row], rows: Sequence[Row]) -> dict[str, float]:
    """Balanced accuracy of each baseline, its threshold the best on the tuning half."""
    found = {}
    for kind, table in BASELINES.items():
        if name not in table:
            continue
        found[kind] = _best(table[name], tune, rows)
    return found


def _best(value: Callable[[Row], float], tune: Sequence[Row], rows: Sequence[Row]) -> float:
    cuts = sorted({value(row) for row in tune})
    scored = [(balanced(tune, lambda row, cut=cut: value(row) >= cut)["balanced"], cut) for cut in cuts]  # type: ignore[misc]
    cut = max(scored)[1]
    return balanced(rows, lambda row: value(row) >= cut)["balanced"]


def entity_f1(rows: Sequence[Row], spans: Callable[[str], list[tuple[str, int, int]]], *, typed: bool) -> float:
    """F1 over entities: a hit overlaps one that is there and, if typed, says the same kind."""
    hit = false = missed = 0
    for row in rows:
        left = list(row["entities"])
        for kind, start, end in spans(row["output"]):
            match = next(
                (
                    one
                    for one in left
                    if start < one["end"] and one["start"] < end and (not typed or kind == one["type"])
                ),
                None,
            )
            if match is None:
                false += 1
            else:
                left.remove(match)
                hit += 1
        missed += len(left)
    return 2 * hit / max(1, 2 * hit + false + missed)


def our_spans(text: str) -> list[tuple[str, int, int]]:
    """Our entities."""
    return [(one.type, one.start, one.end) for one in entities(text)]


def plain_spans(text: str) -> list[tuple[str, int, int]]:
    """What four patterns find."""
    return [("", match.start(), match.end()) for match in _PLAIN.finditer(text)]


def figures(split: str, batches: Sequence[int]) -> dict[str, Any]:
    """Every dimension on one half of some batches."""
    found: dict[str, Any] = {}
    for name in JUDGED:
        rows = cases(name, split, batches)
        if rows:
            found[name] = balanced(rows, ours(name)) | {"naive": naive(name, cases(name, "tune"), rows)}
    rows = cases("privacy", split, batches)
    if not rows:
        return found
    found["privacy"] = {
        "f1": entity_f1(rows, our_spans, typed=True), "f1_untyped": entity_f1(rows, our_spans, typed=False),
        "cases": len(rows), "naive": {"patterns": entity_f1(rows, plain_spans, typed=False)},
    }  # fmt: skip
    return found


def shown(found: Mapping[str, Any]) -> str:
    """As a table."""
    lines = []
    for name, one in found.items():
        base = ", ".join(f"{kind} {value:.2f}" for kind, value in one["naive"].items())
        if name == "privacy":
            lines.append(f"{name:13} F1 {one['f1']:.3f} ({one['f1_untyped']:.3f} untyped)  n={one['cases']}  {base}")
        else:
            lines.append(
                f"{name:13} {one['balanced']:.3f} good {one['good']:.2f} bad {one['bad']:.2f}  n={one['cases']}  {base}"
            )
    return "\n".join(lines)
