"""The public surface is pinned; the server's room of the same name does no harm."""

from __future__ import annotations

import subprocess
import sys

import homeostat

FACE = ["Client", "context", "exchange", "init", "instrument", "observe", "release", "score", "signal"]


def test_what_an_application_imports() -> None:
    assert homeostat.__all__ == FACE
    assert all(callable(getattr(homeostat, name)) for name in FACE)
    assert set(FACE) <= set(dir(homeostat))


def test_the_decorator_works_beside_the_servers_room_whichever_is_loaded_first() -> None:
    for first, second in (("homeostat.observe", "homeostat.sdk"), ("homeostat.sdk", "homeostat.observe")):
        code = f"""
import {first}, {second}, homeostat
@homeostat.observe
def plain(): return 1
@homeostat.observe(name="x")
def named(): return 2
from homeostat import observe
assert (plain(), named(), observe(lambda: 3)()) == (1, 2, 3)
import homeostat.observe.dialects
"""
        subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
