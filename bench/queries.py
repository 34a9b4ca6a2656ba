"""How fast questions are answered: a directory of lifelike exchanges, the real server on it, asked over HTTP.

    python -m bench.queries --data FOLDER --rows 10000000 --days 29.9 --rounds 40

Without `--data` the directory is temporary (10 million exchanges take about 10 GB and a quarter of an hour). A folder
that was filled before is used again.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from bench.fill import fill, note
from bench.ingest import HOMEOSTAT, Running, accounting, drained, free_port
from bench.machine import keep
from bench.page import judged, write

#: Spans that arrive while questions are asked, and how much slower these may be then.
RATE: Final = 5000
SLOWER: Final = 3
#: Seconds to wait before memory is called "at rest".
REST: Final = 10.0


def questions(end: datetime, rounds: int) -> dict[str, tuple[float, list[str]]]:
    """What is asked: a goal in ms (p95; 0: none), and one path a round. Words differ: no cache has the answer."""
    text = {days: (end - timedelta(days=days)).isoformat().replace("+00:00", "Z") for days in (0, 1, 7, 30)}
    day = f"from={text[1]}&to={text[0]}"
    week, month = (f"from={text[days]}" for days in (7, 30))  # until now: what has just arrived is not rolled up yet
    model = "exchanges?model=model"
    by = "measure=" + quote("p50(latency),p95(latency),sum(tokens)") + "&by=model&every=1h"
    return {
        "newest 50": (60, ["exchanges"] * rounds),
        "model and common words, a day": (400, [f"{model}-{n % 5}&q=w{n % 16:x}%20w1&{day}" for n in range(rounds)]),
        "model and a rare word, a day": (
            400,
            [f"{model}-{n % 5}&q=zq{time.time_ns() + n}z&{day}" for n in range(rounds)],
        ),
        "p50, p95, tokens by hour and model, 7 days": (100, [f"measures?{by}&{week}"] * rounds),
        "p50, p95, tokens by hour and model, 30 days": (200, [f"measures?{by}&{month}"] * rounds),
        "one user, all time": (0, [f"exchanges?user=user-{n}" for n in range(rounds)]),
    }


def ask(port: int, end: datetime, rounds: int, slower: float = 1) -> dict[str, Any]:
    """Every question so many times, one after the other; the first answer apart, because nothing is warm then."""
    found = {}
    for name, (goal, paths) in questions(end, rounds + 1).items():
        first, *rest = (timed(port, path) for path in paths)
        rest.sort()
        asked = {"p95_goal_ms": goal * slower} if goal else {}
        found[name] = asked | {
            "p50_ms": round(rest[len(rest) // 2], 1),
            "p95_ms": round(rest[int(len(rest) * 0.95)], 1),
            "first_ms": round(first, 1),
        }
        print(f"{name:46} {found[name]}", flush=True)
    return found


def timed(port: int, path: str) -> float:
    """Milliseconds from connecting to the last byte."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", f"/api/v1/{path}")
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    took = (time.perf_counter() - began) * 1000
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
    return took


@contextlib.contextmanager
def arriving(port: int, told: dict[str, Any]) -> Iterator[None]:
    """Spans keep coming meanwhile; `told` says afterwards what came of them."""
    command = [sys.executable, "-m", "bench.load", str(port), str(RATE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout is not None
        load.stdout.readline()
        try:
            time.sleep(5)
            yield
        finally:
            told |= json.loads(load.communicate(timeout=60)[0])


def measure(data: Path, rounds: int) -> dict[str, Any]:
    """Start, rest, ask, ask under load."""
    filled = note(data)
    assert filled is not None
    end = datetime.fromisoformat(filled["end"])
    figures: dict[str, Any] = {key: filled[key] for key in ("rows", "days")}
    os.environ["HOMEOSTAT_RETENTION_DAYS"] = "36500"  # a directory may be measured again much later
    port = free_port()
    server = Running([HOMEOSTAT, "up", "--port", str(port), "--data", str(data)], port)
    try:
        edge, core = server.wait("/healthz"), server.wait("/api/v1/status")
        figures["ready, seconds"] = {"edge": edge, "edge_goal": 1, "core": core, "core_goal": 5}
        time.sleep(REST)
        figures["memory at rest, MB"] = server.memory()
        figures["questions"] = ask(port, end, rounds)
        figures["memory at rest after questions, MB"] = server.memory()
        stored = accounting(port)["stored"]
        arrived: dict[str, Any] = {}
        with arriving(port, arrived):
            loaded = ask(port, end, rounds, SLOWER)
        figures[f"questions while {RATE} spans a second arrive"] = loaded
        behind = time.perf_counter()
        assert drained(port) - stored == arrived["spans"]
        figures["arrived"] = arrived | {"seconds_behind_at_the_end": round(time.perf_counter() - behind, 2)}
        figures["memory loaded, largest, MB"] = server.peak
    finally:
        server.stop()
    return figures


def rows(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Asked and reached, for the page: p95 alone, and while spans arrive."""
    alone, loaded = figures["questions"], figures[f"questions while {RATE} spans a second arrive"]
    table = []
    for name, told in alone.items():
        if goal := told.get("p95_goal_ms"):
            shown = [judged(f"{one['p95_ms']:.0f}", good=one["p95_ms"] <= one["p95_goal_ms"])
                     for one in (told, loaded[name])]  # fmt: skip
            table.append((f"{figures['rows']:,} exchanges: {name}", f"p95 {goal} / {goal * SLOWER} ms",
                          f"{' / '.join(shown)} ms"))  # fmt: skip
    ready = figures["ready, seconds"]
    good = ready["edge"] <= ready["edge_goal"] and ready["core"] <= ready["core_goal"]
    table.append(("ready on that directory: edge / core", "1 / 5 s",
                  judged(f"{ready['edge']} / {ready['core']} s", good=good)))  # fmt: skip
    return table


def main(arguments: Sequence[str] = ()) -> None:
    """Fill if need be, measure, keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.queries", description=__doc__)
    parser.add_argument("--data", type=Path, help="the data directory; filled when it is empty")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=float, default=29.9)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--page", action="store_true", help="write the table of docs/what-we-tested.md")
    chosen, load = parser.parse_args(arguments), os.getloadavg()[0]
    data: Path = chosen.data or Path(tempfile.mkdtemp(prefix="homeostat-bench-")) / "data"
    try:
        if note(data) is None:
            fill(data, chosen.rows, chosen.days)
        figures = measure(data, chosen.rounds)
        keep("queries", figures)
        if chosen.page:
            write("queries", rows(figures), load)
    finally:
        if chosen.data is None:
            shutil.rmtree(data.parent, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
