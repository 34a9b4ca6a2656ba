"""The record format: what is written is read back, by us and by the engine, and damage costs only what it hits."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from google_crc32c import value as crc32c
from hypothesis import given
from hypothesis import strategies as st

from homeostat.store.spool.envelope import MARK, MAX_RECORD, Envelope, Part, decode, encode, frames, varint
from homeostat.store.warehouse.client import Warehouse

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
u64 = st.integers(0, 2**64 - 1)
bodies = st.one_of(st.binary(max_size=300), st.integers(120, 17_000).map(lambda n: b"\x0a\x7f" * n))


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    part = draw(st.sampled_from(Part))
    body = draw(bodies) if part else b""
    return Envelope(draw(u64), draw(names), draw(st.integers(0, 2**32 - 1)), part, body, draw(u64), draw(names))


def segment_bytes(batch: list[Envelope]) -> bytes:
    out: list[bytes] = []
    items = 0
    for envelope in batch:
        out += encode(envelope, items)
        items += envelope.items
    return b"".join(out)


@given(st.lists(envelopes(), max_size=6))
def test_what_is_written_is_read_back(batch: list[Envelope]) -> None:
    data = segment_bytes(batch)
    records = list(decode(data))
    assert [record.envelope for record in records] == batch
    assert [record.before for record in records] == [sum(e.items for e in batch[:i]) for i in range(len(batch))]
    assert sum(record.length for record in records) == len(data)
    assert [frame.items for frame in frames(data)] == [envelope.items for envelope in batch]
    assert list(decode(memoryview(data))) == records


@given(st.lists(envelopes(), min_size=3, max_size=5), st.data())
def test_a_zeroed_range_costs_only_the_records_it_hits(batch: list[Envelope], data: st.DataObject) -> None:
    whole = segment_bytes(batch)
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start + 1, len(whole)))
    damaged = whole[:start] + bytes(stop - start) + whole[stop:]
    untouched = [
        record.envelope for record in decode(whole) if record.offset >= stop or record.offset + record.length <= start
    ]
    found = [record.envelope for record in decode(damaged)]
    assert [envelope for envelope in found if envelope in untouched] == untouched
    assert all(envelope in batch for envelope in found)


def test_header_is_as_the_note_says() -> None:
    head, body = encode(Envelope(7, "p", 3, Part.TRACES, b"abc", 9), 11)
    assert head[0] == len(head) + len(body) - 1
    assert head[1:16] == struct.pack("<BIBIBI", 0x0D, MARK, 0x15, len(head) - 16 + 3, 0x1D, crc32c(head[16:] + body))
    assert head[16:] == (
        struct.pack("<BQBQ", 0x21, 7, 0x29, 11) + b"\x32\x01p\x38\x03" + struct.pack("<BQ", 0x41, 9) + b"\x52\x03"
    )


def test_the_checksum_covers_every_byte_after_it() -> None:
    data = segment_bytes([Envelope(7, "p", 3, Part.TRACES, b"abc", 9, "why")])
    for at in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[at] ^= 1 << bit
            assert list(decode(bytes(damaged))) == []


def test_a_record_made_to_look_real_inside_a_damaged_body_is_not_believed() -> None:
    forged = b"".join(encode(Envelope(1, "victim", 1, Part.FACTS, b"{}"), 5))
    records = [
        Envelope(1, "mine", 5, Part.TRACES, b"x"),
        Envelope(2, "mine", 5, Part.TRACES, b"text" + forged + b"text"),
        Envelope(3, "mine", 5, Part.TRACES, b"y"),
    ]
    data = segment_bytes(records)
    inside = data.index(b"text")
    begin = next(record.offset for record in decode(data) if record.envelope == records[1])
    for at in [*range(begin, begin + 16), inside]:
        damaged = bytearray(data)
        damaged[at] ^= 0xFF
        assert [record.envelope.received for record in decode(bytes(damaged))] == [1, 3], at


def test_nor_when_the_record_after_it_is_damaged_too() -> None:
    forged = b"".join(encode(Envelope(1, "victim", 1, Part.FACTS, b"{}"), 1))
    data = bytearray(segment_bytes([Envelope(n, "mine", 1, Part.TRACES, b"text" + forged + b"text") for n in range(4)]))
    _, second, third, _ = (record.offset for record in decode(bytes(data)))
    data[data.index(b"text", second)] ^= 0xFF
    data[data.index(b"text", third)] ^= 0xFF
    assert [record.envelope.received for record in decode(bytes(data))] == [0, 3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"received": -1},
        {"received": 2**64},
        {"items": -1},
        {"items": 2**32},
        {"oldest": 2**64},
        {"project": "p" * 3000},
        {"project": "\ud800"},
        {"part": Part.NOTHING},
        {"body": bytes(MAX_RECORD)},
    ],
)
def test_what_cannot_be_written_cannot_be_made(wrong: dict[str, object]) -> None:
    good: dict[str, object] = {"received": 1, "project": "p", "items": 1, "part": Part.LOGS, "body": b"x"}
    Envelope(**good)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        Envelope(**{**good, **wrong})  # type: ignore[arg-type]


@given(st.integers(0, 2**40))
def test_varint_is_protobufs(n: int) -> None:
    assert sum((byte & 127) << 7 * i for i, byte in enumerate(varint(n))) == n
    assert all(byte > 127 for byte in varint(n)[:-1]) and varint(n)[-1] < 128


SCHEMA = """syntax = "proto3";
message Envelope {
  fixed32 mark = 1; fixed32 size = 2; fixed32 crc = 3; fixed64 received = 4; fixed64 before = 5; string project = 6;
  uint32 items = 7; fixed64 oldest = 8; string outcome = 9; bytes traces = 10; bytes logs = 11; string facts = 12;
}
"""
COLUMNS = "mark UInt32, received UInt64, before UInt64, project String, items UInt32, oldest UInt64, outcome String"


def rows_by_engine(warehouse: Warehouse, folder: Path, data: bytes) -> list[tuple[object, ...]]:
    (folder / "envelope.proto").write_text(SCHEMA)
    path = folder / "00000000000000000001-1.seg"
    path.write_bytes(data)
    sql = f"""SELECT mark, received, before, project, items, oldest, outcome, hex(traces), hex(logs), hex(facts)
        FROM file('{path}', 'Protobuf', '{COLUMNS}, traces String, logs String, facts String') ORDER BY before
        SETTINGS format_schema = '{folder}/envelope.proto:Envelope'"""
    return [tuple(row) for row in warehouse.load.query(sql).result_rows]


def shown(envelope: Envelope) -> list[str]:
    """The three body columns as the engine shows them."""
    parts = (Part.TRACES, Part.LOGS, Part.FACTS)
    return [envelope.body.hex().upper() if envelope.part is part else "" for part in parts]


def test_the_engine_reads_what_is_written(warehouse: Warehouse, tmp_path: Path) -> None:
    batch = [
        Envelope(2**64 - 1, "p", 1, Part.TRACES, b"\x0a\x03abc", 5),
        Envelope(1, "größe 'x'", 2, Part.LOGS, b"", 0),
        Envelope(2, "p", 128, Part.NOTHING, b"", 0, "duplicate"),
        Envelope(3, "", 2**31, Part.FACTS, b'{"fact": "score"}\n' * 2000, 7),
        Envelope(4, "p", 1, Part.TRACES, b"\x00\xff" * 1_500_000, 5),
    ]
    before = [sum(e.items for e in batch[:i]) for i in range(len(batch))]
    expected = [
        (MARK, e.received, b, e.project, e.items, e.oldest, e.outcome, *shown(e))
        for e, b in zip(batch, before, strict=True)
    ]
    assert rows_by_engine(warehouse, tmp_path, segment_bytes(batch)) == expected


def test_the_engine_reads_an_empty_segment(warehouse: Warehouse, tmp_path: Path) -> None:
    assert rows_by_engine(warehouse, tmp_path, b"") == []
