"""A damaged ledger: the server starts, what can be read is there, the damaged file is kept."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from homeostat.records.outcome import Outcome
from homeostat.store import control
from homeostat.store.ledger import (
    Ledger,
    audit,
    datasets,
    keys,
    marks,
    meta,
    outcomes,
    projects,
    published,
    salvage,
    segments,
)
from tests.seeds import seeded

AT = datetime(2026, 11, 20, 7, tzinfo=UTC)
SEGMENTS = 300
KEYS = 12


def filled(folder: Path) -> Path:
    ledger = Ledger(f"sqlite:///{folder}/ledger.db", seal=b"seal")
    ledger.upgrade()
    with ledger.begin():
        for number in range(SEGMENTS):
            segments.intend(ledger, number)
            segments.finish(ledger, number, [Outcome("p", "stored", 1)], [("p", AT + timedelta(hours=number), 1)])
        for number in range(KEYS):
            keys.create(ledger, id=f"k{number}", hash=bytes(32), project="p", scopes=["read"], at=AT, actor="a")
    ledger.close()
    return folder / "ledger.db"


def opened(database: Path) -> Ledger:
    """Open it as the core does, and use all of it."""
    ledger = Ledger(f"sqlite:///{database}", seal=b"seal")
    ledger.upgrade()
    projects.ensure(ledger, "default", at=AT)
    segments.intend(ledger, 10**9)
    segments.finish(ledger, 10**9, [Outcome("p", "stored", 1)], [("p", AT, 1)])
    audit.append(ledger, at=AT, actor="a", action="b", subject="c")
    outcomes.totals(ledger, None)
    audit.verify(ledger)
    control.encode(published.snapshot(ledger, at=AT))
    return ledger


def test_a_whole_ledger_is_left_alone(tmp_path: Path) -> None:
    ledger = opened(filled(tmp_path))
    assert ledger.damage == ""
    assert not (tmp_path / "quarantine").exists()
    assert outcomes.totals(ledger, "p")["stored"] == SEGMENTS + 1
    ledger.close()


@pytest.mark.parametrize("without", [(), ("-shm",)])
def test_a_killed_process_leaves_no_damage(tmp_path: Path, without: tuple[str, ...]) -> None:
    code = (
        "import os, sys; from homeostat.store.ledger import Ledger, meta\n"
        "ledger = Ledger(sys.argv[1]); ledger.upgrade()\n"
        "[meta.put(ledger, str(n), 'x' * 1000) for n in range(50)]; os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, f"sqlite:///{tmp_path}/ledger.db"], timeout=240, check=False)
    assert done.returncode == -9
    assert (tmp_path / "ledger.db-wal").stat().st_size > 0
    for tail in without:
        (tmp_path / f"ledger.db{tail}").unlink()
    ledger = opened(tmp_path / "ledger.db")
    assert ledger.damage == ""
    assert meta.get(ledger, "49") == "x" * 1000
    ledger.close()


def test_a_locked_ledger_is_not_a_damaged_one(tmp_path: Path) -> None:
    database = filled(tmp_path)
    holder = sqlite3.connect(database)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        salvage.damage(database)
    holder.close()
    assert salvage.damage(database) == ""


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database at all, whatever its name says" * 100)
    ledger = opened(tmp_path / "ledger.db")
    assert "quarantine/ledger-001.db" in ledger.damage
    assert (tmp_path / "quarantine" / "ledger-001.db").read_bytes().startswith(b"not a database")
    assert audit.verify(ledger) is None
    ledger.close()


def test_the_newest_migration_is_known(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    assert ledger.revision() == salvage.HEAD
    ledger.close()


def test_a_lost_page_costs_what_stood_on_it(tmp_path: Path) -> None:
    database = filled(tmp_path)
    content = bytearray(database.read_bytes())
    place = content.index(b"key.create")  # a page of the audit log
    start = place // 4096 * 4096
    content[start : start + 4096] = bytes(4096)
    database.write_bytes(content)
    ledger = opened(database)
    assert "Saved: " in ledger.damage
    assert outcomes.totals(ledger, "p")["stored"] == SEGMENTS + 1
    assert len(keys.listed(ledger, "p")) == KEYS
    assert len(marks.all(ledger, 1000)) == SEGMENTS
    assert audit.verify(ledger) is not None, "lost entries show"
    ledger.close()


def test_of_an_older_version_what_stands_is_saved(tmp_path: Path) -> None:
    """A column that came later has its default."""
    database = filled(tmp_path)
    ledger = Ledger(f"sqlite:///{database}", seal=b"seal")
    version = datasets.Version("d", 1, 1, "digest", {}, "", AT, "a")
    datasets.add(ledger, "p", version, [{"input": "q"}])
    ledger.downgrade("0008")
    fresh = Ledger(f"sqlite:///{tmp_path}/fresh.db", seal=b"seal")
    fresh.upgrade()
    with fresh.begin() as connection:
        copied = salvage.copy(database, connection)
    assert copied["datasets"] == 1 and datasets.newest(fresh, "p") == [version]
    ledger.close()
    fresh.close()


def test_a_letter_of_a_definition_that_is_no_letter_any_more(tmp_path: Path) -> None:
    """SQLite tells where it stopped reading in the damaged bytes themselves."""
    database = filled(tmp_path)
    content = bytearray(database.read_bytes())
    content[content.index(b"PRIMARY KEY") + 4] = 0x86
    database.write_bytes(content)
    ledger = opened(database)
    assert "definition" in ledger.damage
    assert (tmp_path / "quarantine" / "ledger-001.db").read_bytes() == bytes(content)
    ledger.close()


def test_a_changed_key_in_an_index_is_seen(tmp_path: Path) -> None:
    """The rows are whole, but the search for one goes astray: what was written would not be found again."""
    database = filled(tmp_path)
    with sqlite3.connect(database) as connection:
        page = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_segments_1'"
        ).fetchone()[0]
    connection.close()
    content = bytearray(database.read_bytes())
    place = content.index(b"\x07\x03\x02\x02\x01\x29", (page - 1) * 4096)  # the entry of segment 297
    content[place + 2] ^= 32  # from now on its key reads as a text
    database.write_bytes(content)
    ledger = opened(database)
    assert "segments_1" in ledger.damage
    assert outcomes.totals(ledger, "p")["stored"] == SEGMENTS + 1
    ledger.close()


def _rounds(tmp_path: Path, rounds: int) -> None:
    original = filled(tmp_path).read_bytes()
    dice = random.Random(seeded(20261120))
    damaged = 0
    for number in range(rounds):
        folder = tmp_path / str(number)
        folder.mkdir()
        content = bytearray(original)
        what = dice.choice(["page", "cut", "byte", "empty"])
        if what == "page":
            start = dice.randrange(0, len(content), 4096)
            content[start : start + 4096] = dice.choice([bytes(4096), dice.randbytes(4096)])
        elif what == "cut":
            del content[dice.randrange(len(content)) :]
        elif what == "byte":
            content[dice.randrange(len(content))] ^= dice.randrange(1, 256)
        else:
            content.clear()
        (folder / "ledger.db").write_bytes(content)
        ledger = opened(folder / "ledger.db")
        damaged += bool(ledger.damage)
        assert {key.id for key in keys.listed(ledger, "p") if key.id.startswith("k")} <= {
            f"k{n}" for n in range(256)
        } or (what == "byte")
        ledger.close()
    assert damaged > rounds // 5


def test_random_damage_never_stops_the_start(tmp_path: Path) -> None:
    _rounds(tmp_path, 12)


@pytest.mark.nightly
def test_much_random_damage_never_stops_the_start(tmp_path: Path) -> None:
    _rounds(tmp_path, 500)
