"""Documentation that can lie is tested: commands, settings, routes and paths named in a document must exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from homeostat.cli.main import build
from homeostat.config import Settings
from homeostat.doors.routes import TABLE
from homeostat.sdk.settings import VARIABLES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("design/*.md")])
USER = [path for path in DOCUMENTS if path.parent.name != "design"]


def commands() -> set[str]:
    """Every command as typed: `up`, `exchanges ls` …"""
    group = typer.main.get_command(build())
    found = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        found.add(name)
        found |= {f"{name} {child}" for child in getattr(command, "commands", {})}
    return found


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", USER, ids=names(USER))
def test_every_command_named_exists(path: Path) -> None:
    known = commands()
    groups = {name.split()[0] for name in known if " " in name}
    for first, second in re.findall(r"\bhomeostat ([a-z]+)(?: ([a-z]+))?", "\n".join(code(path))):
        assert first in known, f"{path.name}: homeostat {first}"
        if first in groups and second:
            assert f"{first} {second}" in known, f"{path.name}: homeostat {first} {second}"


@pytest.mark.parametrize("path", USER, ids=names(USER))
def test_every_setting_named_exists(path: Path) -> None:
    known = {f"HOMEOSTAT_{name.upper()}" for name in Settings.model_fields} | {
        *(f"HOMEOSTAT_{name}" for name in VARIABLES),
        "HOMEOSTAT_TEST_SEEDS",
    }
    for name in re.findall(r"HOMEOSTAT_[A-Z_]+", path.read_text()):
        assert name in known, f"{path.name}: {name}"


@pytest.mark.parametrize("path", USER, ids=names(USER))
def test_every_route_named_exists(path: Path) -> None:
    known = {re.sub(r"\{[^}]*\}", "{}", route.path).rstrip("/") for route in TABLE.routes}
    for name in re.findall(r"(?<![\w.:/])(/(?:api|v1|otel|healthz|readyz|metrics)[\w/{}.-]*)", path.read_text()):
        plain = re.sub(r"\{[^}]*\}", "{}", name).rstrip("/.")
        if plain in ("/api/v1", "/v1"):
            continue
        assert plain in known, f"{path.name}: {name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=names(DOCUMENTS))
def test_every_link_and_path_named_exists(path: Path) -> None:
    text = path.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (path.parent / target).exists(), f"{path.name}: {target}"
    for target in re.findall(r"`((?:src|tests|docs|design|bench|examples|requirements)/[\w./-]+)`", text):
        assert (ROOT / target).exists(), f"{path.name}: {target}"


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/running.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"`{name}`" in text, name
        assert field.description, name
        assert field.description in text, f"{name}: the help line in docs/running.md differs from config.py"


def test_every_command_is_documented() -> None:
    text = "\n".join(path.read_text() for path in USER)
    for name in commands():
        assert f"homeostat {name}" in text, name


def code(path: Path) -> list[str]:
    """What a reader would type: code blocks and inline code."""
    text = path.read_text()
    return re.findall(r"```.*?```", text, re.S) + re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    .*$", text, re.M)
