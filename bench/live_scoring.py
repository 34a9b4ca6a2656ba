"""What live scoring costs while exchanges arrive: the same server with it and without it, in one run.

At 2,000 exchanges a second: whether the engine's scorers have judged all of them, and what it costs of a core.
At saturation: how much slower what arrives is stored. `python -m bench.live_scoring [seconds]`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.ingest import Running, drained, durable, get, homeostat
from bench.machine import keep
from bench.spans import pool
from bench.wire import drive

RATE: Final = 2_000
#: How long scorers may take to catch up, in seconds, after the last exchange has settled.
_PATIENCE: Final = 120.0
#: Seconds that are looked at after the last exchange was stored.
_AFTER: Final = 30.0


def offered(server: Running, seconds: float, *, scored: bool) -> dict[str, Any]:
    """Exchanges at a steady rate: processor time until all are stored, and how many were judged in the end."""
    cpu, begun = server.cpu(), time.perf_counter()
    load = uvloop.run(drive(server.port, pool(64, spread_seconds=1), seconds=seconds, connections=4, rate=RATE))
    drained(server.port)
    lag = time.perf_counter() - begun - seconds
    time.sleep(_AFTER)  # what settles is judged, or only looked after
    used, window = server.cpu() - cpu, time.perf_counter() - begun
    found: dict[str, Any] = {
        "exchanges": load.spans, "accepted_a_second": round(load.rate), "lag_s": round(lag, 2),
        "cores": round(used / window, 3), "cpu_us_an_exchange": round(used / load.spans * 1e6, 1),
    }  # fmt: skip
    return found | judged(server, load.spans) if scored else found


def judged(server: Running, exchanges: int) -> dict[str, Any]:
    """Wait until the engine's scorers have judged all, or no longer."""
    end = time.monotonic() + _PATIENCE
    while True:
        told = {each["name"]: each for each in json.loads(get(server.port, "/api/v1/scorers")[1])["items"]}
        engine = {name: each["taken"] and each["scored"] + each["unscored"] for name, each in told.items()
                  if each["rung"] == "engine"}  # fmt: skip
        if min(engine.values(), default=0) >= exchanges or time.monotonic() > end:
            break
        time.sleep(1)
    sampled = max(each["scored"] + each["unscored"] for each in told.values() if each["rung"] == "model")
    return {"by_engine": min(engine.values()), "by_python": sampled}


def side(seconds: float, *, scoring: bool) -> dict[str, Any]:
    """One server, on a directory of its own; watching is off on both sides."""
    os.environ |= {"HOMEOSTAT_SCORING": str(scoring).lower(), "HOMEOSTAT_WATCHING": "false"}
    folder = Path(tempfile.mkdtemp(prefix="homeostat-bench-"))
    try:
        with homeostat(folder / "data") as server:
            time.sleep(2)
            found = {"offered": offered(server, seconds, scored=scoring)}
            print(json.dumps(found), flush=True)
            found["saturation"] = durable(server, 512, 4, seconds)
            found["memory_mb"] = server.memory()
        print("scoring" if scoring else "without", json.dumps(found), flush=True)
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(seconds: float = 30) -> None:
    """Both sides, and what lies between them."""
    sides = {name: side(seconds, scoring=name == "on") for name in ("off", "on")}
    on, off = sides["on"], sides["off"]
    more = on["offered"]["cores"] - off["offered"]["cores"]
    slower = 1 - on["saturation"]["durable_a_second"] / off["saturation"]["durable_a_second"]
    figures: dict[str, object] = {
        **sides,
        "scoring_of_a_core": {"asked_of_python": 0.25, "reached_by_all": round(more, 3)},
        "slower_at_saturation": {"asked": 0.10, "reached": round(slower, 3)},
        "load average of the machine": list(os.getloadavg()),
    }
    print(json.dumps(figures, indent=1), flush=True)
    keep("live_scoring", figures)


if __name__ == "__main__":
    main(*(float(each) for each in sys.argv[1:]))
