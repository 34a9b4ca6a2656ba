"""Every route of edge and core in one table. What does not stand here does not exist: the guard refuses it.

A test walks the routers of both processes and fails on a route that is not listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from homeostat.records.visitor import Scope

Need = Scope | Literal["public", "operator"]
"""What a visitor must have: a scope; nothing; or to be the local operator, which no key gives."""
Server = Literal["edge", "core", "both"]
"""Who answers; both: the edge does, and asks the core's route of that name for its part."""
Family = Literal["otlp", "openai", "anthropic", "plain"]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path. A path may end in `{name}` (one segment) or `{name:path}` (all the rest), or have
    `{name:path}` (one or more segments) before a fixed end."""

    method: str
    path: str
    need: Need
    server: Server
    family: Family = "plain"
    """How it says no: OTLP clients read a google.rpc.Status in their own content type, others their API's JSON."""


def _otlp() -> list[Route]:
    prefixes = ("", "/otel", "/api/public/otel")
    signals = ("traces", "logs", "metrics")
    return [
        Route("POST", f"{prefix}/v1/{signal}", "ingest", "edge", "otlp") for prefix in prefixes for signal in signals
    ]


ROUTES: Final[tuple[Route, ...]] = (
    # Ingest
    *_otlp(),
    Route("POST", "/api/v1/exchanges", "ingest", "edge"),
    Route("POST", "/api/v1/signals", "ingest", "edge"),
    Route("POST", "/api/v1/scores", "ingest", "edge"),
    Route("POST", "/api/public/scores", "ingest", "edge"),
    Route("POST", "/api/public/ingestion", "ingest", "edge"),
    Route("GET", "/api/public/projects", "ingest", "edge"),
    # The gateway
    Route("POST", "/v1/chat/completions", "gateway", "edge", "openai"),
    Route("POST", "/v1/responses", "gateway", "edge", "openai"),
    Route("POST", "/v1/embeddings", "gateway", "edge", "openai"),
    Route("GET", "/v1/models", "gateway", "edge", "openai"),
    Route("GET", "/v1/models/{id}", "gateway", "edge", "openai"),
    Route("POST", "/v1/messages", "gateway", "edge", "anthropic"),
    Route("POST", "/v1/messages/count_tokens", "gateway", "edge", "anthropic"),
    Route("POST", "/generate", "gateway", "edge"),
    # Questions
    Route("GET", "/api/v1/exchanges", "read", "core"),
    Route("GET", "/api/v1/exchanges/export", "read", "core"),
    Route("GET", "/api/v1/exchanges/{id}", "read", "core"),
    Route("GET", "/api/v1/traces/{trace_id}", "read", "core"),
    Route("GET", "/api/v1/sessions/{id:path}", "read", "core"),
    Route("GET", "/api/v1/measures", "read", "core"),
    Route("GET", "/api/v1/accounting", "read", "core"),
    Route("GET", "/api/v1/live", "read", "core"),
    Route("GET", "/api/v1/status", "read", "core"),
    Route("GET", "/metrics", "read", "both"),
    # Steering
    Route("GET", "/api/v1/routing", "ingest", "edge"),
    Route("GET", "/api/v1/policies", "read", "core"),
    Route("GET", "/api/v1/policies/{route:path}", "read", "core"),
    Route("PUT", "/api/v1/policies/{route:path}", "admin", "core"),
    Route("POST", "/api/v1/policies/{route:path}/rollback", "admin", "both"),
    Route("GET", "/api/v1/releases", "read", "core"),
    Route("POST", "/api/v1/releases", "admin", "core"),
    Route("GET", "/api/v1/releases/diff", "read", "core"),
    Route("GET", "/api/v1/releases/timeline", "read", "core"),
    Route("POST", "/api/v1/releases/labels", "admin", "core"),
    Route("GET", "/api/v1/releases/{name}", "read", "core"),
    Route("GET", "/api/v1/prompts", "read", "core"),
    Route("POST", "/api/v1/prompts", "admin", "core"),
    Route("GET", "/api/v1/prompts/diff", "read", "core"),
    Route("POST", "/api/v1/prompts/labels", "admin", "core"),
    Route("GET", "/api/v1/prompts/{name}", "read", "core"),
    Route("GET", "/api/v1/audit", "read", "core"),
    # Incidents
    Route("GET", "/api/v1/incidents", "read", "core"),
    Route("GET", "/api/v1/incidents/{id}", "read", "core"),
    Route("PATCH", "/api/v1/incidents/{id}", "admin", "core"),
    Route("GET", "/api/v1/incidents/{id:path}/story", "read", "core"),
    Route("POST", "/api/v1/incidents/{id:path}/comments", "admin", "core"),
    Route("POST", "/api/v1/incidents/{id:path}/merge", "admin", "core"),
    Route("POST", "/api/v1/incidents/{id:path}/split", "admin", "core"),
    Route("GET", "/api/v1/notifiers", "read", "core"),
    Route("GET", "/api/v1/notifiers/kinds", "read", "core"),
    Route("PUT", "/api/v1/notifiers/{name}", "operator", "core"),
    Route("DELETE", "/api/v1/notifiers/{name}", "operator", "core"),
    Route("POST", "/api/v1/notifiers/{name:path}/test", "admin", "core"),
    # Actions, verdicts, experiments, datasets
    Route("GET", "/api/v1/actions", "read", "core"),
    Route("POST", "/api/v1/actions", "admin", "core"),
    Route("GET", "/api/v1/actions/remedies", "read", "core"),
    Route("GET", "/api/v1/actions/{id}", "read", "core"),
    Route("PATCH", "/api/v1/actions/{id}", "admin", "core"),
    Route("POST", "/api/v1/actions/{id:path}/approve", "admin", "core"),
    Route("POST", "/api/v1/actions/{id:path}/decline", "admin", "core"),
    Route("POST", "/api/v1/actions/{id:path}/replay", "admin", "core"),
    Route("POST", "/api/v1/actions/{id:path}/undo", "admin", "core"),
    Route("GET", "/api/v1/guards", "read", "core"),
    Route("GET", "/api/v1/verdicts", "read", "core"),
    Route("GET", "/api/v1/experiments", "read", "core"),
    Route("POST", "/api/v1/experiments", "admin", "core"),
    Route("GET", "/api/v1/experiments/{name}", "read", "core"),
    Route("POST", "/api/v1/experiments/{name:path}/stop", "admin", "core"),
    Route("GET", "/api/v1/datasets", "read", "core"),
    Route("POST", "/api/v1/datasets", "admin", "core"),
    Route("POST", "/api/v1/datasets/forget", "admin", "core"),
    Route("GET", "/api/v1/datasets/{name}", "read", "core"),
    Route("GET", "/api/v1/datasets/{name:path}/items", "read", "core"),
    Route("GET", "/api/v1/datasets/{name:path}/export", "read", "core"),
    # Monitors
    Route("GET", "/api/v1/monitors", "read", "core"),
    Route("POST", "/api/v1/monitors", "admin", "core"),
    Route("POST", "/api/v1/monitors/test", "read", "core"),
    Route("GET", "/api/v1/monitors/{name}", "read", "core"),
    Route("PATCH", "/api/v1/monitors/{name}", "admin", "core"),
    Route("GET", "/api/v1/findings", "read", "core"),
    Route("GET", "/api/v1/comparisons", "read", "core"),
    # Scorers
    Route("GET", "/api/v1/scorers", "read", "core"),
    Route("POST", "/api/v1/scorers", "admin", "core"),
    Route("GET", "/api/v1/scorers/kinds", "read", "core"),
    Route("POST", "/api/v1/scorers/test", "admin", "core"),
    Route("GET", "/api/v1/scorers/{name}", "read", "core"),
    Route("GET", "/api/v1/scorers/{name:path}/quality", "read", "core"),
    Route("PATCH", "/api/v1/scorers/{name}", "admin", "core"),
    Route("POST", "/api/v1/scorers/{name:path}/backfill", "admin", "core"),
    # Keys, projects, clock
    Route("GET", "/api/v1/keys", "admin", "core"),
    Route("POST", "/api/v1/keys", "operator", "core"),
    Route("DELETE", "/api/v1/keys/{id}", "admin", "core"),
    Route("GET", "/api/v1/projects", "admin", "core"),
    Route("POST", "/api/v1/projects", "operator", "core"),
    Route("PATCH", "/api/v1/projects/{name}", "admin", "core"),
    Route("POST", "/api/v1/clock", "admin", "core"),
    # Public: six, and a test that there are no more
    Route("GET", "/healthz", "public", "edge"),
    Route("GET", "/readyz", "public", "both"),
    Route("GET", "/", "public", "core"),
    Route("GET", "/api/docs", "public", "core"),
    Route("GET", "/api/docs/{asset}", "public", "core"),
    Route("GET", "/api/openapi.json", "public", "core"),
)


class Table:
    """Finds the route of a request: exact paths by one look-up, patterns by their part before the variable."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: dict[tuple[str, str], Route] = {}
        self._segment: dict[tuple[str, str], Route] = {}
        self._around: list[tuple[str, str, str, Route]] = []
        self._rest: list[tuple[str, str, Route]] = []
        for route in self.routes:
            self._add(route)

    def match(self, method: str, path: str) -> Route | None:
        """The route that serves this; HEAD is served where GET is. Nothing is normalised: not listed is not there."""
        if method == "HEAD":
            method = "GET"
        found = self._exact.get((method, path))
        if found is not None:
            return found
        head, _, last = path.rpartition("/")
        if last:
            found = self._segment.get((method, head))
            if found is not None:
                return found
        for listed, prefix, end, route in self._around:
            there = len(path) > len(prefix) + len(end) and path.startswith(prefix) and path.endswith(end)
            if method == listed and there:
                return route
        for listed, prefix, route in self._rest:
            if method == listed and len(path) > len(prefix) and path.startswith(prefix):
                return route
        return None

    def methods(self, path: str) -> list[str]:
        """The methods that this path has."""
        return sorted({route.method for route in self.routes if self.match(route.method, path)})

    def _add(self, route: Route) -> None:
        head, brace, variable = route.path.partition("{")
        key = (route.method, route.path)
        if not brace:
            target, name = self._exact, key
        elif head.endswith("/") and ":path}/" in variable and variable.count("}") == 1:
            self._around.append((route.method, head, variable.partition("}")[2], route))
            return
        elif not head.endswith("/") or variable.find("}") != len(variable) - 1:
            raise ValueError(f"{route.path}: a variable is the last segment of a path, whole.")
        elif variable.endswith(":path}"):
            self._rest.append((route.method, head, route))
            return
        else:
            target, name = self._segment, (route.method, head.rstrip("/"))
        if name in target:
            raise ValueError(f"{route.method} {route.path} is listed twice.")
        target[name] = route


TABLE: Final = Table(ROUTES)
