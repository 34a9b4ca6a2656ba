"""Migrations of the warehouse: one text each in `schema/NNNN_name.sql`, applied in order, remembered in `migrations`.

The words that a cluster needs are filled in here and written nowhere twice.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any, Final

from homeostat.store.warehouse.client import DATABASE, Warehouse

DURABLE: Final = (
    "fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 1000, "
    "min_bytes_for_wide_part = 33554432, index_granularity = 8192"
)


class NewerData(Exception):
    """The data directory was written by a newer version of the program."""


def words(cluster: str | None) -> dict[str, str]:
    """What the braces in a migration mean on one machine, or on a cluster."""
    if cluster is None:
        return {
            "on_cluster": "",
            "merge_tree": "MergeTree",
            "replacing_merge_tree": "ReplacingMergeTree",
            "durable": DURABLE,
        }
    return {
        "on_cluster": f"ON CLUSTER '{cluster}'",
        "merge_tree": "ReplicatedMergeTree",
        "replacing_merge_tree": "ReplicatedReplacingMergeTree",
        "durable": DURABLE.replace("non_replicated_deduplication_window", "replicated_deduplication_window"),
    }


def migrations() -> list[tuple[int, str, str]]:
    """(number, name, text) of every migration that this version knows."""
    found = []
    for file in files("homeostat.store.warehouse").joinpath("schema").iterdir():
        if match := re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name):
            found.append((int(match[1]), match[2], file.read_text("utf-8")))
    return sorted(found)


def migrate(warehouse: Warehouse, *, cluster: str | None = None) -> list[str]:
    """Bring the database up to this version and tell what was applied. A newer database is refused, untouched."""
    client = warehouse.jobs
    filled = words(cluster)
    client.command(
        f"CREATE TABLE IF NOT EXISTS migrations {filled['on_cluster']} (number UInt32, name String) "
        f"ENGINE = {filled['merge_tree']} ORDER BY number SETTINGS {filled['durable']}"
    )
    done = {row[0] for row in client.query("SELECT number FROM migrations").result_rows}
    known = migrations()
    if done and max(done) > known[-1][0]:
        raise NewerData(
            f"The warehouse is at migration {max(done)}, this version knows {known[-1][0]}. "
            "It was written by a newer homeostat: install that version, or open another data directory."
        )
    applied = []
    for number, name, text in known:
        if number in done:
            continue
        warehouse.need_room()
        for statement in re.split(r";\s*\n", re.sub(r"^--.*\n", "", text, flags=re.M)):
            if statement.strip():
                client.command(fill(statement, filled))
        client.insert("migrations", [[number, name]], column_names=["number", "name"])
        applied.append(f"{number:04d}_{name}")
    return applied


def forget_staging(client: Any) -> None:
    """Drop the loader's tables in memory. They are empty after a start, but keep the columns of the version that made
    them, and a newer loader would find columns missing. Only for the one core of a warehouse, before it loads.
    """
    rows = client.query(
        "SELECT name FROM system.tables WHERE database = {name:String} AND engine = 'Memory'", {"name": DATABASE}
    ).result_rows
    for (name,) in rows:
        client.command("DROP TABLE IF EXISTS {name:Identifier}", {"name": name})


def fill(statement: str, filled: dict[str, str]) -> str:
    """Replace the braces of a migration."""
    return re.sub(r"\{(\w+)\}", lambda match: filled[match[1]], statement)
