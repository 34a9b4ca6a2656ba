"""Merging is stopped for a whole engine, and a process has only one: these tests have a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import tests

ROOT = Path(tests.__file__).parents[1]


def test_merging_in_a_process_of_its_own() -> None:
    alone = Path(__file__).with_name("merging_alone.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(alone)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert found.returncode == 0, found.stdout[-3000:]
    assert "2 passed" in found.stdout
