"""A fresh ledger for each test: SQLite always, PostgreSQL too where its programs are installed (nightly)."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from homeostat.store.ledger import Ledger


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    at_hand = shutil.which("initdb")
    return Path(at_hand).resolve().parent if at_hand else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The folder of a PostgreSQL socket; the server ends with the session."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's programs are not installed")
    user = "postgres" if os.getuid() == 0 else None
    folder = Path("/tmp") / f"hs-pg-{secrets.token_hex(4)}"  # short: a socket's path may have 107 characters
    folder.mkdir(mode=0o700)
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments], user=user, cwd=folder, check=True, timeout=60, stdout=subprocess.DEVNULL
        )

    try:
        run("initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "homeostat", "-N")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield str(folder)
        finally:
            run("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be made."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/ledger.db"
    socket = request.getfixturevalue("postgres")
    name = f"t{secrets.token_hex(6)}"
    engine = create_engine(f"postgresql+psycopg://homeostat@/postgres?host={socket}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"postgresql+psycopg://homeostat@/{name}?host={socket}"


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    """A ledger with its tables."""
    ledger = Ledger(dsn, seal=b"seal")
    ledger.upgrade()
    yield ledger
    ledger.close()
