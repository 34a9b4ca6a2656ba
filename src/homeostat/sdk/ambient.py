"""What holds for everything inside a block: user, session, tags, release, metadata; and which exchange is open.

Kept in OpenTelemetry's context, so it goes wherever spans go: tasks, generators, copied contexts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ContextDecorator
from contextvars import Token
from typing import Any, Final, Protocol

from homeostat.sdk import state
from homeostat.sdk.values import attribute_of
from homeostat.sdk.words import ENVIRONMENT, RELEASE, SESSION, TAGS, USER

SAID: Final = "homeostat-said"
"""Attributes that every span inside gets."""
OPEN: Final = "homeostat-exchange"
"""The exchange that signals and scores are about when they name none."""


class Opened(Protocol):
    """A piece of work that is open."""

    root: Opened
    """The outermost one around it in this process."""

    @property
    def id(self) -> str: ...


class context(ContextDecorator):  # used as a function: `with homeostat.context(user_id="u1")`
    """Everything that happens inside is told with this user, session, tags, release and metadata. May be nested."""

    def __init__(
        self,
        user_id: str | None = None,
        session_id: str | None = None,
        *,
        tags: Sequence[str] | None = None,
        release: str | None = None,
        environment: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._said = (user_id, session_id, tags, release, environment, metadata)
        self._tokens: list[Token[Any]] = []

    def __enter__(self) -> None:
        runtime = state.runtime
        if runtime is not None:
            try:
                self._tokens.append(runtime.say_inside(_attributes(*self._said)))
            except Exception:  # the application comes first
                runtime.mistake("context")

    def __exit__(self, *_: object) -> None:
        if self._tokens:
            leave(self._tokens.pop())


def said() -> Mapping[str, Any]:
    """The attributes that hold here."""
    from opentelemetry.context import get_value

    found = get_value(SAID)
    return found if isinstance(found, dict) else {}


def opened() -> Opened | None:
    """The innermost piece of work that is open here."""
    from opentelemetry.context import get_value

    found: Any = get_value(OPEN)
    return found  # type: ignore[no-any-return]


def leave(token: Token[Any] | None) -> None:
    """Put back what was before; a generator may be closed elsewhere than it was opened, then there is nothing to do."""
    if token is None:
        return
    try:
        token.var.reset(token)
    except (ValueError, RuntimeError):
        return


def _attributes(
    user_id: str | None,
    session_id: str | None,
    tags: Sequence[str] | None,
    release: str | None,
    environment: str | None,
    metadata: Mapping[str, Any] | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {str(key): attribute_of(value) for key, value in metadata.items()} if metadata else {}
    if user_id:
        found[USER] = str(user_id)
    if session_id:
        found[SESSION] = str(session_id)
    if release:
        found[RELEASE] = str(release)
    if environment:
        found[ENVIRONMENT] = str(environment)
    if tags:
        found[TAGS] = [tags] if isinstance(tags, str) else [str(tag) for tag in tags]
    return found
