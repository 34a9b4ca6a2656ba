"""What kind of work a span tells about: every dialect's word for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CALLS: Final = ("call", "embedding")

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "call": (
        "chat", "generate_content", "text_completion", "llm", "generation", "chat_model", "completion",
        "generate", "responses", "text.completions", "ai.generatetext.dogenerate", "ai.streamtext.dostream",
        "ai.generateobject.dogenerate", "ai.streamobject.dostream", "ai.generate_text.do_generate",
        "dogenerate", "dostream", "chat.completions", "acompletion", "atext_completion", "aresponses",
        "invoke_model", "converse", "image_generation", "model",
    ),
    "embedding": (
        "embeddings", "embedding", "embed", "aembedding", "ai.embed.doembed", "ai.embedmany.doembed", "doembed",
        "embedder",
    ),
    "tool": (
        "execute_tool", "tool", "ai.toolcall", "function", "tool_call", "mcp", "tools/call",
        "execute_event_loop_tool", "tool.execute",
    ),
    "retriever": (
        "retrieval", "retriever", "reranker", "rerank", "search", "search_memory", "vectordb", "vector_db",
        "query", "ai.rerank.dorerank", "vector_store",
    ),
    "agent": (
        "invoke_agent", "create_agent", "agent", "ai.generatetext", "ai.streamtext", "ai.generateobject",
        "ai.streamobject", "react", "crew", "agent.run", "chat_client", "orchestrate_tools",
    ),
    "chain": (
        "chain", "workflow", "invoke_workflow", "task", "span", "parser", "prompt", "prompt_template",
        "event", "unknown", "plan", "ai.embed", "ai.embedmany", "ai.rerank", "memory", "handoff", "decision",
        "pipeline", "framework", "execute_task", "execute_event_loop_cycle",
        "advisor", "util", "flow", "flowstep", "action",
    ),
    "evaluator": (
        "evaluator", "guardrail", "evaluate", "evaluation", "guard",
    ),
}  # fmt: skip

#: lower-case word -> op
OPS: Final[dict[str, str]] = {word: op for op, words in _WORDS.items() for word in words}

#: last word of the name of a component's class -> op
COMPONENTS: Final = {"Generator": "call", "Retriever": "retriever", "Ranker": "retriever", "Agent": "agent"}

#: Without a word for it: the first of these attributes that is there says the op.
OP_MARKS: Final[tuple[tuple[str, str], ...]] = (
    ("pydantic_ai.all_messages", "agent"),
    ("all_messages_events", "agent"),
    ("gen_ai.aggregated_usage.input_tokens", "agent"),
    ("retrieval.documents.0.document.content", "retriever"),
    ("gen_ai.retrieval.documents", "retriever"),
    ("gen_ai.retrieval.query.text", "retriever"),
    ("gen_ai.tool.call.arguments", "tool"),
    ("gen_ai.tool.call.result", "tool"),
    ("db.vector.query.content", "retriever"),
    ("embedding.model_name", "embedding"),
    ("embedding.embeddings.0.embedding.text", "embedding"),
    ("gen_ai.evaluation.name", "evaluator"),
    ("evaluations.0.evaluation.name", "evaluator"),
    ("mastra.model_step.input", "call"),
    ("gen_ai.response.id", "call"),
    ("gen_ai.response.model", "call"),
    ("gen_ai.usage.input_tokens", "call"),
    ("gen_ai.usage.prompt_tokens", "call"),
    ("gen_ai.completion.0.content", "call"),
    ("gen_ai.prompt.0.content", "call"),
    ("llm.output_messages.0.message.role", "call"),
    ("llm.token_count.prompt", "call"),
    ("llm.model_name", "call"),
    ("mlflow.llm.model", "call"),
    ("gen_ai.request.model", "call"),
)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A span with this op, and `key` among its attributes, is only around the real thing when it has none of `needs`.

    Unless its content is hidden: then `hidden` (attribute, value) holds, and nothing can be told.
    """

    op: str
    key: str
    needs: tuple[str, ...]
    hidden: tuple[str, str]
    becomes: str


_HIDDEN: Final = ("input.value", "__REDACTED__")
#: LlamaIndex calls every method of a model class LLM (EMBEDDING); only the innermost one holds messages or tokens.
WRAPPERS: Final = (
    Wrapper(
        "call",
        "openinference.span.kind",
        (
            "llm.input_messages.0.message.role",
            "llm.output_messages.0.message.role",
            "llm.token_count.prompt",
            "llm.token_count.total",
            "llm.prompts.0.prompt.text",
            "llm.prompts",
            "llm.choices.0.completion.text",
            "gen_ai.operation.name",
        ),
        _HIDDEN,
        "chain",
    ),
    Wrapper(
        "embedding",
        "openinference.span.kind",
        (
            "embedding.embeddings.0.embedding.text",
            "embedding.embeddings.0.embedding.vector",
            "embedding.invocation_parameters",
            "llm.token_count.prompt",
            "llm.token_count.total",
            "gen_ai.operation.name",
        ),
        _HIDDEN,
        "chain",
    ),
)
