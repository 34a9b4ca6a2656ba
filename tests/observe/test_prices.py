"""Prices: the engine's arithmetic against genai-prices' own, and against sums done by hand."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from genai_prices import Usage, calc_price, data_snapshot

from homeostat.observe import prices
from homeostat.store.warehouse.client import Warehouse

WHEN = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)
TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
Call = tuple[str, str, datetime.datetime, int | None, int | None, int | None, int | None, int | None]


def engine_costs(warehouse: Warehouse, project: str, calls: list[Call], overrides: Any = None) -> list[float | None]:
    """What the engine says that these calls cost."""
    book = prices.Prices()
    book.ensure(warehouse.jobs, [(project, call[0], call[1]) for call in calls], {project: overrides or {}})
    table = f"calls_{project}"
    kinds = ", ".join(f"{name} Nullable(UInt32)" for name in TOKENS)
    client = warehouse.jobs
    client.command(
        f"CREATE TABLE {table} (i UInt32, project String, provider String, model String, "
        f"at DateTime64(6, 'UTC'), {kinds}) ENGINE = Memory"
    )
    rows = [[i, project, *call] for i, call in enumerate(calls)]
    client.insert(table, rows, column_names=["i", "project", "provider", "model", "at", *TOKENS])
    sql = f"SELECT {prices.cost_sql('r')} FROM {table} AS r {prices.join_sql('r')} ORDER BY r.i"
    found = [row[0] for row in client.query(sql).result_rows]
    client.command(f"DROP TABLE {table}")
    return found


def listed_cost(call: Call) -> float:
    """What genai-prices says."""
    provider, model, at, given, said, cached, write, reasoning = call
    usage = Usage(
        input_tokens=given or 0,
        output_tokens=said or 0,
        cache_read_tokens=cached or 0,
        cache_write_tokens=write or 0,
        output_reasoning_tokens=reasoning or 0,
    )
    price = calc_price(usage, model, provider_id=provider, genai_request_timestamp=at)
    return float(price.total_price)


GOLDEN: list[tuple[Call, float]] = [
    # gpt-4o: 2.50 in, 1.25 cached, 10.00 out. Reasoning tokens stand inside the output tokens.
    (("openai", "gpt-4o", WHEN, 1_000_000, 0, 0, 0, 0), 2.5),
    (("openai", "gpt-4o", WHEN, 1_000, 500, 400, None, 200), (600 * 2.5 + 400 * 1.25 + 500 * 10) / 1e6),
    # claude-sonnet-4-0: 3.00 in, 0.30 cache read, 3.75 cache write, 15.00 out; input includes both kinds of cache.
    (
        ("anthropic", "claude-sonnet-4-0", WHEN, 10_000, 100, 6_000, 3_000, 0),
        (1_000 * 3 + 6_000 * 0.3 + 3_000 * 3.75 + 100 * 15) / 1e6,
    ),
    # gemini-2.5-pro: 1.25 and 10.00 up to 200,000 input tokens, above it 2.50 and 15.00 for all of them.
    (("google", "gemini-2.5-pro", WHEN, 200_000, 1_000, 0, 0, 0), (200_000 * 1.25 + 1_000 * 10) / 1e6),
    (("google", "gemini-2.5-pro", WHEN, 200_001, 1_000, 0, 0, 0), (200_001 * 2.5 + 1_000 * 15) / 1e6),
    # mistral-large-2407: 2.00 and 6.00.
    (("mistral", "mistral-large-2407", WHEN, 3_000, 2_000, 0, 0, 0), (3_000 * 2 + 2_000 * 6) / 1e6),
]


@pytest.mark.parametrize(("call", "by_hand"), GOLDEN, ids=[str(call[1:5]) for call, _ in GOLDEN])
def test_golden_call(warehouse: Warehouse, project: str, call: Call, by_hand: float) -> None:
    [cost] = engine_costs(warehouse, project, [call])
    assert cost == pytest.approx(listed_cost(call), abs=1e-12, rel=1e-12)
    assert cost == pytest.approx(by_hand, abs=1e-12)


def test_every_listed_model_at_any_time(warehouse: Warehouse, project: str) -> None:
    """Random usage of every model of the list, at times before and after their price changes."""
    dice = random.Random(7)
    calls: list[Call] = []
    for provider in data_snapshot.get_snapshot().providers:
        for model in provider.models:
            if provider.find_model(model.id) is not model or not prices.windows(provider.id, model.id, {}):
                continue
            given = dice.choice([0, 10, 5_000, 150_000, 250_000, 900_000])
            cached, write = dice.randint(0, given // 2), dice.randint(0, given // 2)
            said = dice.randint(0, 30_000)
            at = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
            at += datetime.timedelta(minutes=dice.randint(0, 1_500_000))
            calls.append((provider.id, model.id, at, given, said, cached, write, dice.randint(0, said)))
    assert len(calls) > 1_000
    for call, cost in zip(calls, engine_costs(warehouse, project, calls), strict=True):
        assert cost == pytest.approx(listed_cost(call), abs=1e-12, rel=1e-12), call


def test_unknown_model_has_no_cost_and_is_not_looked_up_again(warehouse: Warehouse, project: str) -> None:
    calls: list[Call] = [("nobody", "no-such-model-1", WHEN, 100, 100, None, None, None)]
    assert engine_costs(warehouse, project, calls) == [None]
    pair = (project, "nobody", "no-such-model-1")
    assert prices.Prices().ensure(warehouse.jobs, [pair]) == 0
    sql = "SELECT count() AS n FROM prices FINAL WHERE project = {p:String} AND empty(windows)"
    assert warehouse.ask(sql, {"p": project}) == [{"n": 1}]


def test_no_usage_has_no_cost(warehouse: Warehouse, project: str) -> None:
    calls: list[Call] = [
        ("openai", "gpt-4o", WHEN, None, None, None, None, None),
        ("openai", "gpt-4o", WHEN, None, 1_000_000, None, None, None),
        # More cached than given is a sender's mistake, never a negative price.
        ("openai", "gpt-4o", WHEN, 10, 0, 500, None, None),
    ]
    assert engine_costs(warehouse, project, calls) == [None, pytest.approx(10.0), pytest.approx(500 * 1.25 / 1e6)]


def test_a_provider_nobody_lists_falls_back_to_the_model(warehouse: Warehouse, project: str) -> None:
    calls: list[Call] = [("langchain", "gpt-4o", WHEN, 1_000_000, 0, None, None, None)]
    calls.append(("", "openai/gpt-4o", WHEN, 1_000_000, 0, None, None, None))
    assert engine_costs(warehouse, project, calls) == [pytest.approx(2.5), pytest.approx(2.5)]


def test_overrides_by_name_and_pattern(warehouse: Warehouse, project: str) -> None:
    overrides = {"gpt-4o": {"input": 1.0}, "our-*": {"input": 4.0, "output": 8.0, "cached": 0.5}, "*": {"input": 100.0}}
    calls: list[Call] = [
        ("openai", "gpt-4o", WHEN, 1_000_000, 0, 500_000, None, None),
        ("ours", "our-model", WHEN, 1_000_000, 1_000_000, 500_000, None, 7),
    ]
    assert engine_costs(warehouse, project, calls, overrides) == [pytest.approx(1.0), pytest.approx(2.0 + 0.25 + 8.0)]


def test_changed_overrides_are_written_anew(warehouse: Warehouse, project: str) -> None:
    book = prices.Prices()
    pair = (project, "openai", "gpt-4o")
    assert book.ensure(warehouse.jobs, [pair, pair]) == 1
    assert book.ensure(warehouse.jobs, [pair]) == 0
    assert book.ensure(warehouse.jobs, [pair], {project: {"gpt-4o": {"input": 1.0}}}) == 1
    assert prices.Prices().ensure(warehouse.jobs, [pair], {project: {"gpt-4o": {"input": 1.0}}}) == 0


@pytest.mark.parametrize(
    "wrong", [{"inputs": 1.0}, {"input": -1.0}, {"input": float("nan")}, {"input": "1"}, {"input": True}]
)
def test_overrides_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(prices.BadPrices, match="prices of 'm'"):
        prices.check({"m": wrong})
