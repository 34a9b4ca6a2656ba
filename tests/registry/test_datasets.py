"""Datasets: versions that never change, shaped on their way in, exported as fine-tuning takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from homeostat.registry import datasets
from homeostat.registry.datasets import Shaping, chat_lines, left_out, preference_lines, shaped
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, audit
from homeostat.store.ledger import datasets as rows
from tests.act.remedies.stage import AUTHOR, ledger_at, made

GOOD = {"input": "Where is it?", "output": "On its way.", "good": True, "documents": ["Parcels take three days."]}
BAD = {"input": "where  is IT?", "output": "No idea.", "good": False}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_at(tmp_path)


def put(ledger: Ledger, items: list[dict[str, Any]], **more: Any) -> Any:
    return datasets.make(ledger, "p", "d", items, AUTHOR, lineage={"from": "items"}, **more)


def test_versions_never_change(ledger: Ledger) -> None:
    first, new = made(put(ledger, [GOOD]))
    again, newer = made(put(ledger, [GOOD]))
    assert (first.version, new, again, newer) == (1, True, first, False)
    second, _ = made(put(ledger, [BAD], add=True))
    assert (second.version, second.items, second.lineage["after"]) == (2, 2, 1)
    assert [item["output"] for item in rows.items(ledger, "p", "d", 1)] == ["On its way."]
    third, _ = made(put(ledger, [BAD]))
    assert (third.version, third.items) == (3, 1)
    assert made(datasets.find(ledger, "p", "d")).version == 3
    assert isinstance(datasets.find(ledger, "p", "d", 9), Declined)
    assert [entry.action for entry in audit.entries(ledger, project="p", limit=3)] == ["dataset.create"] * 3


@pytest.mark.parametrize("name", ["", "a b", "../x"])
def test_a_bad_name(ledger: Ledger, name: str) -> None:
    assert isinstance(datasets.make(ledger, "p", name, [GOOD], AUTHOR, lineage={}), Declined)


def test_nothing_is_no_dataset(ledger: Ledger) -> None:
    assert isinstance(put(ledger, []), Declined)
    assert isinstance(put(ledger, [{"input": "\ud800"}]), Declined)


def test_what_was_forgotten_comes_back_into_no_version(ledger: Ledger) -> None:
    """Neither collected again nor from a file that has its id; what is new is taken."""
    mine, other = {**GOOD, "exchange": "e1"}, {"input": "Another?", "output": "Yes.", "exchange": "e2"}
    put(ledger, [mine, other])
    assert datasets.forget(ledger, "p", ["e1", "e1"], AUTHOR) == 1
    version, _ = made(put(ledger, [mine, other, {"input": "From a file", "output": "x"}]))
    inputs = [item["input"] for item in rows.items(ledger, "p", "d", version.version)]
    assert inputs == ["Another?", "From a file"]
    assert isinstance(datasets.make(ledger, "p", "e", [mine], AUTHOR, lineage={}), Declined)
    assert datasets.forget(ledger, "p", ["e1"], AUTHOR) == 0


def test_what_cannot_be_balanced_says_so(ledger: Ledger) -> None:
    for some in ([GOOD], [BAD], [{"input": "a", "output": "b"}]):
        no = put(ledger, some, shaping=Shaping(balance=True))
        assert isinstance(no, Declined) and "nothing to balance" in no.message
    version, _ = made(put(ledger, [GOOD, BAD], shaping=Shaping(balance=True, redact=False)))
    assert version.items == 2
    assert version.lineage == {"from": "items", "deduplicate": True, "redact": False, "balance": True}


def test_each_question_once_but_a_pair_stays() -> None:
    assert len(shaped([GOOD, GOOD, BAD], Shaping())) == 2
    assert len(shaped([GOOD, GOOD], Shaping(deduplicate=False))) == 2


def test_what_is_newer_takes_the_place_of_what_was_there(ledger: Ledger) -> None:
    put(ledger, [{"input": "a", "output": "OLD"}, {"input": "b", "output": "stays"}])
    second, new = made(put(ledger, [{"input": "A", "output": "NEW"}, {"input": "c"}], add=True))
    assert (second.version, new) == (2, True)
    told = [(item["input"], item.get("output")) for item in rows.items(ledger, "p", "d", 2)]
    assert told == [("A", "NEW"), ("b", "stays"), ("c", None)]
    assert made(put(ledger, [{"input": "b", "output": "stays"}], add=True)) == (second, False)


def test_of_two_rows_of_a_file_the_later_stays(ledger: Ledger) -> None:
    rows_of_a_file = [{"input": "a", "output": "first"}, {"input": "b"}, {"input": "A", "output": "second"}]
    version, _ = made(put(ledger, rows_of_a_file, shaping=Shaping(newest_first=False)))
    told = [(item["input"], item.get("output")) for item in rows.items(ledger, "p", "d", version.version)]
    assert told == [("A", "second"), ("b", None)]


def spoken(question: str, *answers: str) -> list[dict[str, Any]]:
    turns = [{"role": "user", "content": question}]
    return [*turns, *({"role": "assistant", "content": answer} for answer in answers)]


def test_messages_that_end_with_the_answer_are_a_conversation() -> None:
    """OpenAI's chat files: the answer is no part of the question, whoever else says it."""
    told = spoken("Where is it?", "On its way.")
    assert chat_lines([{"messages": told}]) == [{"messages": told}]
    assert chat_lines([{"messages": told, "output": "On its way."}]) == [{"messages": told}]
    assert chat_lines([{"messages": told, "ideal": "In Bonn."}]) == [{"messages": spoken("Where is it?", "In Bonn.")}]
    assert chat_lines([{"messages": told, "good": False}]) == []
    call = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "find"}}]}
    assert chat_lines([{"messages": [told[0], call]}]) == [{"messages": [told[0], call]}]
    assert chat_lines([{"messages": told[:1]}]) == []


def test_answers_in_messages_are_one_question_and_pairs() -> None:
    good, failing = (
        {"messages": spoken("Where is it?", answer), "good": side} for answer, side in (("Here.", True), ("No.", False))
    )
    [line] = preference_lines([good, failing])
    assert line == {
        "input": {"messages": spoken("Where is it?")},
        "preferred_output": spoken("", "Here.")[1:], "non_preferred_output": spoken("", "No.")[1:],
    }  # fmt: skip
    again = [{"messages": spoken("Where is it?", answer)} for answer in ("old", "new")]
    assert shaped(again, Shaping(newest_first=False)) == again[1:]


def test_what_a_format_leaves_out_is_counted() -> None:
    unanswered = {"input": "And now?"}
    items = [GOOD, BAD, unanswered, {**BAD, "input": "Else?", "ideal": "Yes."}]
    assert {shape: left_out(items, shape) for shape in ("jsonl", "chat", "preferences")} == {
        "jsonl": 0, "chat": 2, "preferences": 1,
    }  # fmt: skip


def test_tool_calls_are_exported_as_they_were_said() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    said = [
        {"role": "user", "content": [{"type": "text", "text": "Where is it?"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "in Bonn"},
    ]
    [line] = chat_lines([{"messages": said, "output": "In Bonn.", "good": True}])
    assert line["messages"] == [
        said[0], {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "content": "in Bonn", "tool_call_id": "c1"},
        {"role": "assistant", "content": "In Bonn."},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"inptu": "x"}, "no field 'inptu'"), ({"output": "x"}, "input or messages"), ({}, "input or messages"),
        ({"input": [{"type": "text"}]}, "input is a text"), ({"input": "x", "good": "yes"}, "good is true or false"),
        ({"input": "x", "documents": "one"}, "documents is a list"), ({"messages": "hello"}, "messages is a list"),
        ({"messages": [{"content": "no role"}]}, "messages is a list"), ({"input": "x", "tags": [1]}, "tags is a list"),
        ({"messages": [{"role": "user"}]}, "messages is a list"), ({"messages": ["hello"]}, "messages is a list"),
    ],
)  # fmt: skip
def test_an_item_that_is_none(item: dict[str, Any], says: str) -> None:
    wrong = datasets.checked([GOOD, item])
    assert wrong is not None and wrong.message.startswith("Item 2: ") and says in wrong.message


def test_what_older_versions_hold_is_exported_all_the_same() -> None:
    odd = [{"messages": "hello", "input": "x", "output": "y"}, {"messages": [{"content": "z"}], "output": "y"}]
    assert [line["messages"][0] for line in chat_lines(odd)] == [
        {"role": "user", "content": "x"}, {"role": "user", "content": ""},
    ]  # fmt: skip


def test_personal_data_goes_and_ids_stay() -> None:
    item = {
        "input": "I am anna@example.com",
        "documents": ["call +49 30 901820"],
        "exchange": "a" * 32 + "-" + "b" * 16,
    }
    [kept] = shaped([item], Shaping())
    assert kept["input"] == "I am [email]" and "901820" not in str(kept["documents"])
    assert kept["exchange"] == item["exchange"]
    assert shaped([item], Shaping(redact=False)) == [item]


def test_as_many_good_as_failing() -> None:
    items = [{"input": f"q{n}", "output": "a", "good": n % 4 == 0} for n in range(40)]
    kept = shaped(items, Shaping(balance=True))
    assert sum(item["good"] for item in kept) == sum(not item["good"] for item in kept) == 10
    assert kept == shaped(items, Shaping(balance=True))


def test_what_failed_is_not_taught() -> None:
    ideal = {**BAD, "ideal": "It comes on Monday."}
    lines = chat_lines([GOOD, BAD, ideal])
    assert [line["messages"][-1]["content"] for line in lines] == ["On its way.", "It comes on Monday."]
    assert lines[0]["messages"][0] == {"role": "system", "content": "Parcels take three days."}


def test_pairs_of_one_question() -> None:
    [line] = preference_lines([GOOD, BAD, {"input": "Else?", "output": "x", "good": False}])
    assert line["preferred_output"][0]["content"] == "On its way."
    assert line["non_preferred_output"][0]["content"] == "No idea."
