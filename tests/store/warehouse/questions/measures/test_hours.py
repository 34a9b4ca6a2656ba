"""Which spans of time rollups answer, and which are left for the raw rows."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from homeostat.store.warehouse.questions.measures.hours import MAX_PIECES, joined, without_small_gaps
from homeostat.store.warehouse.questions.measures.steps import SECOND


def apart(edges: list[int]) -> list[tuple[int, int]]:
    return list(zip(edges[::2], edges[1::2], strict=False))


@given(st.lists(st.integers(0, 200), max_size=40).map(sorted), st.integers(1, 5))
def test_few_spans_hold_all(edges: list[int], most: int) -> None:
    spans = apart(edges)
    found = joined(spans, most)
    assert len(found) <= most
    assert all(low < high for low, high in found)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    held = {second for low, high in found for second in range(low, high)}
    wanted = {second for low, high in spans for second in range(low, high)}
    assert wanted <= held
    if len(spans) <= most:
        assert wanted == held


@given(st.lists(st.integers(0, 300), max_size=120, unique=True).map(sorted), st.integers(0, 100), st.integers(0, 200))
def test_every_moment_is_answered_once(edges: list[int], start: int, length: int) -> None:
    end = start + length
    clean = [span for span in apart(edges) if start <= span[0] and span[1] <= end]
    left, raw = without_small_gaps(clean, start * SECOND, end * SECOND)
    seconds = [second for low, high in raw for second in range(low // SECOND, high // SECOND)]
    seconds += [second for low, high in left for second in range(low, high)]
    assert sorted(seconds) == list(range(start, end))
    assert set(left) <= set(clean)
    assert len(raw) <= MAX_PIECES
    if len(clean) < MAX_PIECES:
        assert left == clean


def test_nothing_is_left_for_the_raw_rows() -> None:
    assert without_small_gaps([(0, 60), (60, 120)], 0, 120 * SECOND) == ([(0, 60), (60, 120)], [])
