"""Counting items: whole and piece by piece give the same answer, and hostile bodies cost little."""

from __future__ import annotations

import random

import pytest

from homeostat.doors.answers import Refused
from homeostat.observe.otlp import check as checking
from homeostat.observe.otlp import pieces
from homeostat.observe.otlp.check import Checked, check
from tests.observe.otlp.mutation import mutated, seeds
from tests.work import costs_at_most

OLDEST = 1_772_000_000_500_000_000
MIB = 1 << 20


def outcome(signal: str, body: bytes) -> Checked | int:
    try:
        return check(signal, body, OLDEST)
    except Refused as refusal:
        return refusal.status


def bodies() -> list[tuple[str, bytes]]:
    signals = {"/v1/traces": "traces", "/v1/logs": "logs", "/v1/metrics": "metrics"}
    sent = [*seeds(), *mutated(7, 3000)]
    return [(signals[s.path], s.body) for s in sent if s.path in signals and not s.encoding and "json" not in s.kind]


def test_piece_by_piece_is_the_same_as_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever passes in pieces passes whole: what is spooled can be read. The other way only unknown groups differ."""
    sent = bodies()
    whole = [outcome(*one) for one in sent]
    monkeypatch.setattr(checking, "_SMALL", 0)
    for size in (0, 30, 300):
        monkeypatch.setattr(pieces, "PIECE", size)
        for one, wanted in zip(sent, whole, strict=True):
            got = outcome(*one)
            assert got == wanted or (got == 400 and has_group(one[1])), one
    assert sum(isinstance(w, Checked) and w.items > 0 for w in whole) > 100
    assert whole.count(400) > 100


def has_group(body: bytes) -> bool:
    return any(byte & 7 in (3, 4) for byte in body)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def wrapped(inner: bytes, *tags: int) -> bytes:
    for tag in tags:
        inner = bytes((tag,)) + varint(len(inner)) + inner
    return inner


SPAN = b"\x12\x1c\x0a\x10" + b"t" * 16 + b"\x12\x08" + b"s" * 8


@pytest.mark.parametrize(
    "body",
    [
        wrapped(b"\x4a\x00" * (5 * MIB), 0x12, 0x12, 0x0A),
        wrapped(b"\x4a\x02\x12\x00" * (3 * MIB), 0x12, 0x12, 0x0A),
        wrapped(b"\x12\x00" * (5 * MIB), 0x12, 0x0A),
        wrapped(b"\x0a\x00" * (5 * MIB), 0x2A, 0x12, 0x4A, 0x12, 0x12, 0x0A),
        wrapped(b"\x0a\x00" * (3 * MIB), *(0x0A, 0x2A) * 30, 0x12, 0x4A, 0x12, 0x12, 0x0A),
        wrapped(b"x" * MIB, *(0x0A, 0x2A) * 60, 0x12, 0x4A, 0x12, 0x12, 0x0A),
    ],
    ids=["attributes", "values", "spans", "list", "deep list", "too deep"],
)
def test_dense_bodies_are_refused_soon(body: bytes) -> None:
    assert outcome("traces", body) in (400, 413)
    assert costs_at_most(lambda: outcome("traces", body), 40, lambda: sum(body)), "what is in it was built"


def test_large_bodies_of_ordinary_spans_are_fine() -> None:
    text = wrapped(b"x" * 5000, 0x0A, 0x12)
    span = SPAN[2:] + wrapped(b"\x0a\x01k" + text, 0x4A)
    body = wrapped(wrapped(span, 0x12) * 4000, 0x12, 0x0A)
    assert len(body) > 20 * 10**6
    assert check("traces", body, 0) == Checked(4000)
    assert costs_at_most(lambda: check("traces", body, 0), 2, lambda: sum(body))


def test_a_span_too_large_to_build_is_counted_and_judged() -> None:
    texts = wrapped(b"\x0a\x01k" + wrapped(b"x" * 100_000, 0x0A, 0x12), 0x4A) * 5
    times = b"\x39" + (OLDEST - 10).to_bytes(8, "little") + b"\x41" + (OLDEST - 5).to_bytes(8, "little")
    good, expired, invalid = SPAN[2:] + texts, SPAN[2:] + times + texts, b"\x0a\x03abc" + texts
    body = wrapped(b"".join(wrapped(span, 0x12) for span in (good, expired, invalid)), 0x12, 0x0A)
    assert check("traces", body, OLDEST).rejected == 2
    assert check("traces", body, OLDEST).items == 3
    log = b"\x09" + (OLDEST - 10).to_bytes(8, "little") + wrapped(b"x" * 400_000, 0x0A, 0x2A)
    assert check("logs", wrapped(log, 0x12, 0x12, 0x0A), OLDEST) == Checked(
        1, 1, "1 expired (ended before the retention began)"
    )
    points = wrapped(b"\x11" + bytes(8), 0x0A) * 30_000
    assert check("metrics", wrapped(points, 0x2A, 0x12, 0x12, 0x0A), 0) == Checked(30_000)


def test_cut_anywhere() -> None:
    """A large body that was cut is refused, unless it was cut between two resources."""
    body = wrapped(
        wrapped(SPAN[2:] + wrapped(b"\x0a\x01k" + wrapped(b"x" * 3000, 0x0A, 0x12), 0x4A), 0x12) * 100, 0x12, 0x0A
    )
    assert check("traces", body, 0).items == 100
    chance = random.Random(3)
    for _ in range(200):
        assert outcome("traces", body[: chance.randrange(1, len(body))]) == 400
