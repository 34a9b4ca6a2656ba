"""Keys and projects in the ledger: what is kept, what is told, what is audited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from homeostat.doors import keys as door_keys
from homeostat.records.snapshot import PublishedKey
from homeostat.store.ledger import Ledger, LedgerError, audit, keys, projects, published

AT = datetime(2026, 11, 20, 7, tzinfo=UTC)


def make(ledger: Ledger, id: str = "k1", project: str = "p", expires: datetime | None = None) -> None:
    keys.create(
        ledger,
        id=id,
        hash=b"\1" * 32,
        project=project,
        scopes=["read", "ingest"],
        at=AT,
        actor="operator",
        expires=expires,
    )


def test_create_list_revoke(ledger: Ledger) -> None:
    assert keys.exist(ledger) is False
    make(ledger)
    make(ledger, "k2", "q", AT + timedelta(days=1))
    assert keys.exist(ledger) is True
    (found,) = keys.listed(ledger, "p")
    assert (found.id, found.scopes, found.expires, found.revoked, found.hash) == (
        "k1", {"read", "ingest"}, None, None, b"\1" * 32,
    )  # fmt: skip
    assert "hash" not in repr(found)
    assert [key.id for key in keys.listed(ledger, None)] == ["k1", "k2"]
    assert keys.revoke(ledger, "k1", project="q", at=AT, actor="a") is False
    assert keys.revoke(ledger, "k1", project="p", at=AT, actor="a") is True
    assert keys.revoke(ledger, "k1", project="p", at=AT + timedelta(hours=1), actor="a") is True
    assert keys.listed(ledger, "p")[0].revoked == AT
    assert keys.revoke(ledger, "nobody", project=None, at=AT, actor="a") is False
    assert [entry.action for entry in reversed(audit.entries(ledger))] == [
        "project.create", "key.create", "project.create", "key.create", "key.revoke",
    ]  # fmt: skip
    assert audit.verify(ledger) is None


def test_bad_wishes_are_refused_and_leave_nothing(ledger: Ledger) -> None:
    for scopes in ([], ["read", "operator"], ["all"]):
        with pytest.raises(LedgerError, match="scopes"):
            keys.create(ledger, id="k", hash=b"", project="p", scopes=scopes, at=AT, actor="a")  # type: ignore[arg-type]
    with pytest.raises(LedgerError, match="past"):
        make(ledger, expires=AT - timedelta(seconds=1))
    for name in ("", "a b", "../x", "ü", "x" * 65, "p\n", ".p"):
        with pytest.raises(LedgerError, match="project"):
            make(ledger, project=name)
    make(ledger)
    with pytest.raises(IntegrityError):
        make(ledger, project="other")
    assert [project.name for project in projects.listed(ledger)] == ["p"]


def test_last_used_only_goes_forward(ledger: Ledger) -> None:
    make(ledger)
    keys.used(ledger, {"k1": AT + timedelta(minutes=2), "operator": AT})
    keys.used(ledger, {"k1": AT + timedelta(minutes=1)})
    assert keys.listed(ledger, "p")[0].last_used == AT + timedelta(minutes=2)


def test_project_settings(ledger: Ledger) -> None:
    assert projects.ensure(ledger, "p", at=AT) is True
    assert projects.ensure(ledger, "p", at=AT) is False
    assert projects.settings(ledger, "p") == projects.settings(ledger, "unknown") == {}
    prices = {"my-model": {"input": 1.5, "output": 6}}
    projects.choose(ledger, "p", {"prices": prices, "retention_days": 7}, at=AT, actor="operator")
    assert projects.choose(ledger, "p", {"retention_days": None}, at=AT, actor="operator") == {"prices": prices}
    assert projects.settings(ledger, "p") == {"prices": prices}
    found = projects.get(ledger, "p")
    assert found is not None and found.created == AT
    assert projects.get(ledger, "q") is None
    with pytest.raises(LedgerError, match="no project"):
        projects.choose(ledger, "q", {}, at=AT, actor="operator")
    last = audit.entries(ledger, limit=1)[0]
    assert (last.action, last.after) == ("project.settings", '{"prices":{"my-model":{"input":1.5,"output":6}}}')


def test_what_is_published(ledger: Ledger) -> None:
    make(ledger)
    make(ledger, "k2", "q", AT + timedelta(days=1))
    keys.revoke(ledger, "k1", project=None, at=AT, actor="a")
    operator = PublishedKey("operator", b"\2" * 32, "default", frozenset(), operator=True)
    first = published.snapshot(ledger, at=AT, besides=[operator], clock={"kind": "live"})
    second = published.snapshot(ledger, at=AT)
    assert second.version > first.version
    assert set(first.keys) == {"k1", "k2", "operator"}
    assert (first.keys["k1"].revoked, first.keys["k2"].revoked) == (True, False)
    assert first.keys["k2"].expires == (AT + timedelta(days=1)).timestamp()
    assert first.projects == {"p", "q"}


def test_a_dump_holds_no_usable_key(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    pepper = b"p" * 32
    made = [door_keys.make(pepper) for _ in range(20)]
    for new in made:
        keys.create(ledger, id=new.id, hash=new.hash, project="p", scopes=["read"], at=AT, actor="a")
    ledger.close()
    dump = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for new in made:
        secret = new.text.split("_")[2]
        assert new.id.encode() in dump  # the dump is the right one
        assert secret.encode() not in dump and secret[:12].encode() not in dump
        # What the dump has does not open the door: neither the hash nor the key built of it is that key.
        assert door_keys.hashed(pepper, new.hash.hex().encode()) != new.hash
