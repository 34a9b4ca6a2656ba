"""docs/statistics.md says what was measured, and what was measured keeps what is promised."""

from __future__ import annotations

import re

import pytest

from bench.cases import CASES
from bench.statistics import BEGIN, END, PAGE, newest, table

FOUND = newest()


def test_the_table_is_what_was_measured() -> None:
    page = PAGE.read_text()
    written = page.split(BEGIN)[1].split(END)[0].strip()
    assert written == table(FOUND)


def test_every_case_was_measured_whole() -> None:
    assert list(FOUND) == [case.number for case in CASES]


@pytest.mark.parametrize("number", list(FOUND))
def test_what_was_measured_keeps_what_is_promised(number: str) -> None:
    for figure in FOUND[number]:
        assert figure.fits(), figure
        if figure.kind in ("at most", "at least"):  # here chance is no excuse
            assert (figure.value <= figure.limit) == (figure.kind == "at most") or figure.value == figure.limit, figure


@pytest.mark.parametrize(
    ("number", "says", "sentence"),
    [
        ("3", "mean delay", r"from 20 % to 30 % takes some ([\d,]+) answers"),
        ("4", "0.2 to 0.25: mean delay", r"from 20 % to 25 % some ([\d,]+)"),
        ("17", "0.85 to 0.75", r"0\.85 to 0\.75 costs some ([\d,]+) users"),
        ("17", "0.85 to 0.60", r"to 0\.60 some ([\d,]+)"),
    ],
)
def test_figures_in_the_prose(number: str, says: str, sentence: str) -> None:
    prose = re.sub(r"\s+", " ", PAGE.read_text())
    match = re.search(sentence, prose)
    assert match, sentence
    figure = next(f for f in FOUND[number] if f.says.startswith(says))
    assert float(match[1].replace(",", "")) == pytest.approx(figure.value, rel=0.12)
