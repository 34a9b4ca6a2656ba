"""Whatever OTLP says: the fast path gives the rows of the complete one, or leaves the envelope to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from homeostat.store.warehouse.client import Warehouse
from tests.seeds import seeded

from .drawn import Draw
from .segment import Both, expected, same


@pytest.fixture(scope="module")
def both(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    yield Both(warehouse, tmp_path_factory.mktemp("fast"), "made")


def check(both: Both, seed: int, size: int) -> None:
    draw = Draw(seed)
    bodies = [draw.request() for _ in range(size)]
    slow, dropped, found = both.run(bodies)
    outcomes, rows = expected(bodies, slow)
    same(found, rows)
    assert dropped == outcomes
    assert len(found) > 0.3 * size  # else hardly anything was compared
    assert slow


@pytest.mark.parametrize("seed", range(2))
def test_rows_are_the_same(both: Both, seed: int) -> None:
    check(both, seeded(seed), 1000)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_rows_are_the_same(both: Both, seed: int) -> None:
    check(both, seeded(seed), 5000)
