"""What `homeostat` and `homeostat --help` show, without importing any verb, is what the verbs say themselves."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

from homeostat.cli.main import GROUPS, build, outline


def _helps(app: typer.Typer) -> dict[str, str]:
    group: Any = typer.main.get_command(app)
    return {name: " ".join((command.help or "").split("\n\n")[0].split()) for name, command in group.commands.items()}


def test_the_list_of_verbs_says_of_each_what_it_says_itself() -> None:
    assert _helps(outline()) == _helps(build())


def test_a_verb_names_its_own_verbs() -> None:
    told = _helps(outline())
    for name in GROUPS:
        group: Any = typer.main.get_command(build(name))
        assert sorted(told[name].split(": ")[1].rstrip(".").split(", ")) == sorted(group.commands[name].commands), name


def test_asking_for_help_or_the_version_imports_no_verb() -> None:
    asked = "import sys; from homeostat.cli.main import main\ntry: main()\nexcept SystemExit: pass\n"
    listed = "print(sorted(name for name in sys.modules if name.startswith('homeostat.') or name == 'httpx2'))"
    for argument in ("--help", "--version"):
        found = subprocess.run(
            [sys.executable, "-c", asked + listed, argument], capture_output=True, text=True, check=True
        )
        assert found.stdout.strip().splitlines()[-1] == "['homeostat.cli', 'homeostat.cli.main']"


def _said(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "homeostat"), *words], capture_output=True, text=True, check=False
    )


def test_it_says_its_version() -> None:
    assert _said("--version").stdout == f"homeostat {version('homeostat')}\n"


def test_a_verb_that_is_not_there_is_a_mistake_of_the_caller() -> None:
    found = _said("rolback")
    assert found.returncode == 2
    assert "rolback" in found.stderr
