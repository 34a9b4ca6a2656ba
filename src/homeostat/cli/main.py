"""The command `homeostat`."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Keeps a language-model application inside its limits.")


@app.callback()
def root() -> None:
    """Observe, analyze, act, observe again."""


def main() -> None:
    """Entry point."""
    app()
