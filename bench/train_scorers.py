"""Fit the scorers' small logistic models on the tuning half of our own cases: `python -m bench.train_scorers [name …]`.

`python -m bench.train_scorers grammar FOLDER [name …]` counts the model of word order first.

Deterministic: a ridge around what reason expects, Newton's method.
What is committed is what it writes (`tests/analyze/scorers/test_trained.py`, nightly).
The held-out half is never read here. `bench.scorers` measures it.
"""

from __future__ import annotations

import ast
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import forest, stances, worldly
from bench.thesaurus import synsets
from homeostat.analyze.scorers.case import Case
from homeostat.analyze.scorers.forest import over
from homeostat.analyze.text.grammar import END, START, kind
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.words import words

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "analyze" / "cases"
WEIGHTS = ROOT / "src" / "homeostat" / "analyze" / "scorers" / "weights"
TRAINED = ("groundedness", "correctness", "relevance", "completeness", "coherence", "conciseness", "safety", "bias")
# Bad answers of these are good sentences all the same.
NATURAL = ("relevance", "safety", "bias", "conciseness", "correctness")
# The strength with which whole batches, left out, were judged best. Word lists that were written with the tuning half
# in mind flatter it: those scorers stay nearer to what reason expects.
RIDGES = {"safety": 16.0, "bias": 16.0, "relevance": 60.0}
RIDGE = 8.0
# How often the worst part of each bad text is chosen anew.
ROUNDS = 5
# An alarm about a harmless text costs more trust than a miss: at most 8 of 100 texts that look like harm.
# What passes by a question looks like an answer: of relevance the bad ones are missed.
LEAN = {"relevance": -0.2, "safety": 1.3, "bias": 0.2, "coherence": -0.1}
# Scorers that also weigh words and pairs of neighbours.
STANCES = ("safety", "bias")
# Dimensions that the practice world's plain exchanges can teach; its answers lack a reference.
WORLDLY = ("groundedness", "relevance", "completeness", "conciseness", "safety", "bias", "coherence")
# What is made from cases keeps the plain exchange right; it must not outweigh what was written.
MADE = {"groundedness": 0.3, "relevance": 0.6, "coherence": 0.15, "safety": 0.6, "bias": 0.05}
# The plain exchanges are many and alike.
PLAIN = {"groundedness": 0.3, "relevance": 0.3, "completeness": 0.4}
# Scorers whose features matter only together learn trees too.
GROWN = ("groundedness",)
# From this batch on cases are as models really answer; they are fewer than those that were written to mislead.
NATURAL_FROM, NATURAL_TRUST = 30, 10.0
# How strongly the line beside the trees is held at nothing: it has hundreds of features.
STRAIGHT, LEAST_SPREAD = 400.0, 0.1
# So much more one of them weighs where no trees are grown.
NATURAL_WEIGHT = {"relevance": 6.0, "completeness": 3.0, "coherence": 2.0}
# Beside a line that was taught as ever, few trees over the same features are enough.
FEW_TREES = {"relevance": 30}
_PLAIN_NUMBER = re.compile(r"(?<![\d.,:/-])\d{2,3}(?![\d.,:/-]*\d)")
_EXAMPLE = re.compile(r'"([^"]{15,200})"')
Array = NDArray[np.float64]


def rows(name: str, split: str) -> list[dict[str, Any]]:
    """Cases of one dimension."""
    with (CASES / f"{name}.jsonl").open(encoding="utf-8") as file:
        return [row for line in file if (row := json.loads(line))["split"] == split]


def as_case(row: Mapping[str, Any]) -> Case:
    """A row as a scorer sees it."""
    return Case(row["output"], row.get("input", ""), row.get("documents", ()), row.get("reference", ""))


def copied(tune: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sentences copied from the documents are supported, good answers to other documents are not.

    Our own cases defeat overlap on purpose; without these a model would learn that overlap is a bad sign.
    """
    held: dict[str, list[dict[str, Any]]] = {}
    for row in tune:
        if row.get("documents"):
            held.setdefault(str(row["documents"]), []).append(row)
    made = []
    keys = sorted(held)
    for at, key in enumerate(keys):
        mine, other = held[key][0], held[keys[(at + 1) % len(keys)]]
        parts = [part for document in mine["documents"] for part in sentences(document)]
        made += [mine | {"output": part, "label": "good"} for part in parts[:2]]
        made += [mine | {"output": row["output"], "label": "bad"} for row in other if row["label"] == "good"][:1]
    return made


def renumbered(tune: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A sentence of the documents, and a few words around its number, are supported; with another number neither is."""
    made = []
    for row in {str(row["documents"]): row for row in tune if row.get("documents")}.values():
        whole = " ".join(row["documents"])
        found = next(((part, held) for part in sentences(whole) if (held := _PLAIN_NUMBER.search(part))), None)
        if found is None or (other := str(2 * int(found[1][0]))) in whole:
            continue
        sentence, number = found
        few = [*sentence[: number.start()].split()[-3:], "{}", *sentence[number.end() :].split()[:3]]
        short = " ".join(few)
        made += [row | {"output": sentence[: number.start()] + other + sentence[number.end() :], "label": "bad"}]
        made += [row | {"output": short.replace("{}", number[0]), "label": "good"}]
        made += [row | {"output": short.replace("{}", other), "label": "bad"}]
    return made


def moved(tune: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The good answer to another question is no answer: what goes wrong most often in life, and in our traps never."""
    good = [row for row in tune if row["label"] == "good"]
    return [row | {"output": good[(at * 7 + 11) % len(good)]["output"], "label": "bad"} for at, row in enumerate(good)]


def broken() -> list[dict[str, Any]]:
    """Whole documents hang together; mixed with another, shuffled or torn word by word, or said twice, they do not."""
    texts = sorted({" ".join(row["documents"]) for row in rows("groundedness", "tune")})
    chance = random.Random(5)
    made = [{"output": text, "label": "good"} for text in texts]
    for at, text in enumerate(texts):
        mine, other = list(sentences(text)), list(sentences(texts[(at + 7) % len(texts)]))
        mixed = [sentence for pair in zip(mine, other, strict=False) for sentence in pair]
        strange = [*mine[:1], other[-1], *mine[1:]]
        shuffled = [_shuffled(sentence, chance) for sentence in mine]
        twice = [mine[0], mine[-1], mine[0], *mine[1:]]
        torn = [_torn(text, 2 + at % 2, chance)]
        kinds = (*(mixed, strange, shuffled, twice)[at % 2 :: 2], torn)
        made += [{"output": " ".join(one), "label": "bad"} for one in kinds]
    return made


def _torn(text: str, size: int, chance: random.Random) -> str:
    """So many words at a time stay together, and the pieces stand anywhere."""
    told = text.replace(".", "").split()
    pieces = [told[at : at + size] for at in range(0, len(told), size)]
    chance.shuffle(pieces)
    return " ".join(word for piece in pieces for word in piece)


def _shuffled(sentence: str, chance: random.Random) -> str:
    told = sentence.rstrip(".").lower().split()
    chance.shuffle(told)
    return " ".join(told).capitalize() + "."


def harmless() -> list[dict[str, Any]]:
    """Good answers about all sorts of things: what is ordinary must not sound like harm."""
    names = ("relevance", "completeness", "conciseness", "groundedness")
    good = [row for name in names for row in rows(name, "tune") if row["label"] == "good"]
    seen: dict[str, dict[str, Any]] = {row["output"]: row for row in good}
    return [{"input": row.get("input", ""), "output": row["output"], "label": "good"} for row in seen.values()]


def _told(held: Mapping[str, Any]) -> str:
    return json.dumps(held, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n"


def fit(matrix: Array, labels: Array, ridge: float, prior: Array, trust: Array) -> tuple[Array, float]:
    """Weights and bias of a logistic regression with a ridge around the prior; both classes weigh the same."""
    share = float((labels * trust).sum() / trust.sum())
    weight = trust * np.where(labels == 1, 0.5 / share, 0.5 / (1 - share))
    design = np.hstack([matrix, np.ones((len(matrix), 1))])
    penalty = np.diag([ridge] * matrix.shape[1] + [1e-2])
    centre = np.append(prior, 0.0)
    theta = centre.copy()

    def loss(at: Array) -> float:
        line = design @ at
        fall = at - centre
        return float(np.sum(weight * (np.logaddexp(0, line) - labels * line)) + fall @ penalty @ fall / 2)

    for _ in range(100):
        guess = 1 / (1 + np.exp(-np.clip(design @ theta, -30, 30)))
        gradient = design.T @ (weight * (guess - labels)) + penalty @ (theta - centre)
        curve = (design * (weight * guess * (1 - guess))[:, None]).T @ design + penalty + 1e-6 * np.eye(len(theta))
        step = np.linalg.solve(curve, gradient)
        reach = 1.0
        while reach > 1e-6 and loss(theta - reach * step) > loss(theta) - 1e-12:
            reach /= 2
        theta = theta - reach * step
        if reach * np.abs(step).max() < 1e-8:
            break
    return theta[:-1], float(theta[-1])


def balanced(values: Array, labels: Array) -> float:
    """Balanced accuracy of lines, whose zero is the value 0.5."""
    return float((np.mean(values[labels == 1] >= 0) + np.mean(values[labels == 0] < 0)) / 2)


def train(name: str) -> None:
    """Fit one scorer's model and write it."""
    for file, text in trained(name).items():
        (WEIGHTS / file).write_text(text, encoding="utf-8")


def trained(name: str) -> dict[str, str]:
    """Fit one scorer's model: its files and what is in them."""
    made_files: dict[str, str] = {}
    scorer = import_module(f"homeostat.analyze.scorers.{name}")
    prior: Mapping[str, float] = getattr(scorer, "PRIOR", {})
    real = rows(name, "tune")
    tune = (
        real
        + (copied(real) + renumbered(real) if name == "groundedness" else [])
        + (moved(real) if name == "relevance" else [])
    )
    tune += broken() if name == "coherence" else []
    tune += harmless() if name in STANCES else []
    plain_rows = worldly.rows(name) if name in WORLDLY else []
    made = len(tune) - len(real)
    tune += plain_rows
    # What an answer says in several claims is judged claim by claim.
    told: Callable[[Case], list[dict[str, float]]] = getattr(
        scorer, "claimwise", lambda case: [dict(scorer.features(case))]
    )
    found = [told(as_case(row)) or [{}] for row in tune]
    names = sorted(prior)
    labels = np.array([float(row["label"] == "good") for row in tune])
    more = NATURAL_WEIGHT.get(name, 1.0)
    written = [more if row.get("batch", 0) >= NATURAL_FROM else 1.0 for row in real]
    trust = np.array(written + [MADE.get(name, 0.0)] * made + [PLAIN.get(name, 0.1)] * len(plain_rows))
    groups = np.array(
        [sum(map(ord, str(row.get("documents") or row.get("input") or row["output"][:18]))) % 5 for row in tune]
    )
    if name in STANCES:
        for one, value in zip(found, stances.outside(tune, labels, trust, groups), strict=True):
            one[0]["stance"] = scorer.sided(one[0], float(value))
        made_files[f"stance_{name}.json"] = _told(stances.fitted(tune, labels, trust))
    matrix = np.array([[part.get(key, 0.0) for key in names] for one in found for part in one])
    owner = np.repeat(np.arange(len(found)), [len(one) for one in found])
    scale = np.maximum(matrix.std(axis=0), 0.15)
    scaled = matrix / scale
    centre = np.array([prior.get(key, 0.0) for key in names]) * scale
    ridge = RIDGES.get(name, RIDGE)

    def folds() -> float:
        lines = np.zeros(len(labels))
        for fold in range(5):
            out = groups == fold
            if out.any() and 0 < labels[~out].mean() < 1:
                weights, bias = taught(scaled, owner, labels, trust * ~out, ridge, centre)
                lines[out] = weakest(scaled @ weights + bias, owner, labels)[out]
        return balanced(lines[: len(real)], labels[: len(real)])

    weights, bias = taught(scaled, owner, labels, trust, ridge, centre)
    bias += LEAN.get(name, 0.0)
    plain = {key: round(float(w / s), 4) for key, w, s in zip(names, weights, scale, strict=True) if abs(w) > 1e-6}
    inside = balanced(weakest(scaled @ weights + bias, owner, labels), labels)
    sys.stdout.write(f"{name}: {len(tune)} cases, ridge {ridge}, folds {folds():.3f}, tuning half {inside:.3f}\n")
    if name in FEW_TREES:
        seen = sorted({key for one in found for key in one[0]})
        grown = forest.grown(forest.table([one[0] for one in found], seen), labels, trust, trees=FEW_TREES[name])
        made_files[f"forest_{name}.json"] = _told({"names": seen, **grown})
    if name in GROWN:
        natural = np.array([row.get("batch", 0) >= NATURAL_FROM for row in real] + [False] * (len(tune) - len(real)))
        made_files[f"forest_{name}.json"] = _told(trees(found, labels, np.where(natural, NATURAL_TRUST, 1.0) * trust))
    made_files[f"{name}.json"] = json.dumps({"bias": round(bias, 4), "weights": plain}, indent=1) + "\n"
    return made_files


def trees(found: list[list[dict[str, float]]], labels: Array, trust: Array) -> dict[str, Any]:
    """A forest over the features of whole texts; what is the same in all of them is left out."""
    texts = [over(parts) for parts in found]
    names = sorted({name for one in texts for name in one})
    matrix = forest.table(texts, names)
    told = np.flatnonzero(np.ptp(matrix, axis=0) > 1e-9)
    matrix = matrix[:, told]
    scale = np.maximum(matrix.std(axis=0), LEAST_SPREAD)
    weights, bias = fit(matrix / scale, labels, STRAIGHT, np.zeros(len(told)), trust)
    return {
        "names": [names[at] for at in told],
        **forest.grown(matrix, labels, trust),
        "line": [round(float(one), 4) for one in weights / scale],
        "bias": round(bias, 4),
    }


def weakest(lines: Array, owner: NDArray[np.int64], labels: Array) -> Array:
    """The lowest line of each text's parts."""
    lowest = np.full(len(labels), np.inf)
    np.minimum.at(lowest, owner, lines)
    return lowest


def taught(
    matrix: Array, owner: NDArray[np.int64], labels: Array, trust: Array, ridge: float, prior: Array
) -> tuple[Array, float]:
    """A good text is good in all its parts; of a bad one the part that is worst by what was learned so far."""
    parts = np.bincount(owner)
    weights, bias = prior, 0.0
    for _ in range(ROUNDS if parts.max() > 1 else 1):
        lines = matrix @ weights + bias
        worst = lines == weakest(lines, owner, labels)[owner]
        at = np.flatnonzero(worst)
        first = np.zeros(len(lines), dtype=bool)
        first[at[np.unique(owner[at], return_index=True)[1]]] = True
        share = np.where(labels[owner] == 1, trust[owner] / parts[owner], trust[owner] * first)
        seen = share > 0
        weights, bias = constrained(matrix[seen], labels[owner][seen], ridge, prior, share[seen])
    return weights, bias


def constrained(matrix: Array, labels: Array, ridge: float, prior: Array, trust: Array) -> tuple[Array, float]:
    """A feature whose direction is known by reason is left out when few cases say the opposite by chance."""
    keep = np.ones(len(prior), dtype=bool)
    while True:
        weights = np.zeros(len(prior))
        weights[keep], bias = fit(matrix[:, keep], labels, ridge, prior[keep], trust)
        wrong = (prior * weights < -1e-9) & keep
        if not wrong.any():
            return weights, bias
        keep &= ~wrong


def remarks() -> Iterator[str]:
    """The sentences in which our own code explains itself: docstrings, and comments of more than one line's length."""
    for file in sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("bench/*.py"), *ROOT.glob("tests/**/*.py")]):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                told = (ast.get_docstring(node) or "").split(">>>")[0].replace("\n", " ")
                yield from (part for part in sentences(told) if part.endswith(".") and "`" not in part)


def examples(folder: Path) -> Iterator[str]:
    """The sentences with which WordNet shows how words are used; the folder is that of `bench.thesaurus`."""
    for meaning in synsets(folder).values():
        yield from (told for told in _EXAMPLE.findall(meaning.gloss) if len(told.split()) >= 5)


def grammar(folder: Path) -> None:
    """Count word classes in sentences of the tuning half, of our documentation and remarks, and of WordNet."""
    # The scorer that uses the model is tuned on texts that the model has not seen: cases of coherence, and documents.
    others = [name for name in TRAINED if name not in ("coherence", "groundedness")]
    texts = {
        row["output"] for name in others for row in rows(name, "tune") if row["label"] == "good" or name in NATURAL
    }
    texts |= {row["input"] for name in others for row in rows(name, "tune") if row.get("input")}
    for page in sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md")]):
        texts |= {
            part for part in page.read_text(encoding="utf-8").split("\n\n") if part[:1].isalpha() and "`" not in part
        }
    texts |= set(remarks())
    texts |= set(examples(folder))
    one, two, three = Counter[str](), Counter[str](), Counter[str]()
    for text in sorted(texts):
        for sentence in sentences(text):
            path = [START, START, *(kind(word) for word in words(sentence)), END]
            one.update(path)
            two.update(f"{a} {b}" for a, b in pairwise(path))
            three.update(f"{a} {b} {c}" for a, b, c in zip(path, path[1:], path[2:], strict=False))
    kept = {key: count for key, count in three.items() if count > 1}
    held = {"one": dict(sorted(one.items())), "two": dict(sorted(two.items())), "three": dict(sorted(kept.items()))}
    (WEIGHTS / "grammar.json").write_text(_told(held))


if __name__ == "__main__":
    if sys.argv[1:2] == ["grammar"]:
        grammar(Path(sys.argv[2]))
    for wanted in sys.argv[3:] if sys.argv[1:2] == ["grammar"] else sys.argv[1:] or TRAINED:
        train(wanted)
