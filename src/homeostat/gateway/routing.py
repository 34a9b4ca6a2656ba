"""From a request to the releases that serve it. See design/0006-steering.md.

Only records decide: the request's `model` may name a route, its user or session a place on the ring; no header and no
field of the body chooses an upstream.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from homeostat.analyze.text.guarding import BadGuard, Matcher
from homeostat.gateway.wire import Headers
from homeostat.records import policy as policies
from homeostat.records import release as releases
from homeostat.records.guard import from_json as guard_from_json
from homeostat.records.policy import Policy, assign
from homeostat.records.release import Release
from homeostat.records.snapshot import Snapshot

log: Final = logging.getLogger("homeostat.gateway")
DEFAULT_ROUTE: Final = "default"
_MOST_FALLBACKS: Final = 3
_LONGEST_ID: Final = 1024


class _Body(msgspec.Struct):
    model: Any = None
    stream: Any = None
    user: Any = None
    safety_identifier: Any = None
    metadata: Any = None
    homeostat: Any = None


_BODY: Final = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Asked:
    """What routing needs to know of a request."""

    model: str = ""
    stream: bool = False
    user: str = ""
    session: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    ours: bool = False
    """The body has a part that is meant for us and is not sent on."""
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Who serves a request: the first of `chain` that can. An empty chain: the request goes on as it came."""

    route: str
    chain: tuple[Release, ...] = ()
    assigned: str = ""
    shadow: Release | None = None
    guards: tuple[Matcher, ...] = ()
    """What must not be asked or answered here."""


def asked(headers: Headers, body: bytes) -> Asked:
    """Read a request; one that is no JSON object is told as not readable."""
    user = session = ""
    for name, value in headers:
        if name == b"x-homeostat-user":
            user = value.decode("utf-8", "replace")
        elif name == b"x-homeostat-session":
            session = value.decode("utf-8", "replace")
    try:
        said = _BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Asked(user=user[:_LONGEST_ID], session=session[:_LONGEST_ID], readable=False)
    metadata = said.metadata if isinstance(said.metadata, dict) else {}
    ours = said.homeostat if isinstance(said.homeostat, dict) else {}
    variables = ours.get("variables")
    user = user or _text(said.user) or _text(said.safety_identifier) or _text(metadata.get("user_id"))
    return Asked(
        model=_text(said.model),
        stream=said.stream is True,
        user=user[:_LONGEST_ID],
        session=(session or _text(metadata.get("session_id")))[:_LONGEST_ID],
        variables=variables if isinstance(variables, dict) else {},
        ours=said.homeostat is not None,
    )


class Routes:
    """The routing documents of every project, read once per published snapshot."""

    def __init__(self, snapshot: Callable[[], Snapshot | None]) -> None:
        self._snapshot = snapshot
        self._of: Snapshot | None = None
        self._known: dict[str, _Project] = {}

    def plan(self, project: str, ask: Asked, request: str) -> Plan:
        """Who serves this request. `request`: its trace id, which decides where neither user nor session is known."""
        snapshot = self._snapshot()
        if snapshot is not self._of:
            self._of, self._known = snapshot, {}
        found = self._known.get(project)
        if found is None:
            document = snapshot.policies.get(project) if snapshot is not None else None
            found = self._known[project] = _Project(document or {})
        return found.plan(ask, request)


class _Project:
    """One project's routing document, as records."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._routes = {str(name): policies.from_json(said) for name, said in document.get("routes", {}).items()}
        self._releases = {str(name): releases.from_json(said) for name, said in document.get("releases", {}).items()}

        self._guards = tuple(_matchers(document.get("guards", ())))

    def plan(self, ask: Asked, request: str) -> Plan:
        route = ask.model if ask.model in self._routes else DEFAULT_ROUTE
        policy = self._routes.get(route)
        if policy is None:
            return Plan(route, guards=self._guards)
        served = assign(policy, user=ask.user, session=ask.session, request=request)
        first = self._releases.get(served.release) or Release(served.release)
        others = (self._releases.get(name) for name in first.fallbacks[:_MOST_FALLBACKS])
        chain = (first, *(other for other in others if other is not None))
        return Plan(route, chain, served.why, self._shadow(policy, request, served.release), self._guards)

    def _shadow(self, policy: Policy, request: str, serving: str) -> Release | None:
        """A share of the requests, by a ring of its own, so that shadowing follows no user's place."""
        shadow = policy.shadow
        if shadow is None or shadow.release == serving:
            return None
        if policies.point(f"shadow\0{policy.route}", request) >= shadow.share * policies.RING:
            return None
        return self._releases.get(shadow.release)


def _matchers(told: Iterable[Mapping[str, Any]]) -> Iterator[Matcher]:
    """One that this version cannot use is left out: production calls flow."""
    for each in told:
        try:
            yield Matcher(guard_from_json(each))
        except (BadGuard, KeyError, TypeError, ValueError):
            log.exception("the guard %s cannot be used", each.get("name"))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
