"""The attributes that the SDK writes: OpenTelemetry's names where there are any, so that others can read them too."""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["answer", "call", "embedding", "tool", "retriever", "agent", "chain", "evaluator"]

INPUT: Final = "input.value"
OUTPUT: Final = "output.value"
DOCUMENTS: Final = "gen_ai.retrieval.documents"
FIRST: Final = "gen_ai.response.time_to_first_chunk"
STREAMS: Final = "gen_ai.request.stream"
OPERATION: Final = "gen_ai.operation.name"
ERROR: Final = "error.type"
USER: Final = "user.id"
SESSION: Final = "session.id"
TAGS: Final = "tag.tags"
RELEASE: Final = "homeostat.release"
ROUTE: Final = "homeostat.route"
ENVIRONMENT: Final = "deployment.environment.name"

#: Our words for kinds of work, in OpenTelemetry's.
OPERATIONS: Final = {
    "answer": "chain",
    "chain": "chain",
    "call": "chat",
    "embedding": "embeddings",
    "tool": "execute_tool",
    "retriever": "retrieval",
    "agent": "invoke_agent",
    "evaluator": "evaluator",
}
