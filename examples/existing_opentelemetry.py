"""An application that has OpenTelemetry already: one variable is changed, not a line of it.

Run it: `python examples/existing_opentelemetry.py` (needs no key).
"""

from __future__ import annotations

import json
import os

from local import RUN, answer_to, arrived, homeostat_server


def application() -> None:
    """As it was before anybody had heard of Homeostat."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = trace.get_tracer("shop", tracer_provider=provider)
    for question in ("Can I return it?", "When do you ship?"):
        with tracer.start_as_current_span("chat gpt-4o-mini") as span:
            span.set_attributes({
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 20,
                "gen_ai.usage.output_tokens": 9, "user.id": "anna", "session.id": RUN,
                "gen_ai.input.messages": json.dumps([{"role": "user", "content": question}]),
                "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": answer_to(question)}]),
            })  # fmt: skip
    provider.shutdown()


def main() -> None:
    with homeostat_server() as url:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = url  # this is the one
        application()
        for item in arrived(url, 2, f"&session={RUN}"):
            print(f"{item['model']}  {item['input']} -> {item['output']}  ${item['cost'] or 0:.6f}")


if __name__ == "__main__":
    main()
