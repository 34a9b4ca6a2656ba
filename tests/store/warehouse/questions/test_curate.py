"""Which exchanges become items of a dataset."""

from __future__ import annotations

from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import curate
from tests.builders import NOON, exchange_row, store


def test_what_a_shadow_said_is_taken_only_where_its_tag_is_asked_for(warehouse: Warehouse, project: str) -> None:
    """A user who was asked about twice by us is no busier for it."""
    kinds: tuple[list[str], ...] = ([], ["beta"], ["shadow"])
    store(warehouse, exchanges=[exchange_row(project, at=NOON, user_id="u", tags=tags) for tags in kinds])

    def taken(**told: object) -> list[list[str]]:
        return sorted(item["tags"] for item in curate.items(warehouse, project, NOON, told))

    assert taken() == taken(user="u") == [[], ["beta"]]
    assert taken(tag="shadow") == [["shadow"]]
    assert taken(tag=["beta", "shadow"]) == [["beta"], ["shadow"]]
    assert taken(**{"tag.not": "beta"}) == [[]]
    start = micros(NOON)
    assert curate.busiest(warehouse, project, NOON, start, start + 1, least=2) == ["u"]
    assert curate.busiest(warehouse, project, NOON, start, start + 1, least=3) == []
