"""Exchanges made up for tests of measures: random rows, and later versions of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from homeostat.store.warehouse.client import Warehouse

START = datetime(2026, 11, 10, tzinfo=UTC)
NOW = START + timedelta(days=9)
COLUMNS = (
    "project",
    "at",
    "trace_id",
    "span_id",
    "version",
    "gone",
    "row_key",
    "trace_key",
    "is_answer",
    "is_call",
    "answer_from",
    "settles",
    "received",
    "members",
    "elsewhere",  # where a row has it
    "name",
    "op",
    "model",
    "requested_model",
    "provider",
    "user_id",
    "session_id",
    "release",
    "environment",
    "prompt_name",
    "prompt_version",
    "latency_ms",
    "ttft_ms",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cost",
    "calls",
    "status",
    "tags",
    "tools",
    "input_chars",
    "output_chars",
)


def exchange(project: str, dice: random.Random, **fixed: Any) -> dict[str, Any]:
    """A random exchange within three days of `START`."""
    at = START + timedelta(seconds=dice.uniform(0, 3 * 86_400))
    answer = dice.random() < 0.7
    span = dice.randbytes(8)
    return {
        "project": project,
        "at": at,
        "trace_id": dice.randbytes(16),
        "span_id": span,
        "version": 1,
        "gone": 0,
        "row_key": dice.getrandbits(63),
        "trace_key": dice.getrandbits(63),
        "is_answer": answer,
        "is_call": not answer or dice.random() < 0.5,
        "answer_from": at,
        "settles": at + timedelta(seconds=10),
        "received": at,
        "members": [span],
        "name": dice.choice(["chat", "agent"]),
        "op": "call",
        "model": dice.choice(["small", "large", ""]),
        "requested_model": "",
        "provider": dice.choice(["openai", "anthropic"]),
        "user_id": dice.choice(["u1", "u2", "u3", ""]),
        "session_id": dice.choice(["s1", "s2", ""]),
        "release": dice.choice(["r1", "r2"]),
        "environment": "production",
        "prompt_name": "support",
        "prompt_version": dice.choice(["1", "2"]),
        "latency_ms": dice.lognormvariate(6, 1),
        "ttft_ms": dice.choice([None, 0.0, dice.lognormvariate(4, 1)]),
        "input_tokens": dice.choice([None, dice.randint(0, 5000)]),
        "output_tokens": dice.choice([None, dice.randint(0, 900)]),
        "cached_tokens": dice.choice([None, 0, 100]),
        "cost": dice.choice([None, dice.random() / 100]),
        "calls": dice.randint(0, 4),
        "status": dice.choice(["ok", "ok", "ok", "error"]),
        "tags": dice.sample(["beta", "vip"], dice.randint(0, 2)),
        "tools": [],
        "input_chars": dice.randint(0, 400),
        "output_chars": dice.randint(0, 4000),
        **fixed,
    }


def put(warehouse: Warehouse, rows: Sequence[dict[str, Any]]) -> None:
    """Insert versions of exchanges."""
    columns = tuple(column for column in COLUMNS if column in rows[0])
    warehouse.insert(warehouse.load, "exchanges", columns, [[row[column] for column in columns] for row in rows])
