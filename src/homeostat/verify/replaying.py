"""The incident's own questions, answered once more by the old prompt and by the changed one, and judged in pairs.

Speaks for these questions and no others; it comes before a person accepts a draft, and takes the place of nothing that
comes after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.analyze.inference.claims import Expected
from homeostat.analyze.inference.replay import replay
from homeostat.analyze.scorers import Case, NotAScorer, Scored, Scorer, find
from homeostat.records.action import Action
from homeostat.records.release import Release
from homeostat.records.template import render
from homeostat.records.verdict import Verdict
from homeostat.registry import datasets
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad

Item = Mapping[str, Any]
#: Messages and parameters to a model, its text back; None: it did not answer.
Ask = Callable[[Release, list[dict[str, Any]]], str | None]


@dataclass(frozen=True, slots=True)
class Pair:
    """One question with both answers and what they are worth."""

    input: str
    old: str
    new: str
    worth: tuple[float, float]


def judge(action: Action) -> Scorer | Declined:
    """The scorer of the action's measure."""
    name = action.expects.measure.partition("score.")[2].partition(")")[0]
    try:
        return find(name)
    except NotAScorer:
        return bad(f"{action.expects.measure} is no built-in scorer's: answers that nobody saw cannot be judged by it.")


def replayed(
    action: Action, old: Release, new: Release, items: Sequence[Item], ask: Ask, *, at: int
) -> tuple[Verdict, list[Pair]] | Declined:
    """Both answer every question; the scorer of the action's measure judges. Old and new take turns in no order that
    could matter: each question is asked anew of both."""
    scorer = judge(action)
    if isinstance(scorer, Declined):
        return scorer
    pairs: list[Pair] = []
    for item in items:
        texts = [ask(release, messages(release, item)) for release in (old, new)]
        if texts[0] is None or texts[1] is None:
            continue
        found = [
            scorer.score(
                Case(
                    input=_question(item),
                    output=text or "",
                    documents=_documents(item),
                    reference=str(item.get("ideal") or ""),
                )
            )
            for text in texts
        ]
        if isinstance(found[0], Scored) and isinstance(found[1], Scored):
            pairs.append(Pair(_question(item), texts[0], texts[1], (found[0].value, found[1].value)))
    expected = Expected(max(action.expects.at_least, 1e-9), action.expects.direction == "up")
    said = replay([pair.worth[0] for pair in pairs], [pair.worth[1] for pair in pairs], expected)
    known = said.estimate == said.estimate  # NaN is unequal to itself
    verdict = Verdict(
        action.id, action.project, at, said.outcome, "replay", action.expects.measure,
        said.estimate if known else None, said.low if known else None, said.high if known else None, said.units,
        "fixes-these-cases" if said.outcome == "worked" else "nothing", final=False,
        evidence={"asked": len(items), "answered": len(pairs)},
    )  # fmt: skip
    return verdict, pairs


def messages(release: Release, item: Item) -> list[dict[str, Any]]:
    """A question as the release would be asked it."""
    documents = "\n".join(_documents(item))
    system = render(release.system, {"documents": documents})
    if documents and documents not in system:
        system = f"{system}\n\n{documents}".strip()
    first = [{"role": "system", "content": system}] if system else []
    shown = [{"role": str(each["role"]), "content": str(each["content"])} for each in release.examples]
    return [*first, *shown, *_turns(item)]


def _turns(item: Item) -> list[dict[str, Any]]:
    """The conversation up to its answer; what leads it is the release's."""
    return [each for each in datasets.asked(item) if each["role"] not in ("system", "developer")]


def _question(item: Item) -> str:
    said = item.get("input") or next(
        (each.get("content") for each in reversed(_turns(item)) if each["role"] == "user"), ""
    )
    if isinstance(said, list):
        said = "\n".join(str(part.get("text") or "") for part in said if isinstance(part, Mapping))
    return str(said or "")


def _documents(item: Item) -> tuple[str, ...]:
    return tuple(str(text) for text in item.get("documents") or ())
