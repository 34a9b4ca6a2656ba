"""What is JSON, and what only Python takes for it."""

from __future__ import annotations

import pytest

from homeostat.analyze.metrics.structure import parse
from homeostat.analyze.scorers import Case, Scored, find


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '{"a": NaN}', "[1, -Infinity]", "```json\nNaN\n```"])
def test_no_number_is_no_json(text: str) -> None:
    value, wrong = parse(text)
    assert value is None and "no JSON" in wrong
    said = find("json").score(Case(text))
    assert isinstance(said, Scored) and said.label == "bad"


@pytest.mark.parametrize(
    ("text", "value"), [("null", None), ('"NaN"', "NaN"), ('{"a": 1e5}', {"a": 1e5}), ("```json\n[]\n```", [])]
)
def test_what_is_json(text: str, value: object) -> None:
    assert parse(text) == (value, "")
