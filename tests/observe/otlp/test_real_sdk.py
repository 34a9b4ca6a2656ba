"""The OpenTelemetry SDK itself, with its defaults, against the edge."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from homeostat.observe.otlp.schema import TracesData
from homeostat.store.spool.writer import SpoolFull
from tests.loop.serving import running_edge


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_spans_arrive_although_the_spool_was_full_for_a_while(tmp_path: Path, compression: Compression) -> None:
    with running_edge(tmp_path) as edge:
        edge.spool.failure = SpoolFull("no room", 1)
        threading.Timer(0.5, lambda: setattr(edge.spool, "failure", None)).start()
        provider = TracerProvider(shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"http://127.0.0.1:{edge.port}/v1/traces", compression=compression)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("tests")
        for number in range(20):
            with tracer.start_as_current_span(f"span {number}", attributes={"gen_ai.operation.name": "chat"}):
                pass
        provider.shutdown()
        found = [TracesData.FromString(envelope.body) for envelope in edge.spool.envelopes if not envelope.outcome]
        names = {
            span.name.decode() for data in found for r in data.resource_spans for s in r.scope_spans for span in s.spans
        }
        assert names == {f"span {number}" for number in range(20)}
