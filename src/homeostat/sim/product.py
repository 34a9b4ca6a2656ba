"""The product as its user sees it: a base URL. All that the world says to it and asks of it goes through here."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx2

from homeostat.records import policy as policies
from homeostat.records.policy import Policy, reshaped
from homeostat.sim.application import SYSTEM
from homeostat.sim.exchange import Exchange
from homeostat.sim.scenario import Served
from homeostat.sim.wire import body

ROUTE: Final = "default"
_A_BODY: Final = 2_000
_SIGNALS: Final = 5_000
#: Seconds until a change of the policy must be published, and until a server that is away must be back.
_PUBLISHED: Final = 60.0
_AWAY: Final = 90.0


class Refused(Exception):
    """The product did not take what the world sent; the message is its own."""


@dataclass
class Product:
    """A running server, and the policy that the application obeys. Without steering there the world keeps its own."""

    client: httpx2.Client
    policy: Policy = field(default_factory=lambda: Policy(ROUTE, 0, ()))
    steers: bool = True
    """The server has releases and policies."""

    # What the application sends

    def tell(
        self, exchanges: Sequence[Exchange], told: str = "call", *, signals: Sequence[Mapping[str, Any]] = ()
    ) -> int:
        """Exchanges, by OTLP, and what people did; how many bytes of exchanges. All of it at once: what comes together
        is loaded together, and a load costs about the same for one as for hundreds."""
        bodies = [body(exchanges[at : at + _A_BODY], told) for at in range(0, len(exchanges), _A_BODY)]
        self.signal(signals)
        sent = 0
        for content in bodies:
            answer = self._post("/v1/traces", content=content, headers={"content-type": "application/x-protobuf"})
            if answer.content:
                raise Refused(f"not all spans were taken: {answer.content[:200]!r}")
            sent += len(content)
        return sent

    def signal(self, signals: Sequence[Mapping[str, Any]]) -> None:
        """What people did, and how those who review answers scored them."""
        did = [signal for signal in signals if "rung" not in signal]
        scored = [signal for signal in signals if "rung" in signal]
        for path, told in (("/api/v1/signals", did), ("/api/v1/scores", scored)):
            for at in range(0, len(told), _SIGNALS):
                self._post(path, json=told[at : at + _SIGNALS])

    def advance(self, to_ns: int, *, wait: bool = True) -> None:
        """The event clock moves on; returns when the product has done what there was to do, if it is to `wait`."""
        to = datetime.fromtimestamp(to_ns // 1000 / 1e6, UTC).isoformat()
        self._post("/api/v1/clock", json={"to": to} if wait else {"to": to, "wait": False})

    @property
    def drives(self) -> bool:
        """Does its event clock move as we say?"""
        return self.client.post("/api/v1/clock", json={}).status_code != 404

    def _post(self, path: str, **what: Any) -> httpx2.Response:
        """What can be said twice. A server that is away for a while comes back: it restarts what hangs."""
        end = time.monotonic() + _AWAY
        while True:
            answer = self.client.post(path, **what)
            if answer.status_code != 503 or time.monotonic() > end:
                _checked(answer)
                return answer
            time.sleep(1.0)

    def have(self, path: str, wanted: Mapping[str, Any]) -> bool:
        """Something that an operator sets up once; False where the server has no such route."""
        answer = self.client.post(path, json=wanted)
        if answer.status_code == 404:
            return False
        _checked(answer)
        return True

    def change(self, path: str, wanted: Mapping[str, Any]) -> None:
        """Other words for something that is there."""
        _checked(self.client.patch(path, json=wanted))

    # Releases and who gets them

    def announce(self, served: Served, *, documents: str = "") -> None:
        """A release of the application. `documents`: the end of its system prompt where the gateway fills it."""
        release = {
            "name": served.name, "model": served.model, "model_version": served.answered,
            "system": (served.system or SYSTEM) + documents,
            "parameters": {"temperature": served.temperature},
        }  # fmt: skip
        answer = self.client.post("/api/v1/releases", json=release)
        if answer.status_code == 404:
            self.steers = False
        else:
            _checked(answer)

    def put(self, shares: Mapping[str, float], why: str) -> None:
        """A person changes the policy."""
        if not self.steers:
            pieces = reshaped(self.policy.pieces, shares)
            self.policy = Policy(ROUTE, self.policy.version + 1, pieces, reason=why)
            return
        wanted = {"shares": dict(shares), "version": self.policy.version, "reason": why}
        _checked(self.client.put(f"/api/v1/policies/{ROUTE}", json=wanted))
        self.obey()

    def obey(self) -> None:
        """Read the policy again, as the SDK does. The edge publishes a change within a second: the world waits for it,
        because in its own time that second is nothing."""
        if not self.steers:
            return
        decided = _checked(self.client.get(f"/api/v1/policies/{ROUTE}"))["version"]
        end = time.monotonic() + _PUBLISHED
        while True:
            routes = _checked(self.client.get("/api/v1/routing"))["routes"]
            if ROUTE in routes and routes[ROUTE]["version"] >= decided:
                self.policy = policies.from_json(routes[ROUTE])
                return
            if time.monotonic() > end:
                raise Refused(f"version {decided} of the policy was not published within {_PUBLISHED:g} s")
            time.sleep(0.02)

    # What the product says

    def items(self, path: str, **asked: str) -> list[dict[str, Any]] | None:
        """A list of the API, whole; None where the server has no such route."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            answer = self.client.get(path, params={**asked, **({"cursor": cursor} if cursor else {})})
            if answer.status_code == 404:
                return None
            page = _checked(answer)
            found += page["items"] if isinstance(page, dict) else page
            cursor = page.get("next") or "" if isinstance(page, dict) else ""
            if not cursor:
                return found

    def get(self, path: str, **asked: str | list[str]) -> Any:
        """Any question; None where the server has no such route."""
        answer = self.client.get(path, params=asked)
        return None if answer.status_code == 404 else _checked(answer)


def _checked(answer: httpx2.Response) -> Any:
    if answer.status_code >= 400:
        raise Refused(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:400]}")
    return (
        answer.json()
        if answer.headers.get("content-type", "").startswith("application/json") and answer.content
        else None
    )


@contextmanager
def at(url: str, key: str = "") -> Iterator[Product]:
    """The product at an address."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx2.Client(base_url=url, headers=headers, timeout=600, trust_env=False) as client:
        try:
            yield Product(client)
        except httpx2.TransportError as error:
            raise Refused(f"no answer from {url} ({error}): the server is gone") from error
