"""Conditions as people write them, as the API's parameters; rows as columns."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from homeostat.sdk import where
from homeostat.sdk.client import Client
from homeostat.sdk.tables import Rows


def test_the_examples_hold() -> None:
    assert doctest.testmod(where).failed == 0


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("latency_ms>2000 AND cost<=0.01", [("latency_ms.gt", "2000"), ("cost.lte", "0.01")]),
        ('q = "late order"', [("q", "late order")]),
        ("user = 'O\\'Brien'", [("user", "O'Brien")]),
        ("attribute.retry.count >= 2", [("attribute.retry.count.gte", "2")]),
        ("error missing", [("error.exists", "false")]),
        (["model = a", "tag <> b"], [("model", "a"), ("tag.not", "b")]),
        ("", []),
    ],
)
def test_conditions(text: Any, pairs: Any) -> None:
    assert where.parsed(text) == pairs


@pytest.mark.parametrize(
    "text", ["model", "model =", "= a", "a = b or c = d", "a in b", "a in (b", "a = b and", "a = ''b'"]
)
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(where.BadWhere):
        where.parsed(text)


def test_keywords_are_filters_too() -> None:
    listed = Client("http://x").exchanges(since="24h", model=["a", "b"], latency_ms__gt=5, streaming=True, limit=3)
    assert listed._parameters == [
        ("kind", "answer"), ("from", "24h"), ("model", "a"), ("model", "b"), ("latency_ms.gt", "5"),
        ("streaming", "true"),
    ]  # fmt: skip


ROWS = Rows([
    {"id": "1", "cost": 1, "prompt": {"name": "p", "version": "2"}, "tags": ["a"], "calls": [{"x": 1}], "error": None,
     "scores": {"relevance": {"value": 0.5, "label": None}}, "signals": [{"name": "thumbs", "value": 1.0}]},
    {"id": "2", "cost": 0.5, "prompt": None, "tags": [], "calls": [], "error": None, "scores": {}, "signals": []},
])  # fmt: skip


def test_tables_of_three_libraries_say_the_same() -> None:
    polars, pandas, arrow = ROWS.to_polars(), ROWS.to_pandas(), ROWS.to_arrow()
    for name, values in {"cost": [1.0, 0.5], "score.relevance": [0.5, None], "prompt.name": ["p", None]}.items():
        assert polars[name].to_list() == values
        assert arrow.column(name).to_pylist() == values
        assert [None if value != value else value for value in pandas[name].tolist()] == values
    assert polars["signal.thumbs"].to_list() == [1.0, None]
    assert arrow.column("tags").to_pylist() == [["a"], []]
    assert ROWS.to_dicts()[0]["calls"] == [{"x": 1}]
    assert Rows([]).to_polars().is_empty()
    assert Rows([]).to_arrow().num_rows == len(Rows([]).to_pandas()) == 0
    assert len(ROWS[:1]) == 1


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ImportError, match="pip install polars"):
        ROWS.to_polars()
