"""Transactions, migrations up and down, a newer ledger refused untouched."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from homeostat.store.ledger import Ledger, NewerData, meta
from homeostat.store.ledger.tables import metadata


def test_the_migrations_make_exactly_the_tables(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_up_down_up(dsn: str) -> None:
    ledger = Ledger(dsn)
    assert ledger.revision() is None
    ledger.upgrade()
    first = ledger.revision()
    ledger.upgrade()
    assert ledger.revision() == first == "0009"
    ledger.downgrade("base")
    with ledger.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    ledger.upgrade()
    meta.put(ledger, "a", "1")
    assert meta.get(ledger, "a") == "1"
    ledger.close()


def test_one_step_down_keeps_what_stood_before(ledger: Ledger) -> None:
    meta.put(ledger, "a", "1")
    ledger.downgrade("0001")
    with ledger.read() as connection:
        assert not {"policies", "releases", "prompts", "labels"} & set(inspect(connection).get_table_names())
    assert meta.get(ledger, "a") == "1"
    ledger.upgrade()
    with ledger.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_newer_ledger_is_refused_untouched(tmp_path: Path) -> None:
    dsn = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger(dsn)
    ledger.upgrade()
    with ledger.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ledger.close()
    before = hashlib.sha256((tmp_path / "ledger.db").read_bytes()).digest()
    newer = Ledger(dsn)
    with pytest.raises(NewerData, match=r"9999.*newer"):
        newer.upgrade()
    newer.close()
    assert hashlib.sha256((tmp_path / "ledger.db").read_bytes()).digest() == before


def test_a_newer_ledger_is_refused_everywhere(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerData):
        ledger.upgrade()


def test_sqlite_is_set_up_as_promised(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/new/ledger.db")
    ledger.upgrade()
    with ledger.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
    for file in (tmp_path / "new").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    ledger.close()


def test_a_failed_transaction_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.begin():
        meta.put(ledger, "a", "1")
        raise ZeroDivisionError
    assert meta.get(ledger, "a") is None


def test_a_failed_part_leaves_the_whole(ledger: Ledger) -> None:
    with ledger.begin():
        meta.put(ledger, "outer", "1")
        with pytest.raises(ZeroDivisionError), ledger.begin():
            meta.put(ledger, "inner", "1")
            raise ZeroDivisionError
        assert meta.get(ledger, "outer") == "1"
    assert (meta.get(ledger, "outer"), meta.get(ledger, "inner")) == ("1", None)


def test_a_reader_does_not_wait_for_a_writer(ledger: Ledger) -> None:
    meta.put(ledger, "a", "old")
    seen: list[str | None] = []
    with ledger.begin():
        meta.put(ledger, "a", "new")
        reader = threading.Thread(target=lambda: seen.append(meta.get(ledger, "a")))
        reader.start()
        reader.join(60)
        assert seen == ["old"]
    assert meta.get(ledger, "a") == "new"


def test_answers_inside_one_look_are_of_one_moment(ledger: Ledger) -> None:
    meta.put(ledger, "a", "old")
    with ledger.read():
        assert meta.get(ledger, "a") == "old"
        writer = threading.Thread(target=meta.put, args=(ledger, "a", "new"))
        writer.start()
        writer.join(60)
        assert meta.get(ledger, "a") == "old"
    assert meta.get(ledger, "a") == "new"


def test_the_file_can_be_read_beside_the_core(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    with ledger.begin():
        meta.put(ledger, "a", "1")
        other = sqlite3.connect(tmp_path / "ledger.db")
        assert other.execute("SELECT count(*) FROM meta").fetchone() == (0,)
        other.close()
    ledger.close()
