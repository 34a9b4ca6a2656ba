"""Spans that keep coming, from a process of their own: `python -m bench.load PORT RATE`, until standard input ends."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter

import uvloop

from bench.spans import pool
from bench.wire import Load, drive

#: The load is driven in slices of so many seconds; between them it looks whether it should end.
SLICE = 2.0
#: An SDK sends what has ended in so many seconds together.
EXPORT = 5.0


def main(port: int, rate: float) -> None:
    """Send spans that end now, a body every few milliseconds; at the end say what came of it, as JSON."""
    ended = threading.Event()

    def until_told() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=until_told, daemon=True).start()
    bodies = pool(64, total=4096, spread_seconds=EXPORT, moving=True)
    print("ready", flush=True)
    spans, seconds, statuses = 0, 0.0, Counter[int]()
    while not ended.is_set():
        load: Load = uvloop.run(drive(port, bodies, seconds=SLICE, connections=4, rate=rate))
        spans, seconds, statuses = spans + load.spans, seconds + load.seconds, statuses + load.statuses
    print(json.dumps({"spans": spans, "spans_a_second": round(spans / seconds), "statuses": dict(statuses)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
