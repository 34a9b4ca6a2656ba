"""The snapshot: whole or not at all, kept when the newest is damaged, known a fifth of a second later."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.records.snapshot import PublishedKey, Snapshot
from homeostat.store import control

KEY = PublishedKey("k1", b"\1" * 32, "p", frozenset({"ingest", "read"}), 1_800_000_000.5)
SNAPSHOT = Snapshot(
    7,
    "2026-11-20T07:00:00+00:00",
    {
        "k1": KEY,
        "k2": replace(KEY, id="k2", expires=None, revoked=True),
        "operator": replace(KEY, id="operator", operator=True),
    },
    frozenset({"default", "p"}),
    {"kind": "live"},
    {"route": {"release": "r1"}},
)


class Ticks:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    control.pepper(tmp_path / "control")
    return tmp_path / "control"


def test_there_and_back(folder: Path) -> None:
    control.publish(folder, SNAPSHOT)
    found = control.Reader(folder)()
    assert found == replace(SNAPSHOT, pepper=control.pepper(folder))


def test_the_pepper_is_made_once_and_is_private(folder: Path) -> None:
    assert control.pepper(folder) == control.pepper(folder)
    assert len(control.pepper(folder)) == 32
    control.publish(folder, SNAPSHOT)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "pepper": 0o600,
        "snapshot.json": 0o600,
    }
    text = (folder / "snapshot.json").read_bytes()
    assert control.pepper(folder) not in text and control.pepper(folder).hex().encode() not in text
    assert control.pepper(folder).hex() not in repr(replace(SNAPSHOT, pepper=control.pepper(folder)))


def test_somebody_quicker_decides_the_secret(folder: Path) -> None:
    def make() -> bytes:
        (folder / "token").write_bytes(b"theirs")
        return b"mine"

    assert control.secret(folder, "token", make) == b"theirs"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_an_empty_secret_is_no_secret(folder: Path) -> None:
    (folder / "pepper").write_bytes(b"")
    with pytest.raises(ValueError, match="backup"):
        control.pepper(folder)
    control.publish(folder, SNAPSHOT)
    reader = control.Reader(folder)
    assert reader() is None
    assert "pepper" in reader.problem


def test_before_anything_was_published(tmp_path: Path) -> None:
    reader = control.Reader(tmp_path / "nowhere", every=0)
    assert reader() is None
    assert "cannot be read" in reader.problem


def test_news_are_seen_within_a_fifth_of_a_second(folder: Path) -> None:
    ticks = Ticks()
    reader = control.Reader(folder, monotonic=ticks)
    assert reader() is None
    control.publish(folder, SNAPSHOT)
    ticks.now = 0.21
    first = reader()
    assert first is not None and first.version == 7
    control.publish(folder, replace(SNAPSHOT, version=8, keys={"k1": replace(KEY, revoked=True)}))
    ticks.now = 0.3
    assert reader() is first
    ticks.now = 0.42
    second = reader()
    assert second is not None and second.version == 8 and second.keys["k1"].revoked
    ticks.now = 0.7
    assert reader() is second, "what did not change is not read again"


def test_a_damaged_file_leaves_the_last_good_one(folder: Path) -> None:
    reader = control.Reader(folder, every=0)
    control.publish(folder, SNAPSHOT)
    good = reader()
    path = folder / "snapshot.json"
    text = path.read_bytes()
    for damaged in (
        b"",
        b"{}",
        text[:-20],
        b"null",
        b"[" * 100_000,
        text.replace(b'"revoked":true', b'"revoked":false'),
    ):
        path.write_bytes(damaged)
        assert reader() is good
        assert reader.problem
        assert control.Reader(folder)() is None
    path.unlink()
    assert reader() is good
    control.publish(folder, replace(SNAPSHOT, version=8))
    repaired = reader()
    assert repaired is not None and repaired.version == 8
    assert reader.problem == ""


def test_a_repair_of_equal_size_is_seen(folder: Path) -> None:
    reader = control.Reader(folder, every=0)
    control.publish(folder, SNAPSHOT)
    path = folder / "snapshot.json"
    text = path.read_bytes()
    path.write_bytes(text.replace(b"default", b"Default"))
    assert reader() is None
    path.write_bytes(text)
    assert reader() is not None


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    text = control.encode(SNAPSHOT)
    place = data.draw(st.integers(0, len(text) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != text[place]))
    changed = text[:place] + bytes((byte,)) + text[place + 1 :]
    try:
        found = control.decode(changed)
    except ValueError:
        return
    assert found == SNAPSHOT  # only a byte that means nothing, such as the case of a digit in \\u00e4, may change


@given(st.binary(max_size=300))
def test_garbage_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        control.decode(text)


def test_a_scope_of_a_later_version_is_none_here() -> None:
    said = json.loads(control.encode(SNAPSHOT))
    del said["sha256"]
    said["keys"][0]["scopes"].append("fly")
    text = control._canonical(said | {"sha256": control._sum(said)})
    assert control.decode(text).keys["k1"].scopes == KEY.scopes


def test_numbers_that_json_does_not_have_are_not_published(folder: Path) -> None:
    with pytest.raises(ValueError):
        control.publish(folder, replace(SNAPSHOT, clock={"now": float("nan")}))
    assert not (folder / "snapshot.json").exists()


def test_the_slower_of_two_threads_does_not_win(folder: Path) -> None:
    assert control.publish(folder, replace(SNAPSHOT, version=9)) is True
    assert control.publish(folder, replace(SNAPSHOT, version=8)) is False
    found = control.Reader(folder)()
    assert found is not None and found.version == 9


def test_many_threads_publish_at_once(folder: Path) -> None:
    versions = itertools.count(1)

    def publish(_: int) -> None:
        for _ in range(20):
            control.publish(folder, replace(SNAPSHOT, version=next(versions)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(4)))
    found = control.Reader(folder)()
    assert found is not None and found.version == 80
    assert sorted(path.name for path in folder.iterdir()) == ["pepper", "snapshot.json"]


def _write(folder: Path, versions: int, enough: Event) -> None:
    version = 0
    while version < versions or not enough.is_set():
        keys = {str(n): replace(KEY, id=str(n), project=f"p{version}") for n in range(version % 50)}
        control.publish(folder, replace(SNAPSHOT, version=version, keys=keys))
        version += 1
    os._exit(0)


def test_a_reader_never_sees_a_half(folder: Path) -> None:
    control.publish(folder, replace(SNAPSHOT, version=0, keys={}))
    context = multiprocessing.get_context("fork")
    enough = context.Event()
    writer = context.Process(target=_write, args=(folder, 150, enough))
    writer.start()
    reader = control.Reader(folder, every=0)
    seen: list[int] = []
    try:
        while writer.is_alive():
            found = reader()
            assert found is not None and reader.problem == ""
            assert {key.project for key in found.keys.values()} <= {f"p{found.version}"}
            assert len(found.keys) == found.version % 50
            seen.append(found.version)
            if len(set(seen)) > 3:
                enough.set()
    finally:
        enough.set()
        writer.join(120)
    assert seen == sorted(seen) and len(set(seen)) > 3


def test_when_keys_were_used(folder: Path) -> None:
    assert control.used(folder) == {}
    at = datetime(2026, 11, 20, 7, 0, 0, 250_000, UTC)
    control.tell_used(folder, {"k1": at.timestamp()})
    control.tell_used(folder, {"k1": at.timestamp(), "k2": at.timestamp() + 1})
    assert control.used(folder) == {"k1": at, "k2": at + timedelta(seconds=1)}
    assert stat.S_IMODE((folder / "used.json").stat().st_mode) == 0o600
    for damaged in (b"", b"[]", b"{", b'{"k":"x"}', b'{"k":1e300}', b'{"k":null}', b"\xff"):
        (folder / "used.json").write_bytes(damaged)
        assert control.used(folder) == {}
    control.tell_used(folder / "not there", {"k1": 1.0})
    assert not (folder / "not there").exists()
