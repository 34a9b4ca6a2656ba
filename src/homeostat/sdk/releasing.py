"""`homeostat.release`: what the routing policy says for this user, from memory."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from homeostat.records.policy import assign
from homeostat.records.release import Release, from_json
from homeostat.records.template import render
from homeostat.sdk import state
from homeostat.sdk.words import RELEASE, ROUTE, SESSION, USER

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Served:
    """The release that serves, and how it was chosen. Empty fields mean: as you would do without."""

    name: str = ""
    model: str = ""
    endpoint: str = ""
    system: str = ""
    examples: tuple[Mapping[str, str], ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    why: Literal["pinned", "share", "default"] = "default"
    """`default`: the server's word is not here, or there is no policy for this route."""

    def render(self, **values: object) -> str:
        """The system prompt with its `{{name}}` variables filled in; one without a value stays as it stands."""
        return render(self.system, values)

    def messages(self, text: str, **values: object) -> list[Message]:
        """A conversation to send: system prompt, examples, and what the user said."""
        first: list[Message] = [{"role": "system", "content": self.render(**values)}] if self.system else []
        examples = [{str(key): str(value) for key, value in each.items()} for each in self.examples]
        return [*first, *examples, {"role": "user", "content": text}]


def release(
    route: str = "default",
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    default: str | Mapping[str, Any] | None = None,
) -> Served:
    """Who serves this user on this route, as the server's policy says; never waits, never fails.

    user_id and session_id: those of `context` when not given. default: a release's name, or the release as a map, for
    when there is no policy or the server was never reached. The exchange that is open is told to be this release's.
    """
    runtime = state.runtime
    if runtime is None:
        return _usual(default)
    try:
        served = _assigned(route, user_id, session_id) or _usual(default)
        _mark(route, served)
    except Exception:  # the application comes first
        runtime.mistake("release")
        return _usual(default)
    return served


def _assigned(route: str, user_id: str | None, session_id: str | None) -> Served | None:
    from homeostat.sdk.ambient import said

    assert state.runtime is not None
    document = state.runtime.routing.now()
    policy = document.routes.get(route)
    if policy is None:
        return None
    here = said()
    user = str(user_id or here.get(USER, ""))
    session = str(session_id or here.get(SESSION, ""))
    chosen = assign(policy, user=user, session=session, request=_request())
    known = document.releases.get(chosen.release, Release(chosen.release))
    return _served(known, chosen.why)


def _served(known: Release, why: Literal["pinned", "share", "default"]) -> Served:
    return Served(known.name, known.model, known.endpoint, known.system, known.examples, known.parameters, why)


def _usual(default: str | Mapping[str, Any] | None) -> Served:
    """What the application falls back to."""
    if default is None:
        return Served()
    if isinstance(default, str):
        return Served(default)
    return _served(from_json({"name": "", **default}), "default")


def _request() -> str:
    """The trace, so that one request gets one release however often it asks; else something that is never twice."""
    from opentelemetry.trace import format_trace_id, get_current_span

    context = get_current_span().get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else uuid.uuid4().hex


def _mark(route: str, served: Served) -> None:
    if served.name:
        from opentelemetry.trace import get_current_span

        span = get_current_span()
        if span.is_recording():
            span.set_attributes({RELEASE: served.name, ROUTE: route})
