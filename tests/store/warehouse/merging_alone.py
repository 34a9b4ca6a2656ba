"""Merging waits while a burst is loaded, and never for long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.merging import MOST, Merging
from homeostat.store.warehouse.schema import migrate


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    made = Warehouse(f"chdb://{tmp_path_factory.mktemp('merging')}/warehouse", readers=1)
    migrate(made)
    yield made
    made.close()


def parts(warehouse: Warehouse) -> int:
    found = warehouse.ask("SELECT count() AS n FROM system.parts WHERE table = 'spans' AND active")
    return int(found[0]["n"])


def merges(warehouse: Warehouse) -> bool:
    """Whether two parts become one when that is asked for."""
    warehouse.load.command("TRUNCATE TABLE spans")
    for number in (1, 2):
        warehouse.load.command(f"INSERT INTO spans (project, segment) VALUES ('p', {number})")
    try:
        warehouse.jobs.command("OPTIMIZE TABLE spans FINAL")
    except Exception as error:
        assert "ancelled" in str(error), error
    return parts(warehouse) == 1


def test_merging_waits_while_more_is_to_be_loaded(warehouse: Warehouse) -> None:
    merging = Merging(warehouse)
    assert merges(warehouse)
    merging.pace(busy=True)
    assert not merges(warehouse)
    merging.pace(busy=False)
    assert merges(warehouse)


def test_merging_goes_on_under_a_load_without_end(warehouse: Warehouse) -> None:
    merging = Merging(warehouse)
    for _ in range(MOST):
        merging.pace(busy=True)
    assert not merges(warehouse)
    merging.pace(busy=True)
    assert merges(warehouse)
    merging.pace(busy=True)
    assert merges(warehouse)
    merging.pace(busy=False)
    merging.pace(busy=True)
    assert not merges(warehouse)
    merging.resume()
    assert merges(warehouse)
