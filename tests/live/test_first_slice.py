"""The ground in one test: OTLP in, the exchange out of the API, and kill -9 of either process loses nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.live.harness import batch, serving

pytestmark = pytest.mark.live
PROTOBUF = {"content-type": "application/x-protobuf"}


def test_what_was_accepted_comes_back_and_survives_kill_9(tmp_path: Path) -> None:
    rng = random.Random(2)
    with serving(tmp_path / "data") as server:
        expected = []
        for victim in (None, "edge", "core"):
            body, sent = batch(rng, 3)
            assert server.request("POST", "/v1/traces", body, PROTOBUF)[0] == 200
            expected += sent
            if victim:
                server.kill(victim)
                server.wait_ready()
        server.drain()
        found = {item["id"]: item for item in server.exchanges()}
        assert {f"{one.trace_id}-{one.span_id}" for one in expected} == set(found)
        one = expected[0]
        exchange = server.json(f"/api/v1/exchanges/{one.trace_id}-{one.span_id}")
        assert exchange["input"] == one.text
        assert exchange["output"] == "Soon."
        assert exchange["model"] == "gpt-4o-mini"
        assert exchange["input_tokens"] == one.tokens
        assert exchange["cost"] > 0
        assert server.stop() == 0
