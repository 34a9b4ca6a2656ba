"""What the engine freed goes back to the system when nothing is left to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from homeostat.store.warehouse import memory
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.memory import Thrift


class Asked:
    """A warehouse that counts what it is told."""

    embedded = True

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.said: list[str] = []
        self.load = self

    def command(self, sql: str) -> None:
        self.said.append(sql)
        self._warehouse.load.command(sql)


def test_it_is_asked_once_after_a_load_and_not_again(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    now, held = [100.0], [memory.AT_REST + 1]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(memory, "resident", lambda: held[0])
    asked = Asked(warehouse)
    thrift = Thrift(asked)  # type: ignore[arg-type]
    thrift.rest()
    assert asked.said == []
    thrift.give_back()
    thrift.rest()
    assert asked.said == []
    now[0] += memory.QUIET + 1
    thrift.rest()
    thrift.rest()
    assert asked.said == ["SYSTEM JEMALLOC PURGE"]
    held[0] = memory.KEPT + 1
    now[0] += memory.EVERY + 1
    thrift.give_back()
    thrift.give_back()
    assert len(asked.said) == 2


HELD = """
from homeostat.store.warehouse import memory
before = memory.resident()
block = bytearray(b"x" * (64 << 20))
print(memory.resident() - before)
"""


def test_a_process_knows_what_it_holds() -> None:
    """In a process of its own: the engine of this one gives memory back when it likes."""
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 60 << 20
