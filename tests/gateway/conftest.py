"""A gateway on a real socket between a fake provider and a spool in memory."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from homeostat.config import Settings
from homeostat.loop.edge import create_edge
from homeostat.records import policy as policies
from homeostat.records import release as releases
from homeostat.records.policy import Policy, Shadow, reshaped
from homeostat.records.release import Release
from homeostat.records.snapshot import Snapshot
from homeostat.store.spool.envelope import Envelope
from tests.gateway.fake import Fake
from tests.loop.serving import FixedClock, MemorySpool, Running, everybody, serve, until


@dataclass
class Gate(Running):
    """A gateway that runs, what is behind it, and what it captured."""

    fake: Fake = field(default_factory=Fake)
    document: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    snapshot: Snapshot | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, body: Any, path: str = "/v1/chat/completions", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """POST some JSON."""
        sent = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, json.dumps(body).encode(), sent)

    def publish(
        self, *kept: Release, shares: dict[str, float] | None = None, route: str = "default", **more: Any
    ) -> None:
        """A policy and its releases, as the core publishes them."""
        self.version += 1
        routes = dict(self.document.get("routes", {}))
        if shares is not None:
            policy = Policy(route, self.version, reshaped([], shares), **more)
            routes[route] = policies.as_json(policy)
        known = {**self.document.get("releases", {}), **{one.name: releases.as_json(one) for one in kept}}
        self.document = {"version": self.version, "routes": routes, "releases": known}
        self.snapshot = Snapshot(self.version, "", {}, policies={"tests": self.document})

    def spans(self, count: int = 1) -> list[Span]:
        """The calls that were captured, once there are so many."""

        def found() -> list[Span]:
            return [span for envelope in self.spool.envelopes for span in each_span(envelope)]

        until(lambda: len(found()) >= count)
        time.sleep(0.05)
        assert len(found()) == count
        return found()

    def told(self, count: int = 1) -> dict[str, Any]:
        """What the last of the captured calls says."""
        return told(self.spans(count)[-1])


def each_span(envelope: Envelope) -> list[Span]:
    """The calls that an envelope tells."""
    return [
        span
        for resource in TracesData.FromString(envelope.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def told(span: Span) -> dict[str, Any]:
    """Attributes as values."""
    found: dict[str, Any] = {}
    for attribute in span.attributes:
        value = attribute.value
        kind = value.WhichOneof("value")
        if kind == "array_value":
            found[attribute.key] = [item.string_value for item in value.array_value.values]
        else:
            found[attribute.key] = getattr(value, kind)
    return found


@contextlib.contextmanager
def gateway(tmp_path: Path, fake: Fake, **settings: Any) -> Iterator[Gate]:
    """A gateway in front of a fake provider."""
    spool, clock = MemorySpool(), FixedClock()
    chosen = Settings(data=tmp_path, **{"upstream": fake.url, **settings})
    gate = Gate(0, spool, clock, fake)
    app = create_edge(
        chosen, spool=spool, guard=everybody, clock=clock, core_socket=tmp_path / "core.sock",
        snapshot=lambda: gate.snapshot,
    )  # fmt: skip
    with serve(app) as port:
        gate.port = port
        yield gate


@pytest.fixture
def fake() -> Iterator[Fake]:
    one = Fake().start()
    yield one
    one.stop()


Open = Callable[..., Gate]


@pytest.fixture
def open_gate(tmp_path: Path, fake: Fake) -> Iterator[Open]:
    """Makes gateways with the settings of a test."""
    with contextlib.ExitStack() as stack:
        yield lambda **settings: stack.enter_context(gateway(tmp_path, fake, **settings))


@pytest.fixture
def other() -> Iterator[Fake]:
    """A second provider."""
    one = Fake().start()
    yield one
    one.stop()


@pytest.fixture
def gate(open_gate: Open) -> Gate:
    return open_gate()


__all__ = ["Fake", "Gate", "Open", "Release", "Shadow", "each_span", "told"]
