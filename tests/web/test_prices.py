"""A project's own prices: chosen through the API, in force for what is loaded from then on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from homeostat.observe.loader import Loader
from homeostat.store.ledger import projects
from homeostat.store.spool.envelope import Envelope, Part
from tests.observe.segments import NOON, put
from tests.web.conftest import Api


@pytest.fixture
def owner(api: Api, project: str) -> TestClient:
    projects.ensure(api.core.ledger, project, at=datetime.now(UTC))
    return api.client(project, "admin", "read")


def exchange(number: int, project: str) -> Envelope:
    fact = {
        "fact": "exchange",
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "model": "our-own-model",
        "provider": "ourselves",
        "input_tokens": 1_000_000,
        "output_tokens": 1_000_000,
        "input": "hello",
    }
    return Envelope(NOON, project, 1, Part.FACTS, json.dumps(fact).encode())


def test_prices_of_a_project_price_its_new_exchanges(api: Api, project: str, owner: TestClient, tmp_path: Path) -> None:
    core = api.core
    spool = tmp_path / "spool"
    spool.mkdir()
    loader = Loader(core.warehouse, core.ledger, spool, core.settings, staged=f"staged_{project}")
    prices = {"our-own-model": {"input": 2, "output": 6}}
    for number, chosen in enumerate((None, prices, {"our-*": {"input": 1, "output": 1}}), 1):
        said = owner.patch(f"/api/v1/projects/{project}", json={"settings": {"prices": chosen}})
        assert said.status_code == 200, said.text
        put(spool, [exchange(number, project)])
        assert loader.load_next() is not None
    found = core.warehouse.ask(
        "SELECT cost FROM exchanges FINAL WHERE project = {p:String} ORDER BY trace_id", {"p": project}
    )
    assert [row["cost"] for row in found] == [None, 8.0, 2.0]


@pytest.mark.parametrize(
    "prices",
    [{"m": {"inputs": 1}}, {"m": {"input": -1}}, {"m": {"input": "1"}}, {"m": 3}, ["m"], "free"],
    ids=lambda prices: json.dumps(prices),
)
def test_prices_that_cannot_be_meant_are_refused(api: Api, project: str, owner: TestClient, prices: object) -> None:
    answer = owner.patch(f"/api/v1/projects/{project}", json={"settings": {"prices": prices}})
    assert answer.status_code == 400
    assert "price" in answer.json()["error"]["message"]
    assert projects.settings(api.core.ledger, project) == {}


def test_damaged_prices_stop_nobody(api: Api, project: str, owner: TestClient, tmp_path: Path) -> None:
    core, spool = api.core, tmp_path / "spool"
    spool.mkdir()
    settings = {"prices": {"our-own-model": "cheap"}}
    projects.choose(core.ledger, project, settings, at=datetime.now(UTC), actor="an older version")
    put(spool, [exchange(1, project)])
    loader = Loader(core.warehouse, core.ledger, spool, core.settings, staged=f"staged_{project}")
    assert loader.load_next() is not None
    assert len(core.warehouse.ask("SELECT trace_id FROM exchanges WHERE project = {p:String}", {"p": project})) == 1
