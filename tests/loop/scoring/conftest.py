"""Scorers over the real warehouse and a ledger of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.loop.scoring.asking import Asker
from homeostat.loop.scoring.documents import Shelves
from homeostat.loop.scoring.judging import Judging
from homeostat.loop.scoring.kinds import Runnable, runnable
from homeostat.loop.scoring.tracks import Tools
from homeostat.records.instant import micros
from homeostat.store.ledger import Ledger, projects
from homeostat.store.ledger.scorers import Configured
from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON, exchange_row, store

NOW = micros(NOON + timedelta(minutes=30))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    made.upgrade()
    return made


@pytest.fixture
def tools(warehouse: Warehouse, ledger: Ledger, project: str) -> Tools:
    projects.ensure(ledger, project, at=NOON)
    return Tools(warehouse, ledger, NOW, Shelves())


@pytest.fixture
def put(warehouse: Warehouse, project: str) -> Callable[..., dict[str, Any]]:
    """An answer that settled."""

    def one(output: str = "You can return it within thirty days.", **given: Any) -> dict[str, Any]:
        row = exchange_row(project, input=given.pop("input", "How long can I return it?"), output=output, **given)
        store(warehouse, exchanges=[row])
        return row

    return one


@pytest.fixture
def fill(warehouse: Warehouse, project: str) -> Callable[..., list[dict[str, Any]]]:
    """Answers a second apart, stored together; each is a text, or what is special about it."""

    def many(outputs: Iterable[str | dict[str, Any]]) -> list[dict[str, Any]]:
        rows = []
        for number, given in enumerate(outputs):
            about = {"output": given} if isinstance(given, str) else given
            at = NOON + timedelta(seconds=number)
            rows.append(exchange_row(project, **{"input": "How long can I return it?", "at": at, **about}))
        store(warehouse, exchanges=rows)
        return rows

    return many


def scorer(project: str, name: str, kind: str, **given: Any) -> Runnable:
    settings = given.pop("settings", {})
    return runnable(replace(Configured(project, name, 1, kind, settings), **given))


def judging(url: str, **settings: Any) -> Judging:
    wanted = {"judge_url": url, "judge_model": "judge-1", "judge_per_minute": 0, "judge_timeout": 5.0, **settings}
    chosen = Settings(**wanted)
    return Judging(chosen, Asker(chosen, b"secret"))


def said(warehouse: Warehouse, project: str, name: str) -> list[dict[str, Any]]:
    return warehouse.ask(
        "SELECT value, label, reason, scorer, session_id, lower(hex(trace_id)) AS trace FROM scores "
        "WHERE project = {p:String} AND name = {n:String} ORDER BY at, id",
        {"p": project, "n": name},
    )
