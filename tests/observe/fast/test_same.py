"""Whatever OTLP says: the fast path gives the rows of the complete one, or leaves the envelope to it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from homeostat.observe.dialects import FIELDS, OP_MARKS, OPS, Alias
from homeostat.store.spool.envelope import Envelope
from homeostat.store.warehouse.client import Warehouse

from ..exact.made import START, request, span
from ..exact.recorded import RECEIVED, envelope
from .segment import Both, expected, same

NAMED = sorted({alias.key for field in FIELDS for alias in field.aliases if isinstance(alias, Alias)} | set(dict(OP_MARKS)))
RESOURCE = sorted({a.key for field in FIELDS for a in field.aliases if isinstance(a, Alias) and a.where == "resource"})
NUMBERED = [
    f"{prefix}{n}{suffix}"
    for prefix in ("llm.input_messages.", "llm.output_messages.", "gen_ai.prompt.", "gen_ai.completion.")
    for n in (0, 1, 10)
    for suffix in (".message.role", ".message.content", ".role", ".content", ".finish_reason", ".message.tool_calls.0.x")
]
CHARACTERS = st.characters(exclude_categories=["Cs"])
SPACES = ["", " ", "\n", "\u00a0", "\u3000", "\x1f", "\x0b", "\u0085", " " * 70]
ROLES = st.sampled_from(["user", "assistant", "system", "tool", "human", "AI", "model", "robot", ""])
SAID = st.text(CHARACTERS, max_size=20) | st.sampled_from(["[{", '["x"]', "null", "\u2028", 'say "hi"', "\\u0000", "a\tb", "[Scrubbed due to x]"])
PARTS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(["text", "text", "text", "tool_call"]), "content": SAID}), max_size=3)
MESSAGE = (
    st.fixed_dictionaries({"role": ROLES, "parts": PARTS})
    | st.fixed_dictionaries({"role": ROLES, "content": SAID})
    | st.fixed_dictionaries({"role": ROLES, "parts": PARTS, "finish_reason": st.sampled_from(["stop", None])})
)
MESSAGES = st.builds(
    lambda told, ascii_only, close: json.dumps(told, ensure_ascii=ascii_only, separators=(",", ":") if close else None),
    st.lists(MESSAGE, max_size=4), st.booleans(), st.booleans(),
)  # fmt: skip
TEXTS = (
    st.text(CHARACTERS, max_size=12)
    | MESSAGES
    | st.sampled_from([*OPS, "Chat", "LLM", "OpenAI.chat", ".x", "true", "False", "null", "12", "007", "1e3", " 12 ", "Infinity", "-1", "4294967296",
                       "0", "0.5", "ERROR", "a, b,,c ", '{"model": "m", "id": "i"}', '"quoted"', "[Scrubbed due to 'x']", "x" * 1100, "y" * 6000])
    | st.builds("{}{}{}".format, st.sampled_from(SPACES), st.text(CHARACTERS, max_size=4), st.sampled_from(SPACES))
)  # fmt: skip
SCALARS = (
    TEXTS
    | st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 12, 999_999_999, 1_000_000_000, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, -(1 << 63)])
    | st.integers(0, 5000)
    | st.sampled_from([0.0, -0.0, 0.5, 1.0, 12.75, 1e-5, 1e16, 1e300, -3.5, 4294967295.5, float("nan"), float("inf")])
    | st.floats()
)
VALUES = SCALARS | st.recursive(
    SCALARS | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=5), inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(NAMED) | st.sampled_from(NUMBERED) | st.text(CHARACTERS, max_size=9), SCALARS | VALUES, max_size=7
)
CHAT = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 12,
    "gen_ai.response.finish_reasons": ["stop"], "gen_ai.input.messages": '[{"role": "user", "content": "why?"}]',
}  # fmt: skip
TIMES = st.sampled_from([0, 1, START, START - 86_400_000_000_000, RECEIVED + 599_000_000_000, RECEIVED + 601_000_000_000, (1 << 64) - 1])


@st.composite
def spans(draw: st.DrawFn) -> Span:
    attributes: dict[str, Any] = draw(ATTRIBUTES)
    if draw(st.booleans()):
        attributes = {**CHAT, **attributes}
    start = draw(TIMES)
    made = span(
        attributes,
        draw(st.lists(st.tuples(st.sampled_from(["exception", "x", "gen_ai.choice"]), st.just({"a": 1})), max_size=1)) if draw(st.integers(0, 9)) == 0 else [],
        trace_id=draw(st.sampled_from([bytes(16), b"t" * 16, b"t" * 16, b"u" * 16, b"short"])),
        span_id=random.Random(draw(st.integers(0, 1 << 40))).randbytes(8),
        parent_span_id=draw(st.sampled_from([b"", b"p" * 8, b"odd"])),
        name=draw(st.sampled_from(["made", "", "é", "gen_ai.evaluation.result"])),
        kind=draw(st.integers(0, 5)),
        start_time_unix_nano=start,
        end_time_unix_nano=draw(TIMES),
    )  # fmt: skip
    made.status.code = draw(st.integers(0, 2))
    made.status.message = draw(st.sampled_from(["", " ", "null", "it broke", "[Scrubbed]"]))
    return made


@st.composite
def requests(draw: st.DrawFn) -> Envelope:
    told = draw(st.lists(spans(), min_size=1, max_size=2))
    resource = draw(st.dictionaries(st.sampled_from(RESOURCE) | st.text(CHARACTERS, max_size=4), SCALARS, max_size=3))
    oldest = draw(st.sampled_from([0, 0, START - 1000, 1_000]))
    return envelope(request(*told, resource=resource), oldest=oldest, items=len(told), project=draw(st.sampled_from("pq")))


@pytest.fixture(scope="module")
def both(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    yield Both(warehouse, tmp_path_factory.mktemp("fast"), "made")


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(bodies=st.lists(requests(), min_size=60, max_size=150))
def test_rows_are_the_same(both: Both, bodies: list[Envelope]) -> None:
    slow, dropped, found = both.run(bodies)
    outcomes, rows = expected(bodies, slow)
    same(found, rows)
    assert dropped == outcomes
