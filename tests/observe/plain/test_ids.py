"""Ids of ours from a client's own names."""

from __future__ import annotations

import uuid

from homeostat.observe.plain.ids import digest, exchange_of, span_of, trace_of

TRACE, SPAN = "5b8efff798038103d269b633813f0012", "eee19b7ec3c10011"


def test_hex_is_kept_and_names_are_hashed() -> None:
    assert trace_of(TRACE.upper(), "p") == TRACE
    assert span_of(SPAN, "p") == SPAN
    assert trace_of(str(uuid.UUID(TRACE)), "p") == TRACE
    for name in ("my-trace", "0" * 32, TRACE[:-1], "é" * 32, ""):
        assert trace_of(name, "p") == trace_of(name, "p") != trace_of(name, "q")
        assert len(bytes.fromhex(trace_of(name, "p"))) == 16
        assert len(bytes.fromhex(span_of(name, "p"))) == 8


def test_exchanges() -> None:
    assert exchange_of(f"{TRACE}-{SPAN}".upper(), "p") == (TRACE, SPAN)
    assert exchange_of(TRACE, "p") == (TRACE, "")
    for name in ("order 17", f"{TRACE}-{SPAN}x", f"{TRACE}-zz", f"{TRACE}x{SPAN}"):
        trace, span = exchange_of(name, "p")
        assert (len(trace), len(span)) == (32, 16)
        assert exchange_of(name, "q") != (trace, span)


def test_digests_know_where_words_end() -> None:
    assert digest(8, "ab", "c") != digest(8, "a", "bc") != digest(8, "a", "b", "c")
