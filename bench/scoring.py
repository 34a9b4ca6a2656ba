"""How many exchanges the scorers judge in a second: the engine's all together, each alone, and those in Python."""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.fill import PROJECT, fill
from bench.machine import keep
from homeostat.loop.scoring.documents import Shelves
from homeostat.loop.scoring.kinds import Runnable, defaults, runnable
from homeostat.loop.scoring.matter import matters
from homeostat.loop.scoring.tracks import expression, safely
from homeostat.store.warehouse import scored
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import feed
from homeostat.store.warehouse.questions.feed import Place

ROWS: Final = 100_000
_PIECE: Final = 20_000
_ASKED: Final = 100_000


def engine(warehouse: Warehouse, group: list[Runnable], *, now: int, after: int = 0) -> dict[str, float]:
    """All exchanges by these scorers, piece by piece as it is done live: read, judged, stored."""
    place, count = after, 0
    begun, cpu = time.perf_counter(), time.process_time()
    while True:
        edge = feed.edge(warehouse, PROJECT, Place(place), now, limit=_PIECE)
        count += scored.in_engine(
            warehouse, PROJECT, [expression(each) for each in group], after=Place(place), until=edge, now=now
        )
        if edge >= now:
            break
        place = edge
    return _rates(count, time.perf_counter() - begun, time.process_time() - cpu)


def _rates(count: float, seconds: float, used: float) -> dict[str, float]:
    return {
        "exchanges": count, "seconds": round(seconds, 2), "per_second": round(count / seconds),
        "per_cpu_second": round(count / used),
    }  # fmt: skip


def both_cores(dsn: str, group: list[Runnable], *, now: int) -> dict[str, float]:
    """The same with two clients at once, each with half of them: what the machine can do."""
    sides = [Warehouse(dsn, readers=1) for _ in range(2)]
    half = feed.edge(sides[0], PROJECT, Place(0), now, limit=ROWS // 2)
    begun, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(engine, sides[0], group, now=half)
        second = pool.submit(engine, sides[1], group, now=now, after=half)
        count = first.result()["exchanges"] + second.result()["exchanges"]
    seconds, used = time.perf_counter() - begun, time.process_time() - cpu
    for side in sides:
        side.close()
    return _rates(count, seconds, used)


def python(warehouse: Warehouse, group: list[Runnable], *, now: int, most: int = 60) -> dict[str, float]:
    """CPU milliseconds that the default scorers in Python take for an exchange of made-up words, the worst there is."""
    taken = feed.take(warehouse, PROJECT, Place(0), now, limit=most)
    begun = time.thread_time()
    for matter in matters(warehouse, Shelves(), PROJECT, "exchange", taken.exchanges, now):
        for each in group:
            safely(each.works, matter.case)  # type: ignore[arg-type]
    spent, count = time.thread_time() - begun, len(taken.exchanges)
    return {"exchanges": count, "ms_each": round(1000 * spent / count, 3), "per_quarter_core": round(count / spent / 4)}


def main() -> None:
    """Fill, measure, keep."""
    with tempfile.TemporaryDirectory(prefix="homeostat-bench-") as folder:
        data = Path(folder) / "data"
        fill(data, ROWS, 1.0)
        warehouse = Warehouse(f"chdb://{data}/warehouse")
        now = int(time.time() * 1e6)
        chosen = [runnable(each) for each in defaults(PROJECT)]
        group = [each for each in chosen if each.rung == "engine"]
        told: dict[str, Any] = {"each alone": {}}
        for each in group:
            told["each alone"][each.configured.name] = engine(warehouse, [each], now=now)
            print(each.configured.name, told["each alone"][each.configured.name], flush=True)
            warehouse.jobs.command("TRUNCATE TABLE scores")
        told["engine together"] = {"asked": _ASKED, **engine(warehouse, group, now=now)}
        print("together", told["engine together"], flush=True)
        warehouse.jobs.command("TRUNCATE TABLE scores")
        told["engine, both cores"] = {"asked": _ASKED, **both_cores(warehouse.dsn, group, now=now)}
        print("both cores", told["engine, both cores"], flush=True)
        told["python"] = python(warehouse, [each for each in chosen if each.rung == "model"], now=now)
        print("python", told["python"], flush=True)
        warehouse.close()
    keep("scoring", told)
