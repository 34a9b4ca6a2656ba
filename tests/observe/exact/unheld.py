"""What the recorded payloads do not hold: no reader can find it there.

Set -> column -> "all", or the cases ("rag": all its calls, "rag-0": its first call).
"""

from __future__ import annotations

UNHELD: dict[str, dict[str, str | tuple[str, ...]]] = {
    # The instrumentation records no texts of embeddings.
    "a_genai_openai_event": {"input": ("rag-0",)},
    "a_genai_openai_span": {"input": ("rag-0",)},
    # The SDK joins the parts of a streamed answer without the space between them.
    "d_traceloop": {"output": ("responses_api_stream",)},
    # Langfuse sends one model name: the answered one, or the asked one when it failed. It names no provider, and its
    # observations keep the message of an answer only: its id and why it ended are lost (but for some streams).
    "e_langfuse": {
        "requested_model": "all",
        "provider": "all",
        "response_id": "all",
        "finish_reason": "all",
    },
    # A failed call tells no messages. A raw stream ends in a span that knows neither the answer's id nor its model.
    "f_logfire_pydanticai": {
        "input": ("error_429",),
        "model": ("raw_openai_instrumented-1",),
        "response_id": ("raw_openai_instrumented-1",),
    },
    "g_mlflow": {"provider": ("rag-0",)},
    # A stream: its parameters say that it is none, and LangChain's chunk has an id of its own.
    "h_langchain_openinference": {"response_id": ("stream",), "streaming": ("stream",)},
    # `llm.model_name` is the asked one, the answer is plain text; embedding spans have no usage and no provider, and
    # their text is told before the SDK replaced its line breaks.
    "i_llamaindex_openinference": {
        "model": "all",
        "response_id": "all",
        "input": ("rag-0",),
        "input_tokens": ("rag-0", "rag-1"),
        "provider": ("rag-0", "rag-1"),
    },
    # Reasoning tokens of chat completions are not told; a failed call tells no messages; parts are joined as above.
    "j_openlit": {
        "reasoning_tokens": ("multi_turn",),
        "input": ("error_429",),
        "output": ("responses_api_stream",),
    },
    "m_vercel_ai": {"model": ("rag-0",)},
    # LangChain's chunk of a stream has an id of its own, and nothing says that it was one.
    "o_langsmith": {"response_id": ("lc_stream",), "streaming": ("lc_stream",)},
    # The conventions of that time had no word for streams, nor for cached and reasoning tokens.
    "p_genai_openai_old_events": {
        "streaming": ("stream", "tool_stream"),
        "cached_tokens": ("multi_turn",),
        "reasoning_tokens": ("multi_turn",),
    },
    # A component tells what was answered, not what was asked for or who answered.
    "q_haystack": {"requested_model": "all", "provider": "all", "response_id": "all"},
    # It names the asked model only, has no words for kinds of tokens, and none for streams.
    "s_semantic_kernel": {
        "model": "all",
        "cached_tokens": "all",
        "reasoning_tokens": "all",
        "streaming": "all",
    },
    # It names the framework as the provider, and the asked model only.
    "t_strands": {
        "model": "all",
        "provider": "all",
        "response_id": "all",
        "reasoning_tokens": "all",
        "streaming": "all",
    },
    # Through chat completions the answer is told without its id and model; streams are not told as such; one of the two
    # failed calls tells no messages.
    "u_logfire_openai_agents": {
        "model": ("chat", "chat_tool", "chat_stream"),
        "response_id": ("chat", "chat_tool", "chat_stream"),
        "finish_reason": "all",
        "streaming": "all",
        "input": ("error", "chat_error"),
    },
}
