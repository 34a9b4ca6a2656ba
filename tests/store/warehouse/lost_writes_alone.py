"""A warehouse of its own process, whose disk refuses what grows past a limit. Prints what the test compares."""

from __future__ import annotations

import json
import os
import resource
import sys

from homeostat.store.warehouse.client import Warehouse, WritesLost
from homeostat.store.warehouse.schema import migrate

ROWS = "INSERT INTO spans (project, segment, input) SELECT 'p', {segment}, randomPrintableASCII(1000) FROM numbers(200)"
STEPS = {
    "insert": ROWS.format(segment=9),
    "merge": "OPTIMIZE TABLE spans FINAL",
    "delete": "DELETE FROM spans WHERE segment = 2 SETTINGS lightweight_deletes_sync = 2",
    "staging": "CREATE TABLE staged_of_mine (number UInt64) ENGINE = Memory",
}


def refused(warehouse: Warehouse, step: str, limit: int) -> list[str]:
    """What a statement says whose writes the disk refuses, and what is said of it afterwards."""
    migrate(warehouse)
    for segment in (1, 2, 3):
        warehouse.jobs.command(ROWS.format(segment=segment))
    sys.stdout.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    said = []
    for ask in (lambda: warehouse.jobs.command(STEPS[step]), warehouse.prove):
        try:
            ask()
            said.append("fine")
        except WritesLost as lost:
            said.append(str(lost))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return said


def stored(warehouse: Warehouse) -> list[list[int]]:
    """Segments and their rows, read whole; then the table is written to once more."""
    rows = warehouse.ask("SELECT segment, count() AS n, sum(length(input)) AS size FROM spans GROUP BY 1 ORDER BY 1")
    warehouse.jobs.command(ROWS.format(segment=4))
    warehouse.jobs.command("OPTIMIZE TABLE spans FINAL")
    return [[int(row["segment"]), int(row["n"]), int(row["size"])] for row in rows]


if __name__ == "__main__":
    made = Warehouse(f"chdb://{sys.argv[1]}", readers=1)
    told = refused(made, sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 2 else stored(made)
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()
    os._exit(0)
