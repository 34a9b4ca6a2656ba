"""What the edge loads to check a key stays small: no database, no engine, no web framework."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import homeostat.doors.guard, homeostat.store.control
heavy = {"sqlalchemy", "alembic", "chdb", "clickhouse_connect", "fastapi", "starlette", "google.protobuf"}
print(sorted(heavy & set(sys.modules)))
"""


def test_the_door_is_light() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout.strip() == "[]"
