"""`homeostat signals`."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

app = typer.Typer(no_args_is_help=True)


class _WithNumbers(TyperCommand):
    """A number below zero is a value, no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.ignore_unknown_options = any(re.match(r"-\.?\d", each) for each in args)
        return super().parse_args(ctx, args)


@app.callback()
def root() -> None:
    """Signals: thumbs, ratings, comments, events that came later."""


@app.command("add", cls=_WithNumbers)
def add(
    name: Annotated[str, typer.Argument(help="thumbs, rating, chat_closed …")],
    value: Annotated[float | None, typer.Argument(help="A number, such as 4 or -1.")] = None,
    exchange: Annotated[str, typer.Option(help="It is about this exchange,")] = "",
    trace: Annotated[str, typer.Option(help="or this trace,")] = "",
    session: Annotated[str, typer.Option(help="or this session,")] = "",
    user: Annotated[str, typer.Option(help="or this user.")] = "",
    label: str = "",
    comment: str = "",
    as_json: AsJson = False,
) -> None:
    """Say something about an exchange, trace, session or user."""
    body: dict[str, Any] = {"name": name}
    about = {"exchange_id": exchange, "trace_id": trace, "session_id": session, "user_id": user}
    told = {**about, "label": label, "comment": comment}
    body.update({key: text for key, text in told.items() if text})
    if value is not None:
        body["value"] = value
    answer = client.post("/api/v1/signals", body)
    if as_json:
        show.as_json(answer)
    else:
        typer.echo(f"accepted {answer['accepted']}")
