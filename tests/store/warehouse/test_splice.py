"""Splicing gives back exactly what came, whatever came, and stores a repeated text once."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.splice import SPLICED, prepared, restore, splice

PIECES = st.sampled_from(
    ["\x1a", "\x1aS", "\x1aR", "\x1ai", "\x1aO", "\\", '"', "\n", "é", "😀", "a", "ab" * 30, "\\n", "\t", "\r"]
)
TEXT = st.lists(PIECES | st.text(max_size=20), max_size=8).map("".join)


def spliced(warehouse: Warehouse, rows: list[tuple[dict[str, str], str, str]]) -> list[dict[str, str]]:
    name = "splice_rows"
    warehouse.load.command(f"DROP TABLE IF EXISTS {name}")
    warehouse.load.command(
        f"CREATE TABLE {name} (n UInt32, attributes Map(String, String), input String, output String) ENGINE = Memory"
    )
    warehouse.load.insert(name, [[n, *row] for n, row in enumerate(rows)])
    rows_ = prepared(name, "mapKeys(attributes)", "mapValues(attributes)")
    found = warehouse.load.query(f"SELECT {SPLICED} FROM {rows_} ORDER BY n").result_rows
    warehouse.load.command(f"DROP TABLE {name}")
    return [row[0] for row in found]


@st.composite
def row(draw: st.DrawFn) -> tuple[dict[str, str], str, str]:
    input_text, output_text = draw(TEXT), draw(TEXT)
    part = st.sampled_from(
        [
            input_text,
            output_text,
            json.dumps(input_text, ensure_ascii=False),
            json.dumps([output_text], ensure_ascii=False),
        ]
    )
    values = st.lists(part | TEXT, max_size=5).map("".join)
    return draw(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), values)), input_text, output_text


@settings(max_examples=25)
@given(rows=st.lists(row(), min_size=20, max_size=60))
def test_what_is_spliced_comes_back(warehouse: Warehouse, rows: list[tuple[dict[str, str], str, str]]) -> None:
    for (attributes, input_text, output_text), stored in zip(rows, spliced(warehouse, rows), strict=True):
        assert restore(stored, input_text, output_text) == attributes


@settings(max_examples=300)
@given(row=row())
def test_what_python_splices_comes_back(row: tuple[dict[str, str], str, str]) -> None:
    attributes, input_text, output_text = row
    assert restore(splice(attributes, input_text, output_text), input_text, output_text) == attributes


def test_a_text_that_is_both_and_one_that_comes_twice(warehouse: Warehouse) -> None:
    text = "the same on both sides " * 4
    attributes = {"a": text, "b": text, "c": text + text, "empty": "", "short": "\x1a"}
    (stored,) = spliced(warehouse, [(attributes, text, text)])
    assert stored == {
        "a": "\x1aS\x1ai", "b": "\x1aS\x1ai", "c": "\x1aS\x1ai\x1ai", "empty": "", "short": "\x1aR\x1a",
    }  # fmt: skip
    assert restore(stored, text, text) == attributes
    assert splice(attributes, text, text) == stored


def test_a_repeated_text_is_stored_once(warehouse: Warehouse) -> None:
    question, answer = 'why "is" the sky\nblue? ' * 10, "because \\ of é " * 10
    attributes = {
        "plain": question,
        "messages": json.dumps([{"role": "user", "parts": [{"content": question}]}], ensure_ascii=False),
        "both": question + answer,
        "answer": json.dumps(answer, ensure_ascii=False),
        "other": "x" * 300,
        "short": "y",
    }
    (stored,) = spliced(warehouse, [(attributes, question, answer)])
    assert stored["plain"] == "\x1aS\x1ai"
    assert stored["both"] == "\x1aS\x1ai\x1ao"
    assert stored["answer"] == '\x1aS"\x1aO"'
    assert len(stored["messages"]) < 70
    assert stored["other"] == "x" * 300
    assert restore(stored, question, answer) == attributes
