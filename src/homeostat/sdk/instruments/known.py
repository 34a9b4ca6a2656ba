"""Instrumentors that somebody else wrote: found by entry point, one for each library, only those that we know."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Final

#: Modules of families that tell calls to models, best first.
_FAMILIES: Final = ("opentelemetry.instrumentation.genai.", "openinference.instrumentation.")
#: OpenLLMetry's, and OpenTelemetry's older ones, share a namespace with web frameworks and databases.
_LIBRARIES: Final = frozenset({
    "agno", "aleph_alpha", "alephalpha", "anthropic", "bedrock", "cohere", "crewai", "google_generativeai",
    "google_genai", "groq", "haystack", "langchain", "llamaindex", "llama_index", "mcp", "mistralai", "ollama",
    "openai", "openai_agents", "openai_agents_v2", "openai_v2", "replicate", "sagemaker", "together",
    "transformers", "vertexai", "voyageai", "watsonx", "writer",
})  # fmt: skip
_SHARED: Final = "opentelemetry.instrumentation."
_SAME: Final = {"llamaindex": "llama_index", "openai_v2": "openai", "openai_agents_v2": "openai_agents"}
#: What must be importable for a library to be there at all, where it is called otherwise.
_IMPORTS: Final = {
    "langchain": "langchain_core",
    "llama_index": "llama_index",
    "openai_agents": "agents",
    "bedrock": "botocore",
    "google_genai": "google.genai",
}
#: OpenTelemetry's own tell texts only when asked.
_CAPTURE: Final = {
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
}


def found(points: Iterable[EntryPoint] | None = None) -> dict[str, EntryPoint]:
    """Library to its best instrumentor."""
    listed = entry_points(group="opentelemetry_instrumentor") if points is None else points
    best: dict[str, tuple[int, EntryPoint]] = {}
    for point in listed:
        judged = _judged(point)
        if judged is None:
            continue
        rank, library = judged
        if library not in best or rank < best[library][0]:
            best[library] = (rank, point)
    return {library: point for library, (_, point) in sorted(best.items())}


def _judged(point: EntryPoint) -> tuple[int, str] | None:
    """How good it is, and for what; None when it is not one of those we know."""
    module = point.value.partition(":")[0]
    for rank, family in enumerate(_FAMILIES):
        if module.startswith(family):
            return rank, _library(module.removeprefix(family))
    name = module.removeprefix(_SHARED).partition(".")[0]
    if module.startswith(_SHARED) and name in _LIBRARIES:
        return len(_FAMILIES), _library(name)
    return None


def _library(name: str) -> str:
    first = name.partition(".")[0]
    return _SAME.get(first, first)


def importable(library: str) -> bool:
    """Whether the library itself is installed; what we cannot tell, its instrumentor checks."""
    name = _IMPORTS.get(library, library)
    try:
        return find_spec(name) is not None or library not in _IMPORTS
    except (ImportError, ValueError):
        return False


def switch_on(point: EntryPoint, provider: Any, captures: bool) -> None:
    """Load it and start it."""
    if captures:
        for name, value in _CAPTURE.items():
            os.environ.setdefault(name, value)
    instrumentor = point.load()()
    if not getattr(instrumentor, "is_instrumented_by_opentelemetry", False):
        instrumentor.instrument(tracer_provider=provider)
