"""T1: kill -9 of supervisor, edge and core, each alone and together, under load: 0 lost, 0 doubled, 0 altered."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.live.harness import Oracle, Server, serving
from tests.seeds import seeded

pytestmark = pytest.mark.live
VICTIMS = ("edge", "core", "supervisor", "all")


def rounds(server: Server, seed: int, count: int, *, longest: float, least: int = 0) -> Oracle:
    """Kill a victim at a random moment under load, again and again, until `least` spans were taken."""
    rng = random.Random(seed)
    oracle = Oracle(server.port, seed, pause=0.4).start()
    try:
        for number in range(count):
            time.sleep(rng.uniform(0.3, longest))
            victim = VICTIMS[number % len(VICTIMS)]
            server.kill(victim)
            if server.process is None:
                server.start(wait=False)
            if number % 3 == 2:
                server.wait_ready()
        while len(oracle.acknowledged) < least:
            time.sleep(0.05)
    finally:
        oracle.stop()
    server.wait_ready()
    return oracle


def test_ten_rounds(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        rounds(server, 11, 10, longest=1.5, least=1000).verify(server)
        assert server.stop() == 0


@pytest.mark.nightly
@pytest.mark.timeout(5400)
def test_two_hundred_rounds(tmp_path: Path) -> None:
    seed = seeded(5)
    total = 0
    for part in range(8):
        with serving(tmp_path / f"data{part}") as server:
            figures = rounds(server, seed + part, 25, longest=3.0).verify(server)
            print(f"seed {seed + part}: {figures}", flush=True)
            total += figures["acknowledged"]
    assert total > 100_000
