"""T2: the disk refuses a write and the embedded engine does not notice: the core does, and nothing is lost by it."""

from __future__ import annotations

import contextlib
import random
import resource
import time
from pathlib import Path

import psutil
import pytest

from tests.live.harness import Oracle, Server, batch, ended, serving
from tests.live.spans import PROTOBUF
from tests.seeds import seeded

pytestmark = pytest.mark.live


def limit(server: Server) -> psutil.Process:
    """From now on the core may write no file that is much longer than the ledger; its process."""
    core = server.children()["core"]
    known = max(path.stat().st_size for path in server.data.glob("ledger*"))
    resource.prlimit(core.pid, resource.RLIMIT_FSIZE, (known + (1 << 20), resource.RLIM_INFINITY))
    return core


def test_a_write_that_the_engine_lost_is_made_again(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        oracle = Oracle(server.port, 31, clients=2, pause=0.05).start()
        while len(oracle.acknowledged) < 1000:
            time.sleep(0.05)
        oracle.stop()
        server.drain()
        core = limit(server)
        body, sent = batch(random.Random(31), 800, noise=6000)
        assert server.request("POST", "/v1/traces", body, PROTOBUF)[0] == 200
        ended(core)
        server.wait_ready()
        oracle.verify(server, own=False)
        for one in sent[::50]:
            assert server.json(f"/api/v1/exchanges/{one.trace_id}-{one.span_id}")["input"] == one.text
        assert server.json("/api/v1/accounting")["stored"] == len(oracle.acknowledged) + len(sent)
        assert "writes of the warehouse" in server.log()
        assert server.stop() == 0


@pytest.mark.nightly
def test_a_disk_that_refuses_now_and_then(tmp_path: Path) -> None:
    """Whatever the core was writing: loads, merges, deletions, its ledger, at a start."""
    seed = seeded(32)
    rng = random.Random(seed)
    with serving(tmp_path / "data") as server:
        oracle = Oracle(server.port, seed, clients=3, pause=0.05).start()
        ends = set()
        for _ in range(60):
            time.sleep(rng.uniform(0.2, 2))
            core = server.children().get("core")
            if core is None:
                continue
            ends.add(core.pid)
            for longest in (int(10 ** rng.uniform(0, 6.5)), resource.RLIM_INFINITY):
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(core.pid, resource.RLIMIT_FSIZE, (longest, resource.RLIM_INFINITY))
                time.sleep(rng.uniform(0.05, 0.5))
        server.wait_ready()
        oracle.stop()
        print(f"{len(ends)} cores: {oracle.verify(server)}", flush=True)
        assert server.stop() == 0
