"""How far each spool segment is: the ledger's half of "exactly once"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from sqlalchemy import delete, select, update

from homeostat.records.outcome import Outcome
from homeostat.store.ledger import marks as rollup_marks
from homeostat.store.ledger.database import Ledger, LedgerError
from homeostat.store.ledger.tables import outcomes as outcomes_table
from homeostat.store.ledger.tables import segments
from homeostat.store.ledger.upsert import insert_new, upsert

State = Literal["loading", "loaded"]


def state(ledger: Ledger, number: int) -> State | None:
    """Where this segment is; None: nobody has begun to load it."""
    with ledger.read() as connection:
        found: State | None = connection.scalar(select(segments.c.state).where(segments.c.number == number))
        return found


def intend(ledger: Ledger, number: int) -> bool:
    """Say that a load begins. True: an earlier attempt was under way and may have left rows."""
    with ledger.begin() as connection:
        if insert_new(connection, segments, {"number": number, "state": "loading", "attempts": 1}):
            return False
        again = (
            update(segments)
            .where(segments.c.number == number, segments.c.state == "loading")
            .values(attempts=segments.c.attempts + 1)
        )
        if connection.execute(again).rowcount != 1:
            raise LedgerError(f"Segment {number} is loaded already; its file can be deleted.")
        return True


def attempts(ledger: Ledger, number: int) -> int:
    """How often its load was begun; a segment that keeps failing is to be set aside."""
    with ledger.read() as connection:
        return connection.scalar(select(segments.c.attempts).where(segments.c.number == number)) or 0


def finish(
    ledger: Ledger, numbers: int | Sequence[int], outcomes: Iterable[Outcome], marks: Iterable[rollup_marks.Mark]
) -> None:
    """In one transaction: loaded, what became of their items, and what of which projects they touched."""
    named = [numbers] if isinstance(numbers, int) else list(numbers)
    counts: Counter[tuple[str, str, str]] = Counter()
    for outcome in outcomes:
        counts[outcome.project, outcome.kind, outcome.reason] += outcome.items
    with ledger.begin() as connection:
        loading = (segments.c.number.in_(named), segments.c.state == "loading")
        if connection.execute(update(segments).where(*loading).values(state="loaded")).rowcount != len(named):
            raise LedgerError(f"Segment {named[0]} is not being loaded; finishing it would count its items twice.")
        rows = [{"project": p, "kind": k, "reason": r, "items": n} for (p, k, r), n in counts.items() if n]
        upsert(connection, outcomes_table, rows, lambda new: {"items": outcomes_table.c["items"] + new["items"]})
        rollup_marks.add(ledger, marks, max(named))


def unfinished(ledger: Ledger) -> list[int]:
    """Segments whose load was begun and not finished, oldest first."""
    query = select(segments.c.number).where(segments.c.state == "loading").order_by(segments.c.number)
    with ledger.read() as connection:
        return list(connection.scalars(query))


def forget(ledger: Ledger, before: int) -> int:
    """Drop loaded segments with a number below `before`, whose files are gone; tells how many."""
    query = delete(segments).where(segments.c.number < before, segments.c.state == "loaded")
    with ledger.begin() as connection:
        return connection.execute(query).rowcount
