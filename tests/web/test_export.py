"""Exports: whole, streamed, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.exchanges import Ask
from homeostat.store.warehouse.questions.export import Line, pages
from homeostat.web import export
from tests.builders import NOON, exchange_row, score_row, store
from tests.observe.segments import Room, call, chain, told

ODD = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "  =1",
    "＝1+1",
    "\u3000@x",
    "plain",
    "a=b",
    '"quoted", line\nbreak',
    "",
]


@pytest.fixture
def texts(warehouse: Warehouse, project: str) -> list[str]:
    rows = [
        exchange_row(project, at=NOON - timedelta(seconds=n), input=text, output="x" * 300, cost=-0.5)
        for n, text in enumerate(ODD)
    ]
    about = {"trace_id": rows[0]["trace_id"], "span_id": rows[0]["span_id"]}
    store(warehouse, exchanges=rows, scores=[score_row(project, value=0.25, **about)])
    return ODD


def test_json_lines_are_lossless(client: TestClient, texts: list[str]) -> None:
    answer = client.get("/api/v1/exchanges/export?format=jsonl")
    assert answer.headers["content-disposition"] == 'attachment; filename="exchanges.jsonl"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["input"] for line in lines] == texts
    assert lines[0]["output"] == "x" * 300
    assert lines[0]["scores"]["relevance"]["value"] == 0.25


def test_csv_begins_no_formula_and_keeps_numbers(client: TestClient, texts: list[str]) -> None:
    answer = client.get("/api/v1/exchanges/export?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["input"] for row in rows] == [f"'{text}" if n < 9 else text for n, text in enumerate(texts)]
    assert {row["cost"] for row in rows} == {"-0.5"}
    assert json.loads(rows[0]["scores"])["relevance"]["value"] == 0.25


def test_parquet_is_lossless_and_typed(client: TestClient, texts: list[str]) -> None:
    answer = client.get("/api/v1/exchanges/export?format=parquet")
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
    assert table.column("input").to_pylist() == texts
    assert table.column("cost").to_pylist() == [-0.5] * len(texts)
    assert table.schema.field("input_tokens").type == pyarrow.int64()


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_nothing_is_a_file_too(client: TestClient, form: str) -> None:
    answer = client.get(f"/api/v1/exchanges/export?format={form}&model=none")
    assert answer.status_code == 200
    if form == "parquet":
        assert pyarrow.parquet.read_table(io.BytesIO(answer.content)).num_rows == 0


def test_the_same_filters_and_refusals_as_lists(client: TestClient, texts: list[str]) -> None:
    assert client.get("/api/v1/exchanges/export?q=quoted").text.count("\n") == 1
    assert client.get("/api/v1/exchanges/export?modle=x").status_code == 400
    assert client.get("/api/v1/exchanges/export?format=xls").status_code == 400


def test_long_texts_come_in_small_pieces(warehouse: Warehouse, project: str) -> None:
    rows = [exchange_row(project, at=NOON - timedelta(seconds=n), input="y" * 3_000_000) for n in range(6)]
    store(warehouse, exchanges=rows)
    sizes = [len(lines) for lines in pages(warehouse, Ask(project, NOON + timedelta(hours=1), filters.parse([])))]
    assert sum(sizes) == 6
    assert max(sizes) == 2


@given(st.text(max_size=30))
def test_no_text_is_a_formula(text: str) -> None:
    read = safe = export.safe(text)
    assert not read.lstrip(" \n\v\f\u00a0\u3000\ufeff").startswith(
        ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    )
    assert safe in (text, f"'{text}")


def test_pages_are_made_one_after_the_other() -> None:
    taken = 0

    def found() -> Iterator[list[Line]]:
        nonlocal taken
        for _ in range(3):
            taken += 1
            yield []

    written = export.jsonl(found())
    next(written)
    assert taken == 1


def test_an_answer_has_the_documents_and_tools_of_the_spans_below_it(
    client: TestClient, warehouse: Warehouse, project: str, tmp_path: Path
) -> None:
    room = Room(tmp_path, warehouse)
    room.put(
        told(
            project,
            chain(7, 1),
            {"trace": 7, "span": 2, "parent": 1, "name": "between"},
            {"trace": 7, "span": 3, "parent": 2, "openinference__span__kind": "RETRIEVER",
             "retrieval__documents__0__document__content": "Parcels come on Friday."},
            call(7, 4, parent=2),
        )
    )  # fmt: skip
    room.load()
    (line,) = map(json.loads, client.get("/api/v1/exchanges/export?format=jsonl").text.splitlines())
    page = client.get(f"/api/v1/exchanges/{line['id']}").json()
    assert [document["text"] for document in line["documents"]] == ["Parcels come on Friday."]
    parts = ("documents", "tool_calls", "attributes", "resource", "input", "output", "error")
    assert {name: line[name] for name in parts} == {name: page[name] for name in parts}
