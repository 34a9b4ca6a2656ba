"""Starting where one should not: refused in words that say what to do, nothing touched, no loop of restarts."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.harness import HOMEOSTAT, Oracle, batch, serving
from tests.live.spans import body, send
from tests.ports import free_port

pytestmark = pytest.mark.live
USAGE, REFUSED = 2, 4


def start(data: Path, *more: str, port: int = 0, seconds: float = 240) -> tuple[int, str]:
    """`homeostat up` until it ends by itself: exit code and what it said."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
    done = subprocess.run(
        [HOMEOSTAT, "up", "--port", str(port or free_port()), "--data", str(data), *more],
        capture_output=True, text=True, timeout=seconds, check=False, env=env,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped data directory with a few calls in it; tests take copies."""
    data: Path = tmp_path_factory.mktemp("used") / "data"
    with serving(data) as server:
        send(server, batch(random.Random(7), 50)[0])
        server.drain()
        assert server.stop() == 0
    return data


@pytest.fixture
def data(used: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(used, tmp_path / "data", symlinks=True))


def state(data: Path, *below: str) -> dict[str, str]:
    """Every file with what is in it, but for the locks, which say who was here last."""
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and (not below or path.relative_to(data).parts[0] in below)
    }


@pytest.mark.parametrize("mark", ["2\n", "99", "2.0-beta"])
def test_a_directory_of_a_newer_format(data: Path, mark: str) -> None:
    (data / "FORMAT").write_text(mark)
    before = state(data)
    code, said = start(data)
    assert code == USAGE
    assert mark.strip() in said
    assert "--data" in said
    assert state(data) == before


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (b"port = \n", "is no TOML: Invalid value (at line 1, column 8)"),
        (b"prot = 4400\n", "there is no setting prot; port is meant?"),
        (b"qqqqqq = 1\n", "there is no setting qqqqqq"), (b"retention_days = 'many'\n", "settings: retention_days: "),
        (b"port = '\xff'\n", "is no TOML"),
    ],
)  # fmt: skip
def test_settings_that_are_not_understood(tmp_path: Path, written: bytes, says: str) -> None:
    """One line that says what is wrong."""
    file = tmp_path / "odd.toml"
    file.write_bytes(written)
    code, said = start(tmp_path / "data", "--config", str(file))
    assert (code, says in said, said.count("\n")) == (USAGE, True, 1), said
    assert not (tmp_path / "data").exists()


def test_a_ledger_of_a_newer_version(data: Path) -> None:
    with sqlite3.connect(data / "ledger.db") as ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '9999'")
    ledger.close()
    before = state(data, "ledger.db", "warehouse", "FORMAT")
    code, said = start(data)
    assert code == REFUSED
    assert "9999" in said
    assert "newer" in said
    assert said.count("newer") == 1, "it was started again and again"
    assert state(data, "ledger.db", "warehouse", "FORMAT") == before
    done = subprocess.run(
        [HOMEOSTAT, "db", "upgrade", "--data", str(data)], capture_output=True, text=True, check=False
    )
    assert done.returncode == USAGE
    assert "9999" in done.stderr
    assert "Traceback" not in done.stderr
    assert state(data, "ledger.db", "warehouse", "FORMAT") == before


def in_warehouse(data: Path, sql: str) -> str:
    """Ask the engine of a stopped directory; in a process of its own, because a process has one engine."""
    code = (
        "import sys, clickhouse_connect; c = clickhouse_connect.get_client(dsn=sys.argv[1], database='homeostat');"
        "r = c.query(sys.argv[2]) if sys.argv[2].startswith('SELECT') else c.command(sys.argv[2]);"
        "print(getattr(r, 'result_rows', '')); sys.stdout.flush(); import os; c.close(); os._exit(0)"
    )
    dsn = f"chdb://{data.resolve()}/warehouse"
    done = subprocess.run([sys.executable, "-c", code, dsn, sql], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_warehouse_of_a_newer_version(data: Path) -> None:
    in_warehouse(data, "INSERT INTO migrations VALUES (9999, 'from the future')")
    rows = "SELECT (SELECT count() FROM spans), (SELECT count() FROM exchanges), (SELECT count() FROM migrations)"
    before = in_warehouse(data, rows)
    code, said = start(data)
    assert code == REFUSED
    assert "9999" in said
    assert said.count("newer homeostat") == 1
    assert in_warehouse(data, rows) == before


def test_opened_twice_says_who_holds_it(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        assert server.process is not None
        for attempt in (["up", "--port", str(free_port())], ["db", "upgrade"]):
            done = subprocess.run(
                [HOMEOSTAT, *attempt, "--data", str(server.data)], capture_output=True, text=True, check=False
            )
            assert done.returncode == USAGE
            holder = server.process.pid if attempt[0] == "up" else server.children()["core"].pid
            assert f"already open by process {holder} since 20" in done.stderr
        assert server.json("/api/v1/accounting")["received"] == 0


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = start(tmp_path / "data", port=port)
    assert code == USAGE
    assert f"127.0.0.1:{port}" in said
    assert "--port" in said


def test_nonsense_in_settings(tmp_path: Path) -> None:
    code, said = start(tmp_path / "data", "--clock", "sundial")
    assert code == USAGE
    assert "clock" in said
    assert not (tmp_path / "data").exists()


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    code, said = start(tmp_path / "data")
    assert code == USAGE
    assert "--data" in said
    assert (tmp_path / "data").read_text() == "mine"


def test_a_deep_directory(tmp_path: Path) -> None:
    """A unix socket's path has at most 107 bytes; directories have more."""
    deep = tmp_path / ("d" * 100) / ("e'\" ü" * 12) / "data"
    deep.parent.mkdir(parents=True)
    with serving(deep) as server:
        oracle = Oracle(server.port, 8, clients=1).start()
        while len(oracle.acknowledged) < 100:
            time.sleep(0.02)
        oracle.stop()
        assert oracle.verify(server)["found"] >= 100
        assert server.stop() == 0


def test_an_open_address_without_keys_is_refused(tmp_path: Path) -> None:
    code, said = start(tmp_path / "data", "--host", "0.0.0.0")
    assert code == USAGE
    assert "auth" in said


def test_what_was_stored_is_there_after_a_start(data: Path) -> None:
    """What was stored by an earlier run is there after a start, and new data comes beside it."""
    with serving(data) as server:
        send(server, body({}))
        assert server.drain()["stored"] == 51
