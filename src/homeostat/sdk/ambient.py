"""What holds for everything inside a block: user, session, tags, release, metadata; and which exchange is open.

Kept in OpenTelemetry's context, so it goes wherever spans go: tasks, generators, copied contexts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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


@contextmanager
def context(
    user_id: str | None = None,
    session_id: str | None = None,
    *,
    tags: Sequence[str] | None = None,
    release: str | None = None,
    environment: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Iterator[None]:
    """Everything that happens inside is told with this user, session, tags, release and metadata. May be nested."""
    token = None
    if state.runtime is not None:
        try:
            token = _enter(_attributes(user_id, session_id, tags, release, environment, metadata))
        except Exception:  # the application comes first
            state.runtime.mistake("context")
    try:
        yield
    finally:
        leave(token)


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


def _enter(attributes: dict[str, Any]) -> Token[Any]:
    from opentelemetry.context import attach, set_value

    before = said()
    merged = {**before, **attributes}
    if TAGS in before and TAGS in attributes:
        merged[TAGS] = list(dict.fromkeys([*before[TAGS], *attributes[TAGS]]))
    return attach(set_value(SAID, merged))


def _attributes(
    user_id: str | None,
    session_id: str | None,
    tags: Sequence[str] | None,
    release: str | None,
    environment: str | None,
    metadata: Mapping[str, Any] | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {str(key): attribute_of(value) for key, value in (metadata or {}).items()}
    named = ((USER, user_id), (SESSION, session_id), (RELEASE, release), (ENVIRONMENT, environment))
    found |= {key: str(value) for key, value in named if value not in (None, "")}
    if tags:
        found[TAGS] = [tags] if isinstance(tags, str) else [str(tag) for tag in tags]
    return found
