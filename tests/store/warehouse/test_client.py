"""Limits of questions are in force on every reader, also on one that was renewed."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from homeostat.store.warehouse.client import Warehouse

LIMITS = "SELECT name, value FROM system.settings WHERE name IN ('max_execution_time', 'readonly')"


def test_a_question_has_its_time_and_cannot_write(warehouse: Warehouse) -> None:
    second = Warehouse(warehouse.dsn, readers=1, question_seconds=1.5)
    try:
        for _ in range(2):
            limits = {row["name"]: float(row["value"]) for row in second.ask(LIMITS)}
            assert limits == {"max_execution_time": 1.5, "readonly": 2.0}
            with pytest.raises(ClickHouseError):
                second.ask("SELECT throwIf(1)")
    finally:
        second.close()
