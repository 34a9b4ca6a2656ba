"""Payloads of real SDKs, span by span: the rows of the complete path, or left to it; some must not be left to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.warehouse.client import Warehouse

from ..exact.recorded import SETS, envelope, envelopes
from ..test_frameworks import ASKED, recorded
from .segment import Both, expected, same

#: Of each set at least so many spans are read by the engine. Raise it when more are; it must not fall.
FAST: Final = {
    "a_genai_openai_event": 21, "a_genai_openai_span": 15, "b_openinference_openai": 2, "c2_genai_anthropic": 13,
    "c_openinference_anthropic": 8, "d_traceloop": 5, "f_logfire_pydanticai": 15, "h_langchain_openinference": 3,
    "i_llamaindex_openinference": 6, "j_openlit": 27, "m_vercel_ai": 2,
}  # fmt: skip
#: Of each set at most so many spans go the complete path; of all others at least the words are all that Python reads.
ODD: Final = {"g_mlflow": 3, "m_vercel_ai": 1}


@pytest.fixture(scope="module")
def both(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    yield Both(warehouse, tmp_path_factory.mktemp("fast"), "recorded")


@pytest.mark.parametrize("name", SETS)
def test_recorded_rows_are_the_same(both: Both, name: str) -> None:
    bodies = [part for body in envelopes(name) if body.part is Part.TRACES for part in spans(body)]
    slow, dropped, found = both.run(bodies)
    outcomes, rows = expected(bodies, slow)
    same(found, rows)
    assert dropped == outcomes
    assert len(found) - both.fast.closely >= FAST.get(name, 0)
    assert len(slow) <= ODD.get(name, 0)


def test_rows_of_frameworks_are_the_same(both: Both) -> None:
    bodies = [part for name in ASKED for one in recorded(name) if one.part is Part.TRACES for part in spans(one)]
    slow, dropped, found = both.run(bodies)
    outcomes, rows = expected(bodies, slow)
    same(found, rows)
    assert dropped == outcomes
    assert len(found) > len(slow)


def spans(body: Envelope) -> Iterator[Envelope]:
    """An envelope for every span, so that an odd one does not take the others along."""
    request = ExportTraceServiceRequest.FromString(body.body)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for one in scope.spans:
                alone = ExportTraceServiceRequest()
                group = alone.resource_spans.add(resource=resource.resource)
                group.scope_spans.add(scope=scope.scope).spans.append(one)
                yield envelope(alone.SerializeToString())
