"""T1 for the writer alone: killed with SIGKILL at random points, every acknowledged record is there exactly once."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from homeostat.store.spool.envelope import decode
from homeostat.store.spool.segment import QUARANTINE, Sound, sealed, verify
from homeostat.store.spool.writer import SpoolWriter
from tests.seeds import seeded

CHILD = """
import asyncio, os, sys
from pathlib import Path
from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.spool.writer import SpoolWriter

writer = SpoolWriter(Path(sys.argv[1]), segment_bytes=60_000, segment_seconds=0.01)
first = int(sys.argv[2])

async def client(lane):
    n = first + lane
    while True:
        body = b"%010d" % n + b"." * (n * 7919 % 3000)
        await writer.append(Envelope(1, "p", 1, Part.TRACES, body))
        os.write(1, b"%d\\n" % n)
        n += 16

async def main():
    await asyncio.wait_for(asyncio.gather(*(client(lane) for lane in range(16))), 240)

asyncio.run(main())
"""


LEAST = 20


def acknowledged_until_killed(folder: Path, first: int, seconds: float) -> list[int]:
    """Starts a writer process, kills it `seconds` after its first answers; the ids that it acknowledged."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder), str(first)], stdout=subprocess.PIPE)
    assert child.stdout
    pipe = child.stdout.fileno()
    out = b""
    kill_at = time.monotonic() + 120
    while time.monotonic() < kill_at:
        ready, _, _ = select.select([pipe], [], [], max(0.0, kill_at - time.monotonic()))
        if not ready:
            break
        data = os.read(pipe, 1 << 16)
        assert data, "the writer process ended by itself"
        enough = out.count(b"\n") > LEAST
        out += data
        if not enough and out.count(b"\n") > LEAST:
            kill_at = time.monotonic() + seconds
    child.send_signal(signal.SIGKILL)
    while data := os.read(pipe, 1 << 16):
        out += data
    child.stdout.close()
    assert child.wait(60) == -signal.SIGKILL
    complete = out[: out.rfind(b"\n") + 1]
    return [int(line) for line in complete.split()]


def rounds(folder: Path, total: int, seed: int) -> None:
    draw = random.Random(seed)
    acknowledged: list[int] = []
    for n in range(total):
        acknowledged += acknowledged_until_killed(folder, n * 10_000_000, draw.uniform(0.0, 0.15))
    SpoolWriter(folder).close()
    stored: list[int] = []
    for segment in sealed(folder):
        assert isinstance(verify(segment), Sound)
        for record in decode(segment.path.read_bytes()):
            n = int(record.envelope.body[:10])
            assert record.envelope.body == b"%010d" % n + b"." * (n * 7919 % 3000)
            stored.append(n)
    assert len(acknowledged) > LEAST * total
    assert not set(acknowledged) - set(stored), "acknowledged and lost"
    assert len(stored) == len(set(stored)), "stored twice"
    assert not list(folder.glob("*.open"))
    assert all(path.name.endswith(".tail") for path in (folder / QUARANTINE).glob("*"))


def test_killed_a_few_times(tmp_path: Path) -> None:
    rounds(tmp_path, 6, 1)


@pytest.mark.nightly
@pytest.mark.timeout(1200)
def test_killed_two_hundred_times(tmp_path: Path) -> None:
    rounds(tmp_path, 200, seeded(2))
