"""Any change to the audit log after the fact shows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from homeostat.store.ledger import Ledger, audit
from homeostat.store.ledger.tables import audit as table
from homeostat.store.ledger.tables import audit_head
from tests.seeds import seeded

AT = datetime(2026, 11, 20, 7, tzinfo=UTC)
ENTRIES = 20
TEXTS = ("actor", "project", "action", "subject", "before", "after", "hash")


def fill(ledger: Ledger) -> None:
    with ledger.begin():
        for n in range(ENTRIES):
            audit.append(
                ledger,
                at=AT + timedelta(seconds=n),
                actor=f"key:{n % 3}",
                action="key.create",
                subject=f"s{n}",
                project="p",
                before={"n": n},
                after={"n": n + 1, "at": AT},
            )


class Tampered(Exception):
    """Takes the tampering back: the transaction fails."""


def tamper(connection: Any, dice: random.Random) -> str:
    """One random change that somebody with the database but without the seal could make."""
    number = dice.randint(1, ENTRIES)
    row = dict(connection.execute(select(table).where(table.c.number == number)).one()._mapping)
    what = dice.choice(["text", "time", "delete", "swap", "renumber", "cut", "append", "head", "no head"])
    if what == "text":
        column = dice.choice(TEXTS)
        text = row[column]
        place = dice.randrange(len(text))
        new = text[:place] + chr((ord(text[place]) + dice.randint(1, 90)) % 126 + 1) + text[place + 1 :]
        if new == text:
            new = text + "x"
        connection.execute(update(table).where(table.c.number == number).values({column: new}))
    elif what == "time":
        moved = row["at"] + timedelta(microseconds=dice.choice([-1, 1]) * dice.randint(1, 10**9))
        connection.execute(update(table).where(table.c.number == number).values(at=moved))
    elif what == "delete":
        connection.execute(delete(table).where(table.c.number == number))
    elif what == "swap":
        other = number % ENTRIES + 1
        one, two = (
            {**dict(connection.execute(select(table).where(table.c.number == n)).one()._mapping)}
            for n in (number, other)
        )
        for n, source in ((number, two), (other, one)):
            values = {name: source[name] for name in ("at", *TEXTS)}
            connection.execute(update(table).where(table.c.number == n).values(values))
    elif what == "renumber":
        connection.execute(update(table).where(table.c.number == number).values(number=ENTRIES + dice.randint(1, 9)))
    elif what == "cut":
        connection.execute(delete(table).where(table.c.number > number - 1))
    elif what == "append":
        connection.execute(insert(table), {**row, "number": ENTRIES + 1})
    elif what == "head":
        connection.execute(update(audit_head).values(number=ENTRIES + dice.choice([-1, 1])))
    else:
        connection.execute(delete(audit_head))
    return what


def test_an_untouched_log_is_whole(ledger: Ledger) -> None:
    assert audit.verify(ledger) is None
    fill(ledger)
    assert audit.verify(ledger) is None
    newest = audit.entries(ledger, limit=3)
    assert [entry.number for entry in newest] == [20, 19, 18]
    assert (newest[0].subject, newest[0].before) == ("s19", '{"n":19}')
    assert [entry.number for entry in audit.entries(ledger, before=18, limit=2)] == [17, 16]
    assert audit.entries(ledger, project="q") == []


def _rounds(ledger: Ledger, rounds: int) -> None:
    fill(ledger)
    dice = random.Random(seeded(20261120))
    for number in range(rounds):
        with pytest.raises(Tampered), ledger.begin() as connection:
            what = tamper(connection, dice)
            assert audit.verify(ledger) is not None, (number, what)
            raise Tampered
    assert audit.verify(ledger) is None


def test_random_tampers_are_all_detected(ledger: Ledger) -> None:
    _rounds(ledger, 200)


@pytest.mark.nightly
def test_a_thousand_tampers_are_all_detected(ledger: Ledger) -> None:
    _rounds(ledger, 1000)


def test_the_chain_cannot_be_made_anew_without_the_seal(ledger: Ledger, dsn: str) -> None:
    fill(ledger)
    forger = Ledger(dsn, seal=b"guess")
    with forger.begin() as connection:
        connection.execute(delete(table))
        connection.execute(delete(audit_head))
    fill(forger)
    assert audit.verify(forger) is None
    assert audit.verify(ledger) == "Entry 1 of the audit log was changed after it was written."
    forger.close()


def test_there_is_no_way_to_delete() -> None:
    verbs = {
        name
        for name, value in vars(audit).items()
        if callable(value) and getattr(value, "__module__", "") == audit.__name__
    }
    assert {name for name in verbs if not name.startswith("_")} == {"Entry", "append", "entries", "verify"}
