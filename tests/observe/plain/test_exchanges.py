"""What a plain exchange is does not depend on when it came: a retry is the same fact."""

from __future__ import annotations

import msgspec

from homeostat.observe.facts import read
from homeostat.observe.plain.exchanges import exchange
from homeostat.observe.plain.item import Item
from homeostat.observe.staged import NAMES
from homeostat.store.spool.envelope import Envelope, Part
from tests.observe.segments import NOON

LIMIT = 1 << 20
LATER = NOON + 90 * 10**9


def staged(value: dict[str, object], received: int) -> dict[str, object]:
    line = msgspec.json.encode(exchange(Item(dict(value), received, LIMIT), "p"))
    (row,) = read(Envelope(received, "p", 1, Part.FACTS, line), 0).exchanges
    return dict(zip(NAMES, row, strict=True))


def test_a_retry_after_a_restart_is_the_same_fact() -> None:
    value = {"input": "hello", "output": "good day"}
    first, again = staged(value, NOON), staged(value, LATER)
    same = ("ident", "trace_id", "span_id")
    assert [first[name] for name in same] == [again[name] for name in same]
    assert (first["start_ns"], again["start_ns"]) == (NOON, LATER)


def test_another_text_is_another_fact() -> None:
    assert staged({"input": "a"}, NOON)["ident"] != staged({"input": "b"}, NOON)["ident"]


def test_a_time_that_the_client_says_is_kept() -> None:
    value = {"input": "a", "at": "2026-11-20T11:00:00Z"}
    assert staged(value, NOON)["start_ns"] == staged(value, LATER)["start_ns"] == NOON - 3600 * 10**9
