"""`homeostat.signal` and `homeostat.score`: what somebody says about an exchange, queued and sent in the background."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime
from typing import Any, Literal

from homeostat.sdk import state
from homeostat.sdk.ambient import opened
from homeostat.sdk.exchanges import exchange as Exchange

Rung = Literal["engine", "model", "judge", "human"]
_MOST_CHARS = 20_000


def signal(
    name: str,
    value: float | bool | str | None = None,
    *,
    exchange: str | Exchange | None = None,
    trace_id: str | None = None,
    session_id: str | None = None,
    user_id: str | None = None,
    label: str | None = None,
    comment: str | None = None,
    correction: str | None = None,
    at: datetime | None = None,
    id: str | None = None,
) -> None:
    """What a person or another system says: `signal("thumbs", 1, exchange=ex.id)`. Without an id: the open exchange."""
    about = {"trace_id": trace_id, "session_id": session_id, "user_id": user_id}
    said = {"label": label, "comment": comment, "correction": correction}
    _say("signal", name, value, exchange, about, said, at, id)


def score(
    name: str,
    value: float | bool | str | None = None,
    *,
    exchange: str | Exchange | None = None,
    trace_id: str | None = None,
    session_id: str | None = None,
    label: str | None = None,
    reason: str | None = None,
    scorer: str | None = None,
    rung: Rung | None = None,
    at: datetime | None = None,
    id: str | None = None,
) -> None:
    """A judgement made elsewhere, in [0, 1] or a label: `score("relevance", 0.9, exchange=ex.id, reason="…")`."""
    about = {"trace_id": trace_id, "session_id": session_id}
    said = {"label": label, "reason": reason, "scorer": scorer, "rung": rung}
    _say("score", name, value, exchange, about, said, at, id)


def _say(
    kind: Literal["signal", "score"],
    name: str,
    value: object,
    exchange: str | Exchange | None,
    about: dict[str, str | None],
    said: dict[str, Any],
    at: datetime | None,
    id: str | None,
) -> None:
    runtime = state.runtime
    if runtime is None:
        return
    try:
        moment = at or datetime.now(UTC)
        fact: dict[str, Any] = {
            "name": str(name),
            "id": id or uuid.uuid4().hex,
            "at": (moment if moment.tzinfo else moment.astimezone()).isoformat(),
            "source": "sdk",
        }
        if value is not None and not (isinstance(value, float) and not math.isfinite(value)):
            fact["value"] = value
        fact |= {key: str(text)[:_MOST_CHARS] for key, text in said.items() if text}
        told_of = _about(exchange, about)
        if not told_of:
            runtime.misused(kind, "name the exchange, trace, session or user that it is about, or say it inside one")
            return
        runtime.say(kind, fact | told_of)
    except Exception:  # the application comes first
        runtime.mistake(kind)


def _about(exchange: str | Exchange | None, about: dict[str, str | None]) -> dict[str, str]:
    """The exchange that is named; else the trace, session or user; else the exchange that is open here. Empty: none."""
    if exchange is not None:
        return {"exchange_id": exchange.id if isinstance(exchange, Exchange) else str(exchange)}
    named = {key: str(text) for key, text in about.items() if text}
    if named:
        return named
    here = opened()
    return {"exchange_id": here.root.id} if here is not None else {}
