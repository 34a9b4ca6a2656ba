"""A question for measures, and its answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from homeostat.store.warehouse.questions.fields import FAMILIES
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.questions.measures.grammar import Measure
from homeostat.store.warehouse.questions.measures.names import DIMENSIONS
from homeostat.store.warehouse.questions.measures.steps import Step
from homeostat.store.warehouse.questions.refused import Refused

Kind = Literal["answer", "call", "all"]

KINDS: Final = ("answer", "call", "all")
MAX_BY: Final = 4
NOT_ENOUGH: Final = "not_enough_data"
#: Sums that are larger than any number that a computer has.
TOO_LARGE: Final = "too_large"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of which exchanges: those of `project` that began in [start, end) µs and pass the filters."""

    project: str
    measures: Sequence[Measure]
    start: int
    end: int
    now: datetime
    by: tuple[str, ...] = ()
    every: Step | None = None
    kind: Kind = "answer"
    filters: Filters = field(default_factory=Filters)


#: `{"measure", "at", <dimension>: text, "value", "low", "high", "n"}`, with `reason` where there is no value.
Point = dict[str, Any]


def dimensions(texts: Iterable[str]) -> tuple[str, ...]:
    """`by=model,release` and `by=attribute.tenant`: what to tell apart."""
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    for name in names:
        if name not in DIMENSIONS and not (name.startswith("attribute.") and len(name) > len("attribute.")):
            raise Refused(
                f"There is no dimension {name[:80]!r}.",
                code="unknown_dimension",
                hint=f"Known: {', '.join(DIMENSIONS)}, {FAMILIES[0]}.<key>.",
            )
    if len(set(names)) > MAX_BY:
        raise Refused(f"At most {MAX_BY} dimensions at once.")
    return tuple(dict.fromkeys(names))
