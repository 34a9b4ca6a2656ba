"""Whatever comes, the answer is one that is documented, soon, and nothing breaks: T5 (a) and (b)."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from homeostat.config import Settings
from homeostat.loop.edge import create_edge
from homeostat.observe.otlp.schema import LogsData, TracesData
from homeostat.store.spool.envelope import Part, decode, encode
from tests.loop.serving import FixedClock, MemorySpool, running_edge
from tests.observe.otlp.mutation import Sent, mutated
from tests.seeds import seeded

ANSWERS = {200, 202, 207, 400, 413, 415, 422}
SEED = 20261120
HANGS = 20.0
"""Seconds that no body takes on any machine, unless the work explodes."""


class Process:
    """The edge without sockets: a request in, a status out."""

    def __init__(self, folder: Path) -> None:
        self.spool = MemorySpool()
        settings = Settings(data=folder)
        self.app = create_edge(
            settings, spool=self.spool, guard=lambda app: app, clock=FixedClock(), core_socket=folder / "core.sock"
        )

    async def status(self, sent: Sent) -> int:
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": sent.path, "query_string": b""}
        names = ((b"content-type", sent.kind), (b"content-encoding", sent.encoding))
        scope["headers"] = [(name, value.encode("latin-1")) for name, value in names if value]
        scope["homeostat.visitor"] = Visitor
        said: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": sent.body, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        assert [message["type"] for message in said] == ["http.response.start", "http.response.body"]
        return int(said[0]["status"])


class Visitor:
    """Anybody."""

    project = "fuzz"


async def _decode_to_envelope(folder: Path, count: int) -> None:
    process = Process(folder)
    slowest = 0.0
    for sent in mutated(seeded(SEED), count):
        process.spool.envelopes.clear()
        started = time.perf_counter()
        status = await process.status(sent)
        slowest = max(slowest, time.perf_counter() - started)
        assert status in ANSWERS, (status, sent)
        for envelope in process.spool.envelopes:
            [record] = decode(b"".join(encode(envelope, 0)))
            assert record.envelope == envelope
            _loadable(envelope.part, envelope.body, envelope.items)
    assert slowest < HANGS


def _loadable(part: Part, body: bytes, items: int) -> None:
    """What is in the spool can be read again, with as many items as it says."""
    if part is Part.TRACES:
        found = sum(len(s.spans) for r in TracesData.FromString(body).resource_spans for s in r.scope_spans)
    elif part is Part.LOGS:
        found = sum(len(s.log_records) for r in LogsData.FromString(body).resource_logs for s in r.scope_logs)
    elif part is Part.FACTS:
        lines = [json.loads(line) for line in body.split(b"\n")]
        assert all(line["fact"] in ("signal", "score", "exchange") for line in lines)
        found = len(lines)
    else:
        return
    assert found == items


def test_decode_to_envelope(tmp_path: Path) -> None:
    asyncio.run(_decode_to_envelope(tmp_path, 5_000))


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_decode_to_envelope_for_long(tmp_path: Path) -> None:
    asyncio.run(_decode_to_envelope(tmp_path, 100_000))


def _over_a_socket(folder: Path, count: int) -> None:
    process = psutil.Process()
    with running_edge(folder) as edge:
        edge.spool.append = _forget  # type: ignore[method-assign]
        connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=60)
        memory = 0
        for number, sent in enumerate(mutated(seeded(SEED) + 1, count)):
            headers = {"content-type": sent.kind} | ({"content-encoding": sent.encoding} if sent.encoding else {})
            started = time.monotonic()
            connection.request("POST", sent.path, sent.body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in ANSWERS, (answer.status, sent)
            assert time.monotonic() - started < HANGS
            if number == min(500, count // 2):
                memory = process.memory_info().rss
        connection.close()
        assert process.memory_info().rss - memory < 50 << 20


async def _forget(_envelope: object) -> None:
    """A spool that takes everything and keeps nothing: memory is what is measured."""


def test_over_a_socket(tmp_path: Path) -> None:
    _over_a_socket(tmp_path, 5_000)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_over_a_socket_for_long(tmp_path: Path) -> None:
    _over_a_socket(tmp_path, 100_000)
