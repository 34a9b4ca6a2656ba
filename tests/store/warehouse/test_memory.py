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


PURGE = "SYSTEM JEMALLOC PURGE"


@pytest.fixture
def world(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[int], Asked, Thrift]:
    """The time, what is held, who is asked, and who asks."""
    now, held, asked = [100.0], [memory.AT_REST + 1], Asked(warehouse)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(memory, "resident", lambda: held[0])
    return now, held, asked, Thrift(asked)  # type: ignore[arg-type]


def test_at_rest_it_is_asked_whenever_something_was_left_behind(
    world: tuple[list[float], list[int], Asked, Thrift],
) -> None:
    """Questions and watching leave memory behind too: it does not take a load."""
    now, held, asked, thrift = world
    thrift.rest()
    assert asked.said == [PURGE]
    for _ in range(5):  # nothing more is to be had
        now[0] += memory.QUIET + 1
        thrift.rest()
    assert asked.said == [PURGE]
    held[0] += memory.GREW + 1
    thrift.rest()
    now[0] += memory.QUIET + 1
    thrift.rest()
    thrift.rest()
    assert asked.said == [PURGE] * 2


def test_while_loading_it_is_asked_past_a_limit_and_not_every_time(
    world: tuple[list[float], list[int], Asked, Thrift],
) -> None:
    now, held, asked, thrift = world
    thrift.give_back()
    assert asked.said == []
    held[0] = memory.KEPT + 1
    now[0] += memory.EVERY + 1
    thrift.give_back()
    thrift.give_back()
    assert asked.said == [PURGE]
    now[0] += memory.EVERY + 1
    thrift.give_back()
    assert asked.said == [PURGE] * 2


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
