"""Bodies that nobody would send: recorded ones, changed at random the way fuzzers do, from a seed that is printed."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SETS = Path(__file__).parents[2] / "fixtures" / "otlp"
_MOST = 20_000
_ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF)
_JSON_PIECES = (
    b"null",
    b"NaN",
    b"-0",
    b"1e999",
    b"-1",
    b"18446744073709551616",
    b"9" * 400,
    b"{}",
    b"[]",
    b'""',
    b'"\\ud800"',
    b'"\\u0000"',
    b"true",
    b'{"a":' * 30,
    b"[" * 200,
    b"\xff\xfe",
    b'"0"',
    b'"Infinity"',
    b"1.5",
    b'"x"',
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One request."""

    path: str
    kind: str
    encoding: str
    body: bytes


def seeds() -> list[Sent]:
    """The smaller recorded requests, inflated, and some of plain JSON."""
    found = []
    for meta_file in sorted(SETS.glob("*/*.meta.json")):
        meta = json.loads(meta_file.read_text())
        if meta["method"] != "POST" or not meta["body_file"]:
            continue
        body = (meta_file.parent / meta["body_file"]).read_bytes()
        if meta["content_encoding"] == "gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError):
                continue
        if len(body) <= _MOST:
            found.append(Sent(meta["path"], meta["content_type"], "", body))
    plain = (
        ("/api/v1/signals", b'[{"name":"thumbs","value":-1,"at":"2026-02-25T06:00:00Z","user_id":"u","comment":"no"}]'),
        (
            "/api/v1/scores",
            b'{"name":"relevance","value":0.5,"trace_id":"5b8efff798038103d269b633813f0012","rung":"judge"}',
        ),
        (
            "/api/v1/exchanges",
            b'{"prompt":"q","response":"a","usage":{"prompt_tokens":3},"documents":["d"],"tags":["t"],"at":17.5}',
        ),
        (
            "/api/v1/exchanges",
            b'{"messages":[{"role":"user","content":[{"text":"q"}]}],"tool_calls":[{"function":{"name":"f"}}]}',
        ),
        (
            "/api/public/ingestion",
            b'{"batch":[{"id":"e","type":"score-create","body":{"name":"n","value":1,"traceId":"t"}}]}',
        ),
    )
    return found + [Sent(path, "application/json", "", body) for path, body in plain]


def mutated(seed: int, count: int) -> Iterator[Sent]:
    """`count` requests."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    pool = seeds()
    for _ in range(count):
        base = chance.choice(pool)
        body = bytearray(base.body)
        for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
            _mutate(body, chance, chance.choice(pool).body)
        kind = chance.choice(
            (base.kind,) * 12 + ("application/json", "application/x-protobuf", "", "text/plain; x=\xff")
        )
        path = base.path if chance.random() < 0.9 else chance.choice(pool).path
        yield _packed(Sent(path, kind, "", bytes(body)), chance)


def _packed(sent: Sent, chance: random.Random) -> Sent:
    roll = chance.random()
    if roll < 0.8:
        return sent
    pack = gzip.compress if roll < 0.9 else zlib.compress
    body = bytearray(pack(sent.body))
    if chance.random() < 0.5:
        _mutate(body, chance, b"\x1f\x8b\x08\x00")
    encoding = chance.choice(
        ("gzip" if roll < 0.9 else "deflate",) * 6 + ("gzip", "deflate", "br", "gzip, gzip", "\xff")
    )
    return Sent(sent.path, sent.kind, encoding, bytes(body))


def _mutate(body: bytearray, chance: random.Random, other: bytes) -> None:
    """Change it in one place."""
    at = chance.randrange(len(body) + 1)
    end = min(len(body), at + chance.choice((1, 2, 8, 64, 1000)))
    what = chance.randrange(8)
    if what == 0 and body:
        body[at % len(body)] ^= 1 << chance.randrange(8)
    elif what == 1 and body:
        body[at % len(body)] = chance.choice(_ODD_NUMBERS)
    elif what == 2:
        del body[at:end]
    elif what == 3:
        body[at:at] = body[at:end] * chance.choice((1, 2, 50))
    elif what == 4:
        body[at:at] = chance.randbytes(chance.choice((1, 4, 30)))
    elif what == 5:
        start = chance.randrange(len(other) + 1)
        body[at:end] = other[start : start + chance.choice((4, 50, 500))]
    elif what == 6:
        _swap_json(body, chance)
    else:
        del body[at:]


def _swap_json(body: bytearray, chance: random.Random) -> None:
    """Put something odd where a value stands."""
    colons = [i for i, byte in enumerate(body) if byte in b":"]
    if not colons:
        return
    at = chance.choice(colons) + 1
    end = at
    while end < len(body) and body[end] not in b",]}":
        end += 1
    body[at:end] = chance.choice(_JSON_PIECES)
