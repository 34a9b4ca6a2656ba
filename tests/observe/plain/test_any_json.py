"""Any JSON under the names that we read gives a fact or a named mistake, never an exception."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.observe.plain import exchanges, langfuse, opinions
from homeostat.observe.plain.intake import Make
from homeostat.observe.plain.item import Item
from tests.loop.serving import NOW_NS

SOURCES = (exchanges, langfuse, opinions)
NAMES = sorted({name for m in SOURCES for name in re.findall(r'"([a-z_]{2,30})"', Path(str(m.__file__)).read_text())})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["nan", "inf", "1e999", "0" * 32, "2026-01-01", "9999-12-31T23:59:59-23:00", "-1", "user", "assistant", "call"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=4)), VALUES, max_size=10)


@pytest.mark.parametrize("make", [opinions.signal, opinions.score, exchanges.exchange, langfuse.score])
@settings(max_examples=150)
@given(value=OBJECTS)
def test_any_object(make: Make, value: dict[str, Any]) -> None:
    value = json.loads(json.dumps(value))
    item = Item(value, NOW_NS, 1000)
    fact = make(item, "p")
    assert all(wrong.field and wrong.message for wrong in item.wrong)
    if not item.wrong:
        again = make(Item(value, NOW_NS + 10**9, 1000), "p")
        assert again["id"] == fact["id"]
        line = msgspec.json.encode(fact)
        assert b"\n" not in line
        assert msgspec.json.decode(line) == fact
