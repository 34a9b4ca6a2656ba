"""A directory of a version that added up whole hours only, opened by this one: python -m … FOLDER, in two processes."""

from __future__ import annotations

import random
import sys
from datetime import timedelta
from pathlib import Path

from homeostat.records.instant import micros
from homeostat.store.ledger import marks
from homeostat.store.ledger.database import Ledger
from homeostat.store.warehouse import rollups, schema
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.measures import Question, ask, grammar
from tests.store.warehouse.questions.measures import made


def old(folder: Path) -> None:
    """One hour that was built, and one that is marked."""
    known = schema.migrations()
    schema.migrations = lambda: known[:6]
    warehouse = Warehouse(f"chdb://{folder}/warehouse", readers=1)
    assert schema.migrate(warehouse)[-1] == "0006_coarse_rollups"
    dice = random.Random(1)
    starts = [made.START + timedelta(hours=hour) for hour in (1, 1, 1, 2, 2)]
    made.put(warehouse, [made.exchange("p", dice, at=at, is_answer=True) for at in starts])
    warehouse.jobs.command(
        "INSERT INTO rollups (project, coarse, hour, build, marker, is_answer, n) VALUES "
        "('p', 1, '2026-11-10 01:00:00', 1, 0, 1, 99), ('p', 1, '2026-11-10 01:00:00', 1, 1, 0, 0)"
    )
    warehouse.close()
    ledger = Ledger(f"sqlite:///{folder}/ledger.db")
    ledger.upgrade()
    marks.add(ledger, [("p", made.START + timedelta(hours=2), 1)], 7)
    ledger.downgrade("0006")


def new(folder: Path) -> None:
    """The same numbers before and after all is built anew."""
    warehouse = Warehouse(f"chdb://{folder}/warehouse", readers=1)
    schema.migrate(warehouse)
    ledger = Ledger(f"sqlite:///{folder}/ledger.db")
    ledger.upgrade()
    end = made.START + timedelta(days=1)
    question = Question("p", grammar.parse(["count,p50(latency)"]), micros(made.START), micros(end), made.NOW)
    dirty = lambda: marks.dirty(ledger, "p", made.START, end)  # noqa: E731
    assert [minutes for _, minutes in dirty()] == [marks.EVERY]
    raw = ask(warehouse, question, None)
    assert (raw[0]["value"], ask(warehouse, question, dirty)) == (5, raw)
    assert rollups.mark_missing(warehouse, ledger) == 2
    assert ask(warehouse, question, dirty) == raw
    assert rollups.run(warehouse, ledger, made.NOW) == rollups.Done(rebuilt=2)
    assert ask(warehouse, question, dirty) == raw
    warehouse.close()


if __name__ == "__main__":
    {"old": old, "new": new}[sys.argv[1]](Path(sys.argv[2]))
