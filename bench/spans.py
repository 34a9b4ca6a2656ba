"""Lifelike LLM spans as ready-made OTLP bodies: built once, given fresh ids before every send."""

from __future__ import annotations

import json
import os
import random
import struct
import time
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MODELS = (
    ("openai", "gpt-4o-mini", 5),
    ("openai", "gpt-4o", 2),
    ("anthropic", "claude-sonnet-4-5", 2),
    ("google", "gemini-2.5-flash", 1),
)
_TEXT = """
order parcel refund invoice kettle warranty shipping customer account premium discount return policy error update
login password express delivery address country payment card voucher manual filter limescale copper lid spout handle
store email phone hour day week please thank where when why how much long does cover can cannot still again before after
"""
WORDS = _TEXT.split()
NEEDLE = "zanzibar"


@dataclass
class Body:
    """One request and where its ids stand in it, and its times, if they are to be new as well."""

    raw: bytearray
    spans: int
    ids: list[tuple[int, int]]
    answers: list[int]
    times: list[tuple[int, int]] = field(default_factory=list)
    made: int = field(default_factory=time.time_ns)

    def fresh(self) -> bytes:
        """The same request as if it were new: other traces, other spans, other response ids."""
        later = time.time_ns() - self.made
        for start, told in self.times:
            struct.pack_into("<Q", self.raw, start, told + later)
        noise = os.urandom(24 * len(self.ids))
        at = 0
        for start, length in self.ids:
            self.raw[start : start + length] = noise[at : at + length]
            at += length
        text = os.urandom(9 * len(self.answers)).hex().encode()
        for number, start in enumerate(self.answers):
            self.raw[start : start + 18] = text[18 * number : 18 * number + 18]
        return bytes(self.raw)


def text(rng: random.Random, size: int) -> str:
    out: list[str] = []
    while size > 0:
        out.append(rng.choice(WORDS))
        size -= len(out[-1]) + 1
    return " ".join(out)


def body(rng: random.Random, spans: int, *, spread_seconds: float, moving: bool = False) -> Body:
    """A request of single-span traces of about 4.6 kB, their ends spread over so many seconds.

    `moving`: before whenever it is sent, and not before it was made.
    """
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "bench"
    scope = resource.scope_spans.add()
    scope.scope.name = "bench"
    for _ in range(spans):
        fill(scope.spans.add(), rng, spread_seconds)
    raw = request.SerializeToString()
    ids, answers = [], []
    for span in scope.spans:
        ids += [(raw.index(span.trace_id), 16), (raw.index(span.span_id), 8)]
    at = raw.find(b"resp-")
    while at >= 0:
        answers.append(at + 5)
        at = raw.find(b"resp-", at + 5)
    times = [told for span in scope.spans for told in (span.start_time_unix_nano, span.end_time_unix_nano)]
    places = [(raw.index(struct.pack("<Q", told)), told) for told in times] if moving else []
    return Body(bytearray(raw), spans, ids, answers, places)


def fill(span: object, rng: random.Random, spread_seconds: float) -> None:
    provider, model, _ = rng.choices(MODELS, weights=[one[2] for one in MODELS])[0]
    question, answer = text(rng, rng.randint(300, 1500)), text(rng, rng.randint(300, 1500))
    if rng.random() < 0.01:
        question += " " + NEEDLE
    took = int(min(30.0, rng.lognormvariate(0, 0.7)) * 1e9)
    start = time.time_ns() - int(rng.random() * spread_seconds * 1e9) - took
    span.trace_id, span.span_id = rng.randbytes(16), rng.randbytes(8)  # type: ignore[attr-defined]
    span.name = f"chat {model}"  # type: ignore[attr-defined]
    span.start_time_unix_nano, span.end_time_unix_nano = start, start + took  # type: ignore[attr-defined]
    told: dict[str, str | int | float] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.response.id": f"resp-{rng.randbytes(9).hex()}",
        "gen_ai.usage.input_tokens": len(question) // 4,
        "gen_ai.usage.output_tokens": len(answer) // 4,
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": question}]}]),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": answer}], "finish_reason": "stop"}]
        ),
        "user.id": f"user-{rng.randrange(500)}",
        "session.id": f"session-{rng.randrange(2000)}",
        "openinference.span.kind": "LLM",
        "llm.model_name": model,
        "input.value": question,
        "input.mime_type": "text/plain",
        "output.value": answer,
        "output.mime_type": "text/plain",
        "llm.token_count.prompt": len(question) // 4,
        "llm.token_count.completion": len(answer) // 4,
    }
    for key, value in told.items():
        kept = span.attributes.add(key=key).value  # type: ignore[attr-defined]
        if isinstance(value, str):
            kept.string_value = value
        elif isinstance(value, int):
            kept.int_value = value
        else:
            kept.double_value = value
    if rng.random() < 0.02:
        span.status.code, span.status.message = 2, "RateLimitError: 429"  # type: ignore[attr-defined]


def pool(
    spans: int, *, total: int = 4096, seed: int = 7, spread_seconds: float = 3600, moving: bool = False
) -> list[Body]:
    """Bodies of so many spans each, about `total` distinct spans together."""
    rng = random.Random(seed)
    count = max(8, total // spans)
    return [body(rng, spans, spread_seconds=spread_seconds, moving=moving) for _ in range(count)]
