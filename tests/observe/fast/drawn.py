"""Requests drawn at random: every name that the alias table knows, every kind of value, odd ones among plain ones."""

from __future__ import annotations

import json
import random
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from homeostat.observe.dialects import FIELDS, OP_MARKS, OPS, Alias
from homeostat.store.spool.envelope import Envelope

from ..exact.made import START, request, span
from ..exact.recorded import RECEIVED, envelope

_ALIASES = [alias for field in FIELDS for alias in field.aliases if isinstance(alias, Alias)]
NAMED = sorted({alias.key for alias in _ALIASES} | set(dict(OP_MARKS)))
OFTEN = [
    key
    for key in NAMED
    if key.startswith(("gen_ai.request.", "gen_ai.usage.", "gen_ai.response.", "llm.", "session", "user"))
]
RESOURCE = sorted({alias.key for alias in _ALIASES if alias.where == "resource"})
NUMBERED = [
    f"{prefix}{n}{suffix}"
    for prefix in ("llm.input_messages.", "llm.output_messages.", "gen_ai.prompt.", "gen_ai.completion.")
    for n in (0, 1, 10)
    for suffix in (
        ".message.role",
        ".message.content",
        ".role",
        ".content",
        ".finish_reason",
        ".message.tool_calls.0.x",
    )
]
LETTERS = "abc XYZ.0\"'\\/\t\n\x01\x1f\x7f\u0085\u00a0é\u2028ß字😀{}[]:,"
SPACES = ["", " ", "\n", "\u00a0", "\u3000", "\x1f", "\x0b", "\u0085", " " * 58, " " * 70]
ROLES = ["user", "user", "assistant", "assistant", "system", "tool", "human", "AI", "model", "robot", ""]
PLAIN = ["hello there", "why is the sky blue?", "gpt-4o", "because of é 😀", "a\nb", 'say "hi"', "user-1", "v1.2"]
ODD = [
    "", "true", "False", "null", "12", "007", "1e3", " 12 ", "Infinity", "-1", "4294967296", "0", "0.5", "ERROR",
    "a, b,,c ", ".x",
    '{"model": "m", "id": "i"}', '"quoted"', "[Scrubbed due to 'x']", "<a.B object at 0x7f>",
    "x" * 1100, "y" * 6000, "{", "[1",
    "a\0b", '["a", "b"]', "nullable",
]  # fmt: skip
SAID = [
    *PLAIN,
    *PLAIN,
    "[{",
    '["x"]',
    "null",
    "\u2028",
    "\\u0000",
    "",
    " ",
    "[Scrubbed due to x]",
    "<a.B object at 0x0f>",
    "<b> object at 0x0f",
    "\t[ok",
    "\0",
]
NUMBERS = [0, 1, -1, 12, 999_999_999, 1_000_000_000, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, -(1 << 63)]
DOUBLES = [0.0, -0.0, 0.5, 1.0, 12.75, 1e-5, 1e16, 1e300, -3.5, 4294967295.5, float("nan"), float("inf"), 123456789.125]
TIMES = [START] * 6 + [
    0,
    1,
    START - 86_400_000_000_000,
    RECEIVED + 599_000_000_000,
    RECEIVED + 601_000_000_000,
    (1 << 64) - 1,
]
CHAT = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 12,
    "gen_ai.response.finish_reasons": ["stop"], "gen_ai.input.messages": '[{"role": "user", "content": "why?"}]',
}  # fmt: skip

PATHED = sorted({alias.key for alias in _ALIASES if alias.path and alias.where == "attributes"})
KEYS = sorted({step for alias in _ALIASES for step in alias.path[:1] if isinstance(step, str)})
UNENDED = {key: value for key, value in CHAT.items() if key != "gen_ai.response.finish_reasons"}


class Draw:
    """A source of requests; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def letters(self, most: int) -> str:
        return "".join(self.rng.choices(LETTERS, k=self.rng.randint(0, most)))

    def messages(self) -> str:
        told = []
        for _ in range(self.rng.randint(0, 4)):
            message: dict[str, Any] = {"role": self.rng.choice(ROLES)}
            if self.chance(0.6):
                kind = "text" if self.chance(0.9) else "tool_call"
                message["parts"] = [
                    {"type": kind, "content": self.rng.choice(SAID)} for _ in range(self.rng.randint(0, 3))
                ]
            else:
                message["content"] = self.rng.choice(SAID)
            if self.chance(0.4):
                message["finish_reason"] = self.rng.choice(["stop", "stop", "null", "[Scrubbed", " ", "a\nb", None])
            if self.chance(0.3):
                message["name"] = self.rng.choice(["Anna", None, 1])
            told.append(message)
        return json.dumps(told, ensure_ascii=self.chance(0.5), separators=(",", ":") if self.chance(0.5) else None)

    def object(self) -> str:
        """JSON of a map with keys that are asked for, maybe with one that is told twice or hidden by an escape."""
        keys = self.rng.choices(KEYS, k=self.rng.randint(0, 4))
        odd = (self.value(5), {self.rng.choice(KEYS): "deep"}, "\ud800", None, [1])
        told = {key: self.rng.choice(PLAIN) if self.chance(0.8) else self.rng.choice(odd) for key in keys}
        out = json.dumps(told, ensure_ascii="\ud800" in told.values() or self.chance(0.5), default=str)
        if self.chance(0.1):
            out = out.replace("m", "\\u006d", 1)
        if self.chance(0.1):
            out = out[:-1] + ', "model": "again"}'
        return out if self.chance(0.9) else self.rng.choice([" ", "\n"]) + out + self.rng.choice(["", "x", " "])

    def text(self) -> str:
        kind = self.rng.randint(0, 9)
        if kind < 4:
            return self.rng.choice(PLAIN)
        if kind < 6:
            return self.rng.choice(ODD)
        if kind < 7:
            return self.messages() if self.chance(0.5) else self.object()
        if kind < 8:
            return self.rng.choice([word.title() if self.chance(0.3) else word for word in OPS])
        if kind < 9:
            return self.rng.choice(SPACES) + self.letters(4) + self.rng.choice(SPACES)
        return self.letters(12)

    def value(self, depth: int = 0) -> Any:
        kind = self.rng.randint(0, 19)
        if kind < 12:
            return self.text()
        if kind < 14:
            return self.rng.choice(NUMBERS) if self.chance(0.5) else self.rng.randint(0, 5000)
        if kind < 16:
            return self.rng.choice(DOUBLES) if self.chance(0.5) else self.rng.random() * 10 ** self.rng.randint(-6, 18)
        if kind < 17:
            return self.chance(0.5)
        if depth > 4 or kind == 17:
            return None if self.chance(0.8) else b"\x00\xff"
        if kind < 19 and self.chance(0.7):
            return [self.value(depth + 1) for _ in range(self.rng.randint(0, 3))]
        return {
            self.rng.choice([self.letters(4), "role", "model"]): self.value(depth + 1)
            for _ in range(self.rng.randint(0, 3))
        }

    def key(self) -> str:
        pick = self.rng.choices([OFTEN, NAMED, NUMBERED], weights=(4, 3, 1))[0]
        return self.letters(8) if self.chance(0.1) else self.rng.choice(pick)

    def attributes(self) -> dict[str, Any]:
        told = {self.key(): self.text() if self.chance(0.6) else self.value() for _ in range(self.rng.randint(0, 5))}
        if self.chance(0.2):
            answer = [{"role": "assistant", "content": "so", "finish_reason": self.rng.choice(["stop", " ", None])}]
            told = {**UNENDED, "gen_ai.output.messages": json.dumps(answer), **told}
        for key in self.rng.choices(PATHED, k=self.rng.choice([0, 0, 0, 1])):
            told[key] = self.object()
        return {**CHAT, **told} if self.chance(0.6) else told

    def event(self) -> tuple[str, dict[str, Any]]:
        told = {
            "exception.message": self.rng.choice([*SAID, "it broke", "", "null", 1]),
            "exception.stacktrace": "\tat",
        }
        name = self.rng.choice(["exception"] * 9 + ["x", "x", "gen_ai.choice"])
        return name, {**(told if self.chance(0.8) else {}), **({"a": self.value()} if self.chance(0.2) else {})}

    def span(self) -> Span:
        made = span(
            self.attributes(),
            [self.event() for _ in range(self.rng.choice([0, 0, 0, 0, 1, 2]))],
            trace_id=self.rng.choice([b"t" * 16] * 8 + [bytes(16), b"short"]),
            span_id=self.rng.randbytes(8),
            parent_span_id=self.rng.choice([b"", b"p" * 8, b"odd"]),
            name=self.rng.choice(["made", "made", "", "é", "gen_ai.evaluation.result"]),
            kind=self.rng.randint(0, 5),
            start_time_unix_nano=self.rng.choice(TIMES),
            end_time_unix_nano=self.rng.choice(TIMES),
        )
        made.status.code = self.rng.randint(0, 2)
        made.status.message = self.rng.choice(["", " ", "null", "it broke", "[Scrubbed]", "<a.B object at 0x7f>"])
        return made

    def request(self) -> Envelope:
        told = [self.span() for _ in range(self.rng.choice([1, 1, 2, 5]))]
        resource = {self.rng.choice(RESOURCE): self.value() for _ in range(self.rng.randint(0, 2))}
        body = request(*told, resource={**resource, self.letters(4): self.text()})
        oldest = self.rng.choice([0, 0, START - 1000, 1000])
        return envelope(body, oldest=oldest, items=len(told), project=self.rng.choice("pq"))
