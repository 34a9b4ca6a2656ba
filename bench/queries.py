"""How fast questions are answered: a warehouse full of lifelike exchanges, asked through the API.

    python bench/queries.py fill FOLDER --rows 10000000 --days 30
    python bench/queries.py ask FOLDER

Filling is SQL only: one answer an exchange, its whole texts in `spans`, its small row in `exchanges`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from starlette.testclient import TestClient

from homeostat.config import Settings
from homeostat.records.snapshot import Snapshot
from homeostat.store import control
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.schema import migrate
from homeostat.web.app import create_app

PROJECT = "bench"
END = datetime(2026, 11, 20, tzinfo=UTC)
STEP = 500_000

#: Words with a long tail, as people's words have: rank = vocabulary ^ u, log-uniform.
TEXT = """arrayStringConcat(arrayMap(
    i -> concat('w', lower(hex(toUInt32(pow(60000, (sipHash64(seed, {salt}, i) % 1000003) / 1000003.0))))),
    range({low} + sipHash64(seed, {salt}) % {more})), ' ')"""

SPANS = """
INSERT INTO spans (project, at, trace_id, span_id, form, row_key, trace_key, segment, received, start_ns, end_ns, name,
    scope, attributes, op, requested_model, model, provider, user_id, session_id, release, input, output, input_tokens,
    output_tokens)
WITH
    {first:UInt64} + number AS seed,
    fromUnixTimestamp64Micro(
        {start:Int64} + toInt64(seed * {step:UInt64} + sipHash64(seed, 1) % {step:UInt64}), 'UTC') AS at,
    toFixedString(substring(MD5(toString(seed)), 1, 16), 16) AS trace_id,
    toFixedString(substring(MD5(toString(seed)), 3, 8), 8) AS span_id,
    concat('model-', toString(sipHash64(seed, 2) % 5)) AS model,
    1 + sipHash64(seed, 3) % 900 AS tokens,
    TEXT_IN AS input,
    TEXT_OUT AS output
SELECT {project:String}, at, trace_id, span_id, 'span', sipHash64({project:String}, trace_id, span_id),
    sipHash64({project:String}, trace_id), 1, at, toUnixTimestamp64Micro(at) * 1000, toUnixTimestamp64Micro(at) * 1000,
    'chat', 'bench', map('http.route', concat('/r/', toString(sipHash64(seed, 4) % 20))), 'call', model, model, 'none',
    concat('user-', toString(sipHash64(seed, 5) % 20000)), concat('session-', toString(intDiv(seed, 4))),
    concat('r', toString(sipHash64(seed, 6) % 3)), input, output, tokens, tokens / 2
FROM numbers({n:UInt64})
""".replace("TEXT_IN", TEXT.format(salt=7, low=20, more=180)).replace("TEXT_OUT", TEXT.format(salt=8, low=20, more=220))

EXCHANGES = """
INSERT INTO exchanges (project, at, trace_id, span_id, version, gone, row_key, trace_key, is_answer, is_call,
    answer_from, settles, received, members, input_row, output_row, input_start, output_start, input_chars,
    output_chars, name, op, model, requested_model, provider, user_id, session_id, release, latency_ms, input_tokens,
    output_tokens,
    cost, calls, status, error)
SELECT project, at, trace_id, span_id, segment, 0, row_key, trace_key, true, true, at, at, at, [span_id], row_key,
    row_key, substring(input, 1, 160), substring(output, 1, 160), length(input), length(output), name, op, model,
    requested_model, provider, user_id, session_id, release, exp(6 + (row_key % 1000) / 400), input_tokens,
    output_tokens, input_tokens / 1e6, 1, if(row_key % 50 = 0, 'error', 'ok'),
    if(row_key % 50 = 0, 'upstream said 500', '')
FROM spans
WHERE project = {project:String} AND at >= fromUnixTimestamp64Micro({low:Int64}, 'UTC')
    AND at < fromUnixTimestamp64Micro({high:Int64}, 'UTC')
"""


def fill(folder: Path, rows: int, days: float) -> None:
    """Write the rows, oldest first, as a loader would have left them."""
    warehouse = Warehouse(f"chdb://{folder.resolve()}/warehouse")
    migrate(warehouse.jobs)
    start = int((END - timedelta(days=days)).timestamp() * 1e6)
    step = int(days * 86_400e6 / rows)
    for first in range(0, rows, STEP):
        n = min(STEP, rows - first)
        began = time.perf_counter()
        span = {"low": start + first * step, "high": start + (first + n) * step}
        warehouse.load.command(SPANS, {"project": PROJECT, "first": first, "n": n, "start": start, "step": step})
        warehouse.load.command(EXCHANGES, {"project": PROJECT, **span})
        print(f"{first + n:>12,} rows  {n / (time.perf_counter() - began):,.0f}/s", flush=True)
    warehouse.close()


def questions(rounds: int) -> dict[str, tuple[float, list[str]]]:
    """What is asked: a goal in ms (p95), and one path a round. Words differ, so that no cache has the answer."""
    day = "from=2026-11-19T00:00:00Z"
    week, month = "from=2026-11-13T00:00:00Z", "from=2026-10-21T00:00:00Z"
    model = "exchanges?model=model"
    by = "measure=" + quote("p50(latency),p95(latency),sum(tokens)") + "&by=model&every=1h"
    return {
        "newest 50": (60, ["exchanges"] * rounds),
        "model + common words, a day": (400, [f"{model}-{n % 5}&q=w{n % 16:x}%20w1&{day}" for n in range(rounds)]),
        "model + a rare word, a day": (400, [f"{model}-{n % 5}&q=zq{n}z&{day}" for n in range(rounds)]),
        "p50, p95, tokens by hour and model, 7 days": (100, [f"measures?{by}&{week}"] * rounds),
        "p50, p95, tokens by hour and model, 30 days": (200, [f"measures?{by}&{month}"] * rounds),
        "one user, all time": (0, [f"exchanges?user=user-{n}" for n in range(rounds)]),
    }


def ask(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Ask through the whole application: guard, threads, JSON."""
    root = Folder(Path(tempfile.mkdtemp(prefix="homeostat-bench-")))
    root.prepare()
    control.pepper(root.control)
    control.publish(root.control, Snapshot(1, "", {}, frozenset((PROJECT, "default"))))
    warehouse = Warehouse(f"chdb://{folder.resolve()}/warehouse")
    migrate(warehouse.jobs)
    ledger = Ledger(f"sqlite:///{root.root}/ledger.db")
    ledger.upgrade()
    core = SimpleNamespace(
        settings=Settings(data=root.root), folder=root, warehouse=warehouse, ledger=ledger, state=dict,
        clock=SimpleNamespace(now=lambda: END), publish=lambda: None,
    )  # fmt: skip
    found = []
    headers = {"x-homeostat-project": PROJECT}
    with TestClient(create_app(core), base_url="http://127.0.0.1", headers=headers) as client:
        for name, (goal, paths) in questions(rounds).items():
            took = sorted(_timed(client, path) for path in paths)
            p95 = took[min(len(took) - 1, int(len(took) * 0.95))]
            p50 = took[len(took) // 2]
            found.append({"question": name, "p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "goal_ms": goal or None})
            print(json.dumps(found[-1]), flush=True)
    warehouse.close()
    return found


def _timed(client: TestClient, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(f"/api/v1/{path}")
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")
    return took


def main() -> None:
    """Fill, or ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("fill", "ask"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args()
    if chosen.verb == "fill":
        fill(chosen.folder, chosen.rows, chosen.days)
    else:
        ask(chosen.folder, chosen.rounds)


if __name__ == "__main__":
    main()
