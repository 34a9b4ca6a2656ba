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

#: What some senders call the provider is the framework that asked it: who answered is then not known.
FRAMEWORKS: Final = (
    "ag2", "agno", "autogen", "crewai", "dspy", "haystack", "langchain", "langgraph", "litellm", "llama-index",
    "llama_index", "llamaindex", "microsoft", "openai-agents", "openai_agents", "pydantic-ai", "pydantic_ai",
    "semantic-kernel", "semantic_kernel", "smolagents", "spring_ai", "strands", "strands-agents", "vercel",
)  # fmt: skip

#: Some senders write the name of a constant: "FinishReason.STOP" is "stop".
ENUMERATED: Final = "FinishReason."

#: What Python prints of a stream, a generator, a coroutine: where in memory it lies, and nothing of what it said.
OBJECT: Final = "<[A-Za-z0-9_.]{1,48} object(?: [A-Za-z0-9_.<>]{1,48})? at 0x[0-9a-f]{1,16}>"

#: (scope, what its conversation ids look like that it made up itself): an id that the application told, anywhere in
#: the trace, says more.
MADE_UP_SESSIONS: Final = (("pydantic-ai", "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"),)

#: Where a log record says what it is called, when its own event_name is empty.
LOG_NAME_ATTRIBUTES: Final = ("event.name", "event_name")

#: First lines of log records (Spring AI's) -> the event that they tell, and its attribute, which is the rest.
LOG_LINES: Final = {
    "Chat Model Prompt Content:": ("gen_ai.content.prompt", "gen_ai.prompt"),
    "Chat Model Completion:": ("gen_ai.content.completion", "gen_ai.completion"),
}
