"""Rows that are alone are written in one step: the same exchanges as by the steps that the company of others takes."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeostat.store.warehouse.client import Warehouse

from ..segments import NOON, Room, call, chain, told

#: Keys hold the project, and the two are loaded as projects of their own.
SAME = "* EXCEPT (project, version, row_key, trace_key, response_key, input_row, output_row)"
LONE: list[dict[str, Any]] = [
    {},
    {"gen_ai__usage__input_tokens": 0, "gen_ai__usage__output_tokens": 7, "user__id": "u"},
    {"gen_ai__response__model": "", "gen_ai__usage__cached_input_tokens": 40, "parent": 99},
    {"gen_ai__request__model": "nobody-knows", "gen_ai__response__model": "nobody-knows", "output__value": "é" * 400},
    {"error": "RateLimitError: 429", "output__value": ""},
    {"gen_ai__operation__name": "embeddings", "gen_ai__request__model": "text-embedding-3-small", "output__value": ""},
    {"gen_ai__operation__name": "execute_tool"},
    {"seconds": -1.0},
    {"seconds": 0.0},
    {"seconds": 2e9},
    {"at": -NOON / 1e9, "seconds": NOON / 1e9},
    {"gen_ai__usage__cost": "0"},
]


@pytest.fixture
def room(tmp_path: Path, warehouse: Warehouse) -> Iterator[Room]:
    yield Room(tmp_path, warehouse)


def untold(trace: int) -> dict[str, Any]:
    """A call that tells no tokens: they are guessed from its texts."""
    told_of = call(trace, 1, input__value="why? " * 60)
    return {key: value for key, value in told_of.items() if "usage" not in key}


@pytest.mark.parametrize("models", [["gpt-4o-mini"], ["gpt-4o-mini", "gemini-2.5-pro"]], ids=["plain", "stepped"])
def test_alone_or_in_company_it_is_the_same_exchange(room: Room, project: str, models: list[str]) -> None:
    traces = [secrets.randbits(100) + 1 for _ in range(len(LONE) + len(models) + 2)]
    spans = [call(trace, 1, **more) for trace, more in zip(traces, LONE, strict=False)]
    spans += [
        call(trace, 1, gen_ai__request__model=model, gen_ai__response__model=model)
        for trace, model in zip(traces[len(LONE) :], models, strict=False)
    ]
    spans += [untold(traces[-1]), chain(traces[-2], 1)]
    room.put(told(project, *spans))
    room.load()
    company = secrets.randbits(100) + 1
    room.put(told(f"{project}-2", *spans, chain(company, 1), call(company, 2, parent=1)))
    room.load()
    alone = room.exchanges(project, SAME)
    among = room.exchanges(f"{project}-2", SAME)
    ids = {row["trace_id"] for row in alone}
    assert len(ids) == len(spans) - 1  # a tool alone is nobody's exchange
    assert [row for row in among if row["trace_id"] in ids] == alone
    assert any(row["cost"] for row in alone)
    assert any("tokens" in row["estimated"] for row in alone)
