"""A child process that loads a folder and is killed at a named step: `python dying.py FOLDER STEP`.

Without a step it finishes, and prints what a reader finds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from homeostat.store.ledger import outcomes
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.schema import migrate
from tests.observe.segments import Room

LOOK = {
    "spans": "SELECT hex(trace_id) AS t, hex(span_id) AS s, count() AS n FROM spans GROUP BY t, s ORDER BY t, s",
    "signals": "SELECT id, count() AS n FROM signals GROUP BY id ORDER BY id",
    "exchanges": (
        "SELECT hex(trace_id) AS t, hex(span_id) AS s, is_answer, is_call, calls, input_tokens "
        "FROM exchanges FINAL ORDER BY t, s"
    ),
}


def main(folder: Path, step: str) -> None:
    os.chdir(folder)
    warehouse = Warehouse(f"chdb://{folder}/engine", readers=1)
    migrate(warehouse)
    room = Room(folder, warehouse)

    def kill(at: str) -> None:
        if at == step:
            os.kill(os.getpid(), signal.SIGKILL)

    room.seam = kill
    room.load()
    found = {name: warehouse.ask(sql) for name, sql in LOOK.items()}
    print(
        json.dumps(
            found
            | {"outcomes": outcomes.totals(room.ledger, "p"), "left": [path.name for path in room.spool.iterdir()]}
        )
    )
    warehouse.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
