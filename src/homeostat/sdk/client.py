"""`homeostat.Client`: reads what Homeostat knows, and changes what serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Final, Literal
from urllib.parse import quote

from homeostat.sdk.asked import Asked, ClientError, Line, Listed, Wanted
from homeostat.sdk.tables import Row, Rows
from homeostat.sdk.where import Pairs, parsed

Time = str | datetime
_PAGE: Final = 500
__all__ = ["Client", "ClientError"]


class Client:
    """A server's API. Every question is lazy: iterate or `.get()` it, or in async code `await` or `async for` it."""

    def __init__(self, url: str | None = None, key: str | None = None, *, timeout: float = 60.0) -> None:
        """url, key: HOMEOSTAT_URL and HOMEOSTAT_KEY."""
        self._line = Line(url, key, timeout)

    def exchanges(
        self,
        *,
        since: Time | None = None,
        until: Time | None = None,
        where: str | Sequence[str] = (),
        q: str | None = None,
        kind: Literal["answer", "call", "all"] = "answer",
        limit: int | None = None,
        **filters: object,
    ) -> Listed:
        """Exchanges, newest first: `exchanges(since="24h", where="score.groundedness < 0.5", model="gpt-4o")`."""
        pairs = [("kind", kind), *_times(since, until), *([("q", q)] if q else []), *parsed(where), *_filters(filters)]
        return Listed(self._line, "/api/v1/exchanges", pairs, limit, _PAGE)

    def exchange(self, id: str) -> Asked[Row]:
        """One exchange, whole: messages, documents, tool calls, attributes."""
        return self._get(f"/api/v1/exchanges/{_part(id)}")

    def trace(self, trace_id: str) -> Asked[Row]:
        """Every span of a trace."""
        return self._get(f"/api/v1/traces/{_part(trace_id)}")

    def session(self, id: str) -> Asked[Row]:
        """A conversation in order, with totals."""
        return self._get(f"/api/v1/sessions/{_part(id)}")

    def measures(
        self,
        *measures: str,
        by: str | Sequence[str] = (),
        every: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
        where: str | Sequence[str] = (),
        kind: Literal["answer", "call", "all"] = "answer",
        tz: str | None = None,
        **filters: object,
    ) -> Asked[Rows]:
        """Numbers with intervals: `measures("p95(latency)", "sum(cost)", by="model", every="1h", since="7d").get()`."""
        pairs = [("measure", each) for each in measures] + [("kind", kind)]
        pairs += [("by", each) for each in ([by] if isinstance(by, str) else by) if each]
        pairs += [(name, value) for name, value in (("every", every), ("tz", tz)) if value]
        pairs += [*_times(since, until), *parsed(where), *_filters(filters)]
        return Asked(self._line, Wanted("GET", "/api/v1/measures", pairs), lambda answer: Rows(answer["points"]))

    def releases(self) -> Asked[Rows]:
        """What can answer, newest first."""
        return Asked(self._line, Wanted("GET", "/api/v1/releases"), _items)

    def release(self, name: str) -> Asked[Row]:
        """One release, by name or label."""
        return self._get(f"/api/v1/releases/{_part(name)}")

    def make_release(self, name: str, **fields: object) -> Asked[Row]:
        """Make a release: model, system, parameters, examples, prompt, endpoint, fallbacks. It never changes."""
        return self._post("/api/v1/releases", {"name": name, **fields})

    def prompts(self) -> Asked[Rows]:
        """The newest version of each prompt."""
        return Asked(self._line, Wanted("GET", "/api/v1/prompts"), _items)

    def make_prompt(self, name: str, template: str, *, note: str = "") -> Asked[Row]:
        """The next version of a prompt."""
        return self._post("/api/v1/prompts", {"name": name, "template": template, "note": note})

    def policies(self) -> Asked[Rows]:
        """Every route that has a policy."""
        return Asked(self._line, Wanted("GET", "/api/v1/policies"), _items)

    def policy(self, route: str = "default") -> Asked[Row]:
        """Who serves a route, and its history."""
        return self._get(f"/api/v1/policies/{quote(route)}")

    def put_policy(self, route: str, shares: Mapping[str, float], *, version: int, **fields: object) -> Asked[Row]:
        """Change who serves a route. version: the one that is replaced, 0 for none; another one there is an error 409.

        fields: sticky, pinned, shadow, previous_good, reason.
        """
        body = {"shares": dict(shares), "version": version, **fields}
        return Asked(self._line, Wanted("PUT", f"/api/v1/policies/{quote(route)}", body=body))

    def rollback(self, route: str = "default", *, to: str | None = None, reason: str | None = None) -> Asked[Row]:
        """Put the last good release back, or the one that is named."""
        body = {name: value for name, value in (("to", to), ("reason", reason)) if value}
        return self._post(f"/api/v1/policies/{quote(route)}/rollback", body)

    def monitors(self) -> Asked[Rows]:
        """What is watched, the default set too, with how it stands."""
        return Asked(self._line, Wanted("GET", "/api/v1/monitors"), _items)

    def put_monitor(self, name: str, measure: str, against: Mapping[str, object], **fields: object) -> Asked[Row]:
        """Have a monitor: `put_monitor("polite", "mean(score.civil)", {"reference": "all"}, direction="down").get()`.

        fields: direction, where, by, unit, tolerance, severity, budget, state. What says something else than before is
        a new version.
        """
        wanted = {"name": name, "measure": measure, "against": against, **fields}
        return Asked(self._line, Wanted("POST", "/api/v1/monitors", body=wanted), _first)

    def test_monitor(
        self, name: str, measure: str, against: Mapping[str, object], *, since: str = "30d", **fields: object
    ) -> Asked[Row]:
        """How often it would have fired on what is stored. Nothing is changed."""
        wanted = {"name": name, "measure": measure, "against": against, **fields}
        return self._post("/api/v1/monitors/test", {"monitor": wanted, "from": since})

    def pause_monitor(self, name: str) -> Asked[Row]:
        """Watch it no longer; also one of the default set."""
        return self._patch(f"/api/v1/monitors/{_part(name)}", {"state": "paused"})

    def resume_monitor(self, name: str) -> Asked[Row]:
        """Watch it again."""
        return self._patch(f"/api/v1/monitors/{_part(name)}", {"state": "on"})

    def incidents(self, *, state: Literal["open", "acknowledged", "closed"] | None = None) -> Asked[Rows]:
        """What was found wrong, newest first."""
        pairs = [("state", state)] if state else []
        return Asked(self._line, Wanted("GET", "/api/v1/incidents", pairs), _items)

    def incident(self, id: int) -> Asked[Row]:
        """One incident, with its findings, what was done and what came of it."""
        return self._get(f"/api/v1/incidents/{id}")

    def accounting(self) -> Asked[Row]:
        """What became of everything that was sent."""
        return self._get("/api/v1/accounting")

    def status(self) -> Asked[Row]:
        """Whether everything is alive."""
        return self._get("/api/v1/status")

    def close(self) -> None:
        """Let go of the connection."""
        self._line.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, path: str, parameters: Sequence[tuple[str, str]] = ()) -> Asked[Row]:
        return Asked(self._line, Wanted("GET", path, parameters))

    def _post(self, path: str, body: object) -> Asked[Row]:
        return Asked(self._line, Wanted("POST", path, body=body))

    def _patch(self, path: str, body: object) -> Asked[Row]:
        return Asked(self._line, Wanted("PATCH", path, body=body))


def _items(answer: Row) -> Rows:
    return Rows(answer["items"])


def _first(answer: Row) -> Row:
    return dict(answer["items"][0])


def _part(text: str) -> str:
    return quote(text, safe="")


def _times(since: Time | None, until: Time | None) -> Pairs:
    named = (("from", since), ("to", until))
    return [(name, at if isinstance(at, str) else _instant(at)) for name, at in named if at is not None]


def _instant(at: datetime) -> str:
    return (at if at.tzinfo else at.astimezone()).isoformat()


def _filters(filters: Mapping[str, object]) -> Pairs:
    """Keywords as filters: a list means any of them; `latency_ms__gt=2000` is `latency_ms.gt=2000`."""
    pairs: Pairs = []
    for name, value in filters.items():
        values = value if isinstance(value, list | tuple | set | frozenset) else [value]
        key = name.replace("__", ".")
        pairs += [(key, str(each).lower() if isinstance(each, bool) else str(each)) for each in values]
    return pairs
