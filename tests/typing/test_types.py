"""Types of the public face, as mypy sees them from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import homeostat

HERE = Path(__file__).parent


def test_types_are_what_they_are_said_to_be(tmp_path: Path) -> None:
    """Strict, and an ignored error that is none is one."""
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=/dev/null"]
    told = subprocess.run(
        [*command, f"--cache-dir={tmp_path}", "--ignore-missing-imports", str(HERE / "sdk.py")],
        capture_output=True, text=True, timeout=850, cwd=tmp_path,
        env={"MYPYPATH": str(Path(homeostat.__file__).parents[1]), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr


def test_others_see_our_types() -> None:
    assert (Path(homeostat.__file__).parent / "py.typed").exists()
