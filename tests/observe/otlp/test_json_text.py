"""Reading JSON: a large body of tiny values is refused before it is built, a large body of text is not."""

from __future__ import annotations

import json

import pytest

from homeostat.doors.answers import Refused
from homeostat.observe.otlp.json_text import read_json
from tests.work import costs_at_most

MIB = 1 << 20


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + b"[]," * (5 * MIB) + b"[]]}",
        b'{"a":[' + b"{}," * (5 * MIB) + b"{}]}",
        b'{"a":[' + b'"",' * (5 * MIB) + b'""]}',
        b'["\\\\",' + b"1," * (5 * MIB) + b"1]",
        b'["\\ud800",' + b"{}," * (5 * MIB) + b"1]",
    ],
)
def test_many_tiny_values(body: bytes) -> None:
    def refused() -> None:
        with pytest.raises(Refused) as refusal:
            read_json(body)
        assert refusal.value.status == 413

    assert costs_at_most(refused, 10, lambda: sum(body)), "what is in it was built"


def test_commas_inside_of_texts_do_not_count() -> None:
    inner = json.dumps([{"role": "user", "content": 'a, "b", [c], {d}\\'}] * 50_000)
    assert read_json(json.dumps({"text": inner}).encode()) == {"text": inner}


def test_a_byte_order_mark_is_no_matter() -> None:
    assert read_json(b'\xef\xbb\xbf{"a":1}') == {"a": 1}
