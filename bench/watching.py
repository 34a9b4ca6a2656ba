"""300 streams over 2,000 exchanges a second: what a minute's tick costs of one core."""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.machine import keep
from homeostat.config import Settings
from homeostat.loop.watching.context import Context
from homeostat.loop.watching.ticker import Ticker
from homeostat.records.instant import micros
from homeostat.records.monitor import Monitor
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, monitors, projects
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.ticks import MINUTE
from homeostat.store.warehouse.schema import migrate

START: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
A_SECOND: Final = 2_000
SEGMENTS: Final = 50
USERS: Final = 400_000
MINUTES: Final = 3
#: One value of each exchange; 50 segments of each make 300 streams.
MEASURES: Final = (
    ("share(status=error)", "up"), ("mean(latency_ms)", "up"), ("mean(cost)", "up"), ("mean(output_tokens)", "up"),
    ("share(latency_ms>2000)", "up"), ("mean(input_tokens)", "up"),
)  # fmt: skip
_INSERT: Final = f"""
INSERT INTO exchanges (project, at, trace_id, span_id, version, is_answer, is_call, answer_from, settles, received,
    user_id, model, latency_ms, input_tokens, output_tokens, cost, status)
SELECT 'p', moment,
    toFixedString(concat(reinterpretAsString(rand64(number)), reinterpretAsString(rand64(number + 1))), 16),
    toFixedString(reinterpretAsString(rand64(number + 2)), 8), 1, 1, 1, moment, moment + 12, moment + 2,
    concat('u', toString(rand(number + 3) % {USERS})), concat('m', toString(rand(number + 4) % {SEGMENTS})),
    300 + rand(number + 5) % 2000, 100 + rand(number + 6) % 900, 50 + rand(number + 7) % 400, 0.001,
    if(rand(number + 8) % 50 = 0, 'error', 'ok')
FROM (SELECT number, fromUnixTimestamp64Micro({{start:Int64}} + intDiv(number * 1000000, {A_SECOND}), 'UTC') AS moment
      FROM numbers({A_SECOND * 60}))
"""


class Clock:
    """Stands where it is put."""

    at = START

    def now(self) -> datetime:
        """As a datetime."""
        return self.at

    def now_ns(self) -> int:
        """As nanoseconds."""
        return micros(self.at) * 1000


def measured() -> dict[str, Any]:
    """CPU seconds of each tick of a minute, engine included."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.chdir(root)
        warehouse, ledger = Warehouse(f"chdb://{root}/engine"), Ledger(f"sqlite:///{root}/ledger.db", seal=b"bench")
        migrate(warehouse)
        ledger.upgrade()
        projects.ensure(ledger, "p", at=START)
        for number, (measure, way) in enumerate(MEASURES):
            one = Monitor("p", f"m{number}", measure, {"reference": "all"}, way, by=("model",))  # type: ignore[arg-type]
            monitors.put(ledger, one, at=START, author="bench")
        clock = Clock()
        context = Context(warehouse, ledger, clock, Settings(data=root), Folder(root), lambda: None)
        ticker, ticks = Ticker(context, "p", "bench"), []
        ticker.advance(micros(START))
        for minute in range(MINUTES):
            warehouse.jobs.command(_INSERT, {"start": micros(START) + minute * MINUTE})
            clock.at = START + timedelta(minutes=minute + 1)
            cpu, wall = time.process_time(), time.perf_counter()
            ticker.advance(micros(clock.at))
            print(f"minute {minute}: {time.process_time() - cpu:.1f} s of CPU", flush=True)
            ticks.append((time.process_time() - cpu, time.perf_counter() - wall))
        streams = sum(1 for key in ticker.watch.standing if "m" in key)
        warehouse.close()
        ledger.close()
    last = ticks[1:]
    return {
        "streams": streams, "exchanges_a_second": A_SECOND, "cpu_seconds_a_tick": [round(cpu, 2) for cpu, _ in ticks],
        "wall_seconds_a_tick": [round(wall, 2) for _, wall in ticks],
        "share_of_a_core": round(sum(cpu for cpu, _ in last) / len(last) / 60, 4), "limit": 0.15,
    }  # fmt: skip


def main() -> None:
    """Run and keep."""
    found = measured()
    keep("watching", found)
    if found["share_of_a_core"] > found["limit"]:
        raise SystemExit("a tick costs more than 15 % of a core")
