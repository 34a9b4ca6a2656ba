"""Limits of the engine become refusals that say what to do; anything else stays an error of ours."""

from __future__ import annotations

import pytest

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.refused import EngineError, from_engine


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1 SETTINGS max_execution_time = 1",
        "SELECT number FROM numbers(2000000)",
        "SELECT groupArray(number) FROM numbers(200000000)",
    ],
)
def test_a_question_is_stopped_at_its_limits(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(EngineError) as stopped:
        warehouse.ask(sql)
    refused = from_engine(stopped.value)
    assert refused is not None
    assert refused.code == "too_heavy"
    assert refused.hint


@pytest.mark.parametrize("sql", ["SELECT", "SELECT nothing FROM spans", "SELECT 1 FROM nowhere"])
def test_a_broken_question_is_no_refusal(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(EngineError) as broken:
        warehouse.ask(sql)
    assert from_engine(broken.value) is None


def test_what_a_stopped_question_had_written_reaches_nobody_else(warehouse: Warehouse) -> None:
    for _ in range(4):
        with pytest.raises(EngineError):
            warehouse.ask("SELECT number FROM numbers(2000000)")
        assert [warehouse.ask("SELECT 'mine' AS told") for _ in range(4)] == [[{"told": "mine"}]] * 4
