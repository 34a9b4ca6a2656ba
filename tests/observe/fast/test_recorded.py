"""Payloads of real SDKs: the fast path gives the rows of the complete one, or leaves them to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from homeostat.store.warehouse.client import Warehouse

from ..exact.recorded import SETS, envelopes
from .segment import Both, expected, same


@pytest.fixture(scope="module")
def both(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    yield Both(warehouse, tmp_path_factory.mktemp("fast"), "recorded")


@pytest.mark.parametrize("name", SETS)
def test_recorded_rows_are_the_same(both: Both, name: str) -> None:
    bodies = envelopes(name)
    slow, dropped, found = both.run(bodies)
    assert (dropped, len(found)) == (expected(bodies, slow)[0], len(expected(bodies, slow)[1]))
    same(found, expected(bodies, slow)[1])
