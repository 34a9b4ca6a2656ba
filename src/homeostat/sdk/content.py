"""What of the texts leaves the process. It happens in the background thread, on the encoded copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from homeostat.records.redaction import redacted
from homeostat.sdk.settings import Settings

#: Attributes and events that hold what people and models wrote, in every dialect that instrumentors speak.
CONTENT: Final = (
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.prompt",
    "gen_ai.completion", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.tool.definitions",
    "gen_ai.retrieval.documents", "gen_ai.retrieval.query", "gen_ai.content.", "input.value", "output.value",
    "llm.input_messages", "llm.output_messages", "llm.prompts", "llm.completions", "llm.prompt_template",
    "llm.invocation_parameters", "llm.tools", "retrieval.documents", "embedding.embeddings", "embedding.text",
    "reranker.", "traceloop.entity.input", "traceloop.entity.output", "tool.parameters", "tool_arguments",
    "tool_response", "all_messages_events", "pydantic_ai.all_messages", "final_result", "request_data",
    "response_data", "events", "exception.message", "exception.stacktrace", "ai.prompt", "ai.response.text",
    "ai.response.object", "ai.toolCall", "mlflow.spanInputs", "mlflow.spanOutputs",
    "langfuse.observation.input", "langfuse.observation.output", "langfuse.trace.input",
    "langfuse.trace.output", "message", "content", "body",
)  # fmt: skip
_SAID: Final = ("comment", "correction", "reason")


class Content:
    """Applies the chosen capture to encoded spans, signals and scores."""

    def __init__(self, settings: Settings) -> None:
        self._off = settings.capture == "off"
        self._ours = settings.capture == "redacted"
        self._theirs = settings.redact
        self.nothing_to_do = settings.capture == "full" and settings.redact is None

    def apply(self, request: Any) -> None:
        """Change an OTLP request in place."""
        if self.nothing_to_do:
            return
        for resource in request.resource_spans:
            self._attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self._attributes(span.attributes)
                    self._status(span)
                    for event in span.events:
                        self._attributes(event.attributes)

    def said(self, thing: Mapping[str, Any]) -> dict[str, Any]:
        """A signal or score, with what people wrote treated alike."""
        if self.nothing_to_do:
            return dict(thing)
        kept = {}
        for key, value in thing.items():
            if key in _SAID and isinstance(value, str):
                text = None if self._off else self._clean(value)
                if text is None:
                    continue
                value = text
            kept[key] = value
        return kept

    def _attributes(self, attributes: Any) -> None:
        lost = [n for n, each in enumerate(attributes) if not self._keep(each)]
        for n in reversed(lost):
            del attributes[n]

    def _keep(self, attribute: Any) -> bool:
        """False: the attribute goes. Else its texts are clean."""
        if self._off and attribute.key.startswith(CONTENT):
            return False
        return self._value(attribute.value)

    def _value(self, value: Any) -> bool:
        which = value.WhichOneof("value")
        if which == "string_value":
            if self._off:
                return True
            text = self._clean(value.string_value)
            if text is None:
                return False
            value.string_value = text
        elif which == "array_value":
            return all(self._value(each) for each in value.array_value.values)
        elif which == "kvlist_value":
            return all(self._value(each.value) for each in value.kvlist_value.values)
        return True

    def _status(self, span: Any) -> None:
        """An error's message often repeats the text that caused it."""
        if span.status.message:
            text = None if self._off else self._clean(span.status.message)
            span.status.message = "error" if text is None else text

    def _clean(self, text: str) -> str | None:
        """The text without what must not leave; None when that cannot be told: then it stays here."""
        try:
            if self._ours:
                text = redacted(text)
            if self._theirs is not None:
                answer = self._theirs(text)
                return answer if isinstance(answer, str) else None
        except Exception:  # whoever cannot clean a text must not send it
            return None
        return text
