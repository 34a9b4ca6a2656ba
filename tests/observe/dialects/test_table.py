"""The alias table is data that two programs read: its shape is kept, and nothing in it is dead."""

from __future__ import annotations

from typing import get_args

import pytest

from homeostat.observe.dialects import (
    BY_COLUMN,
    FACT_MARKS,
    FIELDS,
    MESSAGE_EVENTS,
    OP_MARKS,
    OPS,
    WRAPPERS,
    Alias,
    Field,
    Indexed,
)
from homeostat.observe.dialects import alias as words
from homeostat.observe.dialects.alias import Reader, Where
from homeostat.observe.exact.readers import CHAT_READERS, READERS
from homeostat.observe.staged import NAMES

KINDS = ("call", "embedding", "tool", "retriever", "agent", "chain", "evaluator")


def test_every_mapped_column_has_its_places_in_the_order_of_the_table() -> None:
    mapped = NAMES[NAMES.index("op") :]
    assert sorted(field.column for field in FIELDS) == sorted(mapped)
    assert FIELDS[0].column == "op"
    assert list(BY_COLUMN) == [field.column for field in FIELDS]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: str(field.column))
def test_no_place_is_asked_twice_and_every_word_is_known(field: Field) -> None:
    assert len(set(field.aliases)) == len(field.aliases)
    for alias in field.aliases:
        assert alias.read in get_args(Reader)
        assert set(alias.ops) <= {*KINDS, ""}
        if isinstance(alias, Indexed):
            assert alias.prefix.endswith(".")
            assert all(suffix.startswith(".") for suffix in alias.suffixes)
        else:
            assert alias.where in get_args(Where)
            assert alias.where != "span" or alias.key == "status_message"
            assert alias.where == "event" or alias.read != "since_start"


def test_every_reader_is_written_used_and_explained() -> None:
    used = {alias.read for field in FIELDS for alias in field.aliases}
    assert used <= {*READERS, *CHAT_READERS, "instant", "since_start"}
    assert set(get_args(Reader)) == {*READERS, *CHAT_READERS, "instant", "since_start"}
    for name in get_args(Reader):
        assert f"\n    {name} " in (words.__doc__ or ""), name


def test_a_place_is_not_hidden_by_an_earlier_one() -> None:
    """The same attribute may stand twice in a field only with another path, reader, condition or kind of span."""
    for field in FIELDS:
        seen: set[object] = set()
        for alias in field.aliases:
            mark = (
                (alias.key, alias.where, alias.path, alias.when, alias.ops, alias.read)
                if isinstance(alias, Alias)
                else alias
            )
            assert mark not in seen
            seen.add(mark)


def test_words_for_kinds() -> None:
    assert set(OPS.values()) <= set(KINDS)
    assert all(word == word.lower() for word in OPS)
    assert {op for _, op in OP_MARKS} <= set(KINDS)
    for wrapper in WRAPPERS:
        assert wrapper.op in KINDS
        assert wrapper.becomes in KINDS
        assert wrapper.needs


def test_usage_belongs_to_calls_only() -> None:
    for name in ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cost"):
        assert BY_COLUMN[name].ops == ("call", "embedding")


def test_marks_are_names() -> None:
    assert all(FACT_MARKS.attributes)
    assert all(FACT_MARKS.events)
    assert set(MESSAGE_EVENTS.values()) <= {"system", "user", "assistant", "tool"}
