"""Beside others, in one run on one machine: a harness that knows nobody drives each system the same way.

    PEERS_ROOT=FOLDER python -m bench.versus --harness FOLDER --peers trial,homeostat,phoenix,mlflow --seconds 15

The harness is not part of this project: a folder with `bench_ingest.py`, and environments of the peers under
`$PEERS_ROOT`. Kept are its figures and their ratios, which move less with the machine than the figures do.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.machine import keep

OURS: Final = "homeostat"
#: How the harness is told to treat a peer that accepts faster than it stores, or needs long to start.
WAYS: Final = {
    "phoenix": ("--max-drain", "12", "--poll", "1", "--settle"),
    "mlflow": ("--warm-cap", "1100", "--one-server"),
    "trial": ("--poll", "0.1"),
    OURS: ("--poll", "0.1"),
}
#: Seconds that a peer may take, its start and its last rows included.
LONGEST: Final = 120.0
_TOLD: Final = (
    "accepted", "edge_spans_s", "durable_spans_s", "drain_s", "pending_or_lost", "req_p50_ms", "req_p99_ms",
    "srv_cpu_s_per_1k", "srv_peak_rss_mb", "others_pct", "load1",
)  # fmt: skip


def drive(harness: Path, root: Path, peer: str, bodies: int, seconds: float) -> dict[str, Any]:
    """One run of the harness against a peer."""
    results = root / "results" / "ingest.jsonl"
    before = results.stat().st_size if results.exists() else 0
    python = root / "harness-venv" / "bin" / "python"
    command = [str(python), "bench_ingest.py", "--peer", peer, "--batches", str(bodies), "--runs", "1"]
    command += ["--seconds", str(seconds), *WAYS.get(peer, ())]
    with subprocess.Popen(command, cwd=harness, env={**os.environ, "PEERS_ROOT": str(root)}) as process:
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it stops the server that it started
            process.wait(30)
            raise
    with results.open() as file:
        file.seek(before)
        line = json.loads(file.readlines()[-1])
    return {name: line.get(name) for name in _TOLD}


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.versus", description=__doc__)
    parser.add_argument("--harness", type=Path, required=True)
    parser.add_argument("--peers", default="trial,homeostat")
    parser.add_argument("--bodies", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=15)
    chosen = parser.parse_args(arguments)
    root = Path(os.environ.get("PEERS_ROOT", Path.home() / ".cache" / "peers"))
    figures: dict[str, Any] = {"spans a body": chosen.bodies, "seconds": chosen.seconds}
    for peer in chosen.peers.split(","):
        try:
            figures[peer] = drive(chosen.harness.resolve(), root, peer, chosen.bodies, chosen.seconds)
        except (subprocess.SubprocessError, OSError, IndexError) as error:
            figures[peer] = {"failed": str(error)[:200]}
    rates = {peer: told.get("durable_spans_s") for peer, told in figures.items() if isinstance(told, dict)}
    if ours := rates.pop(OURS, None):
        figures["homeostat is so many times"] = {peer: round(ours / rate, 2) for peer, rate in rates.items() if rate}
    keep("versus", figures)


if __name__ == "__main__":
    main(sys.argv[1:])
