"""What is found by comparing is what the regular expressions say."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.observe.dialects import OBJECT
from homeostat.observe.fast.text import SIMPLE_MESSAGES, SPACE, USUAL_MESSAGES, absent, quote
from homeostat.store.warehouse.client import Warehouse

PIECES = st.sampled_from(
    [
        "null",
        "nul",
        "[Scrubbed",
        "[",
        "<",
        "<a.B object at 0x12af>",
        " ",
        "\n",
        "\x85",
        "\xa0",
        "\u3000",
        "\x1c",
        "x",
        "é",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=4).map("".join)


def test_usual_messages_are_simple(warehouse: Warehouse) -> None:
    asked = f"SELECT arrayMap(x -> match(x, {quote(SIMPLE_MESSAGES)}), {{texts:Array(String)}})"
    found = warehouse.load.query(asked, {"texts": list(USUAL_MESSAGES)}).result_rows[0][0]
    assert len(found) == 24
    assert all(found)


@settings(max_examples=20)
@given(texts=st.lists(TEXTS, min_size=50, max_size=200))
def test_absent_is_what_the_pattern_says(warehouse: Warehouse, texts: list[str]) -> None:
    pattern = quote(f"^{SPACE}*(?s:null{SPACE}*|[[]Scrubbed.*)?$|^{OBJECT}$")
    asked = f"SELECT countIf({absent('x')} != match(x, {pattern})) FROM texts_of_a_test"
    run = warehouse.load.command
    run("DROP TABLE IF EXISTS texts_of_a_test")
    run("CREATE TABLE texts_of_a_test (x String) ENGINE = Memory")
    warehouse.load.insert("texts_of_a_test", [[text.encode()] for text in texts], column_names=["x"])
    (differing,) = warehouse.load.query(asked).result_rows[0]
    run("DROP TABLE texts_of_a_test")
    assert differing == 0
