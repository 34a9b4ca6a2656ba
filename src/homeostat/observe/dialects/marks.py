"""Names by which one can tell cheaply that a span or log record needs a closer look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Marks:
    """Attribute names (of a span or log record) and event names (of a span event or log record)."""

    attributes: tuple[str, ...]
    events: tuple[str, ...]


#: Rows with one of these may hold a score or a signal: only the exact path reads those.
FACT_MARKS: Final = Marks(
    attributes=(
        "gen_ai.evaluation.name",
        "evaluations.0.evaluation.name",
        "evaluations.0.evaluation.score",
        "evaluations.0.evaluation.label",
        "logfire.feedback.name",
    ),
    events=("gen_ai.evaluation.result",),
)

#: Events that carry a message each (older GenAI conventions; on spans or as log records) and who speaks in it.
MESSAGE_EVENTS: Final[dict[str, str]] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "assistant",
}

#: Where a log record says what it is called, when its own event_name is empty.
LOG_NAME_ATTRIBUTES: Final = ("event.name", "event_name")
