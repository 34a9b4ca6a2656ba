"""Limits of questions are in force on every reader, also on one that was renewed."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from homeostat.store.warehouse.client import Warehouse

HALF = "SELECT number, throwIf(number = 2999999) FROM numbers(3000000) SETTINGS max_block_size = 1000"
LIMITS = "SELECT name, value FROM system.settings WHERE name IN ('max_execution_time', 'readonly')"


def test_a_question_has_its_time_and_cannot_write(warehouse: Warehouse) -> None:
    second = Warehouse(warehouse.dsn, readers=1, question_seconds=61.5)
    try:
        for _ in range(2):
            limits = {row["name"]: float(row["value"]) for row in second.ask(LIMITS)}
            assert limits == {"max_execution_time": 61.5, "readonly": 2.0}
            with pytest.raises(ClickHouseError):
                second.ask("SELECT throwIf(1)")
    finally:
        second.close()


@pytest.mark.parametrize("name", ["load", "jobs"])
def test_what_a_failed_statement_answered_never_reaches_the_next_one(warehouse: Warehouse, name: str) -> None:
    second = Warehouse(warehouse.dsn, readers=1)
    writer = getattr(second, name)
    try:
        for fmt in ("Native", "RowBinary"):
            with pytest.raises(ClickHouseError):
                writer.raw_query(HALF, fmt=fmt)
            assert writer.raw_query("SELECT toUInt64(7)", fmt="RowBinary") == (7).to_bytes(8, "little")
            with pytest.raises(ClickHouseError):
                writer.query(HALF)
            assert writer.query("SELECT 7").result_rows == [(7,)]
            settings = writer.query("SELECT value FROM system.settings WHERE name = 'async_insert'").result_rows
            assert settings == [("0",)]
    finally:
        second.close()


def test_people_come_first_then_what_was_sent_then_what_we_think_of_it(warehouse: Warehouse) -> None:
    turn = "SELECT toUInt64(getSetting('priority')) AS turn"
    first, patient = warehouse.ask(turn)[0]["turn"], warehouse.patient().ask(turn)[0]["turn"]
    sent, thought = (client.query(turn).result_rows[0][0] for client in (warehouse.load, warehouse.jobs))
    assert 0 < first < sent < thought == patient, "0 would take no part"
    beside = warehouse.beside().load.query(turn).result_rows[0][0]
    assert beside == sent


def test_a_patient_reader_is_bounded_and_read_only_too(warehouse: Warehouse) -> None:
    patient = warehouse.patient()
    with pytest.raises(ClickHouseError, match="READONLY"):
        patient.ask("CREATE TABLE x (a UInt8) ENGINE = Memory")
    assert patient.ask("SELECT getSetting('max_memory_usage') AS most") == warehouse.ask(
        "SELECT getSetting('max_memory_usage') AS most"
    )
