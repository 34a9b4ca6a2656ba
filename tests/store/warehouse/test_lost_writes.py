"""chDB does not say when the disk refused what it wrote: we find out, and the next process has all that was there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from homeostat.store.warehouse.unfinished import mend

ALONE = Path(__file__).with_name("lost_writes_alone.py")
WHOLE = [[segment, 200, 200_000] for segment in (1, 2, 3)]


def alone(folder: Path, *step: str) -> Any:
    """In a process of its own: an engine that lost a write never trusts itself again."""
    done = subprocess.run(
        [sys.executable, str(ALONE), str(folder), *step], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("step", "limit"),
    [("insert", 20_000), ("merge", 0), ("delete", 0), ("staging", 0)],
)
def test_a_lost_write_is_told_and_nothing_that_was_there_is_lost(tmp_path: Path, step: str, limit: int) -> None:
    said = alone(tmp_path / "warehouse", step, str(limit))
    assert all("has to start again" in line for line in said), said
    assert alone(tmp_path / "warehouse") == WHOLE


def test_nothing_is_told_when_the_disk_took_everything(tmp_path: Path) -> None:
    assert alone(tmp_path / "warehouse", "merge", str(1 << 30)) == ["fine", "fine"]


def test_only_what_was_cut_short_is_removed(tmp_path: Path) -> None:
    part, tables = tmp_path / "store" / "abc" / "abcdef", tmp_path / "metadata" / "homeostat"
    part.mkdir(parents=True)
    tables.mkdir(parents=True)
    for path, text in (
        (part / "mutation_3.txt", "format version: 1\n"),
        (part / "mutation_4.txt", ""),
        (part / "mutation_5.txt", "format vers"),
        (tables / "spans.sql", ""),
        (tables / "staged.sql", "ATTACH TABLE _\nENGINE = Memory\n"),
        (tables / "staged_ahead.sql", "ATTACH TABLE"),
    ):
        path.write_text(text)
    assert {path.name for path in mend(tmp_path, "homeostat")} == {
        "mutation_4.txt",
        "mutation_5.txt",
        "staged_ahead.sql",
    }
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "mutation_3.txt",
        "spans.sql",
        "staged.sql",
    ]
