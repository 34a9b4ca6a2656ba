"""T1d: whatever happens to a segment's bytes, the rest is read, and what is lost is counted exactly."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.store.spool.envelope import Envelope, Part, Record, decode, encode
from homeostat.store.spool.segment import (
    QUARANTINE,
    Damaged,
    Segment,
    Sound,
    Waiting,
    last_number,
    oldest,
    open_name,
    recover,
    salvage,
    sealed,
    sealed_name,
    verify,
    waiting,
)
from homeostat.store.spool.storage import Storage
from tests.seeds import seeded

NUMBER = 1_795_000_000_000_000 << 12


class Bytes(Storage):
    """One file, in memory: 65,536 damaged versions of it are read in seconds."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, path: Path) -> bytes:
        return self.data


SIZES = (0, 5, 60, 61, 62, 63, 64, 130, 400)


def envelopes(total: int, seed: int, sizes: tuple[int, ...] = SIZES) -> list[Envelope]:
    """Requests of mixed size that fill about `total` bytes."""
    draw = random.Random(seed)
    out: list[Envelope] = []
    while total > 0:
        body = draw.randbytes(draw.choice(sizes))
        out.append(Envelope(len(out), draw.choice(["p", "other"]), draw.choice([1, 3, 200]), Part.TRACES, body))
        total -= len(body) + 60
    return out


def pack(batch: list[Envelope]) -> tuple[bytes, int]:
    out: list[bytes] = []
    items = 0
    for envelope in batch:
        out += encode(envelope, items)
        items += envelope.items
    return b"".join(out), items


def check_damage(records: list[Record], items: int, damaged: bytes, hit: range) -> None:
    """`records`: of the whole segment; `hit`: the offsets that were damaged."""
    expected = [r for r in records if r.offset >= hit.stop or r.offset + r.length <= hit.start]
    assert [record.envelope for record in decode(damaged)] == [record.envelope for record in expected]
    result = verify(Segment(NUMBER, items, Path("x")), storage=Bytes(damaged))
    assert result == Damaged(len(expected), items - sum(record.envelope.items for record in expected))


def flips_and_cuts(total: int, flips: tuple[int, ...], seed: int, sizes: tuple[int, ...] = SIZES) -> None:
    whole, items = pack(envelopes(total, seed, sizes))
    records = list(decode(whole))
    assert isinstance(verify(Segment(NUMBER, items, Path("x")), storage=Bytes(whole)), Sound)
    for at in range(len(whole)):
        for flip in flips:
            damaged = whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]
            check_damage(records, items, damaged, range(at, at + 1))
        check_damage(records, items, whole[:at], range(at, len(whole)))


def test_every_byte_flipped_and_every_length_of_a_small_segment() -> None:
    flips_and_cuts(4096, (0x01, 0xFF), 1)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_every_byte_flipped_and_every_length_of_64_kib() -> None:
    flips_and_cuts(65536, (0x80,), seeded(2), (0, 60, 400, 1000, 4700))


def zero_pages(seed: int, rounds: int) -> None:
    whole, items = pack(envelopes(40_000, seed))
    records = list(decode(whole))
    draw = random.Random(seed)
    for _ in range(rounds):
        at = draw.randrange(len(whole) // 4096) * 4096
        damaged = whole[:at] + bytes(4096) + whole[at + 4096 :]
        # A byte that was zero before is not damaged: a record whose last one lies at the page's edge is whole.
        changed = [place for place in range(at, min(at + 4096, len(whole))) if whole[place]]
        check_damage(records, items, damaged, range(changed[0], changed[-1] + 1))


def test_zero_pages() -> None:
    zero_pages(3, 10)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_a_thousand_zero_pages() -> None:
    for seed in range(100):
        zero_pages(seeded(seed), 10)


def write_sealed(folder: Path, data: bytes, items: int, number: int = NUMBER) -> Segment:
    path = folder / sealed_name(number, items)
    path.write_bytes(data)
    return Segment(number, items, path)


def test_sealed_lists_in_order_and_nothing_else(tmp_path: Path) -> None:
    write_sealed(tmp_path, b"abc", 9, NUMBER + 5)
    write_sealed(tmp_path, b"ab", 10, NUMBER + 1)
    for other in ("writer.lock", open_name(NUMBER + 9), sealed_name(NUMBER, 1) + ".clean", "1-2.seg", "note.txt"):
        (tmp_path / other).write_text("x")
    assert [(s.number, s.items) for s in sealed(tmp_path)] == [(NUMBER + 1, 10), (NUMBER + 5, 9)]
    assert waiting(tmp_path) == Waiting(6, 19, NUMBER >> 12, 3)
    assert oldest(tmp_path) == NUMBER >> 12
    assert last_number(tmp_path) == NUMBER + 9
    assert sealed(tmp_path / "absent") == [] and waiting(tmp_path / "absent") == Waiting(0, 0, 0, 0)
    assert oldest(tmp_path / "absent") == 0


def test_what_is_accepted_and_not_sealed_yet_waits_too(tmp_path: Path) -> None:
    whole, items = pack(envelopes(300, 5))
    path = tmp_path / open_name(NUMBER + 4096)
    path.write_bytes(whole + whole[:40])  # a batch that is just being written
    assert waiting(tmp_path) == Waiting(len(whole) + 40, items, (NUMBER >> 12) + 1, 1)
    assert oldest(tmp_path) == (NUMBER >> 12) + 1
    write_sealed(tmp_path, whole, items)
    assert waiting(tmp_path).items == 2 * items
    assert oldest(tmp_path) == NUMBER >> 12


def test_what_is_sealed_while_it_is_counted_is_counted_once(tmp_path: Path) -> None:
    whole, items = pack(envelopes(300, 5))
    (tmp_path / open_name(NUMBER)).write_bytes(whole)

    class Sealing(Storage):
        def read(self, path: Path) -> bytes:
            path.rename(tmp_path / sealed_name(NUMBER, items))
            return super().read(path)

    assert waiting(tmp_path, storage=Sealing()) == Waiting(len(whole), items, NUMBER >> 12, 1)


def test_salvage_leaves_what_is_sound_and_keeps_the_original(tmp_path: Path) -> None:
    batch = envelopes(4096, 4)
    whole, items = pack(batch)
    victim = list(decode(whole))[3]
    damaged = bytearray(whole)
    damaged[victim.offset + victim.length - 1] ^= 1
    segment = write_sealed(tmp_path, bytes(damaged), items)
    verdict = verify(segment)
    assert verdict == Damaged(len(batch) - 1, batch[3].items)
    assert salvage(segment) == verdict
    assert segment.path.read_bytes() == whole[: victim.offset] + whole[victim.offset + victim.length :]
    assert (tmp_path / QUARANTINE / segment.path.name).read_bytes() == bytes(damaged)
    # A loader that died here asks again, and counts the same loss, and the original is still the original.
    assert verify(segment) == verdict == salvage(segment)
    assert (tmp_path / QUARANTINE / segment.path.name).read_bytes() == bytes(damaged)
    assert sealed(tmp_path) == [segment]


def test_salvage_of_a_ruin_leaves_an_empty_segment(tmp_path: Path) -> None:
    segment = write_sealed(tmp_path, b"\0" * 5000, 12)
    assert salvage(segment) == Damaged(0, 12) == verify(segment)
    assert segment.path.read_bytes() == b""


def test_a_repeated_record_is_taken_once(tmp_path: Path) -> None:
    batch = envelopes(1000, 5)
    whole, items = pack(batch)
    first = next(decode(whole))
    segment = write_sealed(tmp_path, whole + whole[: first.length], items)
    assert salvage(segment) == Damaged(len(batch), 0)
    assert segment.path.read_bytes() == whole


def test_a_link_that_cannot_be_made_is_a_copy(tmp_path: Path) -> None:
    class NoLinks(Storage):
        def link(self, source: Path, target: Path) -> None:
            raise PermissionError(1, "no links here")

    segment = write_sealed(tmp_path, b"\0" * 50, 1)
    salvage(segment, storage=NoLinks())
    assert (tmp_path / QUARANTINE / segment.path.name).read_bytes() == b"\0" * 50


class Unsynced(Storage):
    """For tests in which power is not lost."""

    def sync_whole(self, fd: int) -> None:
        return

    def sync_folder(self, folder: Path) -> None:
        return


class Dies(BaseException):
    """The process ends here."""


class DiesAt(Storage):
    """Ends the process before its nth call."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Dies

    def create(self, path: Path) -> int:
        self._step()
        return super().create(path)

    def write(self, fd: int, pieces: object) -> None:
        self._step()
        super().write(fd, pieces)  # type: ignore[arg-type]

    def truncate(self, fd: int, size: int) -> None:
        self._step()
        super().truncate(fd, size)

    def sync_whole(self, fd: int) -> None:
        self._step()
        super().sync_whole(fd)

    def sync_folder(self, folder: Path) -> None:
        self._step()
        super().sync_folder(folder)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)

    def link(self, source: Path, target: Path) -> None:
        self._step()
        super().link(source, target)

    def unlink(self, path: Path) -> None:
        self._step()
        super().unlink(path)


def dying(limit: int = 60) -> Iterator[DiesAt]:
    for nth in range(limit):
        yield DiesAt(nth)


def test_salvage_may_die_anywhere(tmp_path: Path) -> None:
    whole, items = pack(envelopes(1000, 6))
    survived = False
    for nth, storage in enumerate(dying()):
        folder = tmp_path / str(nth)
        folder.mkdir()
        segment = write_sealed(folder, whole[:300] + b"?" + whole[301:], items)
        verdict = verify(segment)
        try:
            salvage(segment, storage=storage)
            survived = True
        except Dies:
            assert verify(segment) == verdict
            salvage(segment)
        assert verify(segment) == verdict
        assert (folder / QUARANTINE / segment.path.name).read_bytes() == whole[:300] + b"?" + whole[301:]
        if survived:
            break
    assert survived


@pytest.mark.parametrize("tail", [b"", b"\0" * 4096, b"torn"])
def test_recovery_seals_and_cuts_the_torn_tail(tmp_path: Path, tail: bytes) -> None:
    whole, items = pack(envelopes(1000, 7))
    (tmp_path / open_name(NUMBER)).write_bytes(whole + tail)
    result = recover(tmp_path)
    (segment,) = sealed(tmp_path)
    assert result.sealed == (segment,) and result.cut_bytes == len(tail) and result.unfinished == ()
    assert segment.items == items and segment.path.read_bytes() == whole
    assert isinstance(verify(segment), Sound)
    aside = tmp_path / QUARANTINE / f"{open_name(NUMBER)}.tail"
    assert (aside.read_bytes() if aside.exists() else b"") == tail
    assert recover(tmp_path).sealed == ()


def test_recovery_at_every_length_keeps_every_whole_record(tmp_path: Path) -> None:
    whole, _ = pack(envelopes(600, 8))
    records = list(decode(whole))
    for size in range(len(whole) + 1):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / open_name(NUMBER)).write_bytes(whole[:size])
        recover(folder, storage=Unsynced())
        kept = [record for record in records if record.offset + record.length <= size]
        found = [record for segment in sealed(folder) for record in decode(segment.path.read_bytes())]
        assert found == kept
        assert all(isinstance(verify(segment), Sound) for segment in sealed(folder))


def test_recovery_does_not_cut_at_damage_in_the_middle(tmp_path: Path) -> None:
    batch = envelopes(1000, 9)
    whole, items = pack(batch)
    (tmp_path / open_name(NUMBER)).write_bytes(whole[:100] + b"?" + whole[101:])
    recover(tmp_path)
    (segment,) = sealed(tmp_path)
    assert segment.items == items
    assert isinstance(verify(segment), Damaged) and verify(segment).records == len(batch) - 1


def test_recovery_may_die_anywhere(tmp_path: Path) -> None:
    whole, _ = pack(envelopes(600, 10))
    survived = False
    for nth, storage in enumerate(dying()):
        folder = tmp_path / str(nth)
        folder.mkdir()
        (folder / open_name(NUMBER)).write_bytes(whole + b"torn")
        (folder / open_name(NUMBER + 1)).write_bytes(b"torn")
        try:
            recover(folder, storage=storage)
            survived = True
        except Dies:
            recover(folder)
        (segment,) = sealed(folder)
        assert segment.path.read_bytes() == whole
        if survived:
            break
    assert survived


def test_recovery_leaves_what_is_alive(tmp_path: Path) -> None:
    path = tmp_path / open_name(NUMBER)
    path.write_bytes(b"x")
    assert recover(tmp_path, alive=[path]).sealed == () and path.read_bytes() == b"x"


def test_a_page_that_the_disk_cannot_give_costs_only_its_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, items = pack(envelopes(20_000, 11))
    segment = write_sealed(tmp_path, whole, items)
    lost = [r for r in decode(whole) if r.offset < 8192 and r.offset + r.length > 4096]
    pread = os.pread

    def bad_sector(fd: int, size: int, offset: int) -> bytes:
        if offset == 4096:
            raise OSError(errno.EIO, "Input/output error")
        return pread(fd, size, offset)

    def fails(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fails)
    monkeypatch.setattr(os, "pread", bad_sector)
    assert verify(segment) == Damaged(len(list(decode(whole))) - len(lost), sum(r.envelope.items for r in lost))
