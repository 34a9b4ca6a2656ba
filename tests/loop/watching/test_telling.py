"""The step that tells: silences end with it, by the event clock."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeostat.act import incidents
from homeostat.config import Settings
from homeostat.loop.watching import telling
from homeostat.loop.watching.context import Context
from homeostat.records.channel import Channel, Rules
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, channels, outbox, projects
from homeostat.store.ledger import incidents as kept_incidents
from tests.act.found import HOUR, T0, finding, kept


def test_a_silence_ends_by_itself(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.prepare()
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", seal=b"seal")
    ledger.upgrade()
    projects.ensure(ledger, "p", at=datetime(2026, 1, 1, tzinfo=UTC))
    unused: Any = None
    context = Context(unused, ledger, unused, Settings(data=tmp_path), folder, lambda: None)
    (one,) = incidents.take(ledger, "p", kept(ledger, finding()), at=T0)
    incidents.silence(ledger, "p", one.id, until=T0 + HOUR, by="key:a", at=T0)
    # Nobody can be told: what is written for it waits.
    channels.put(ledger, Channel("p", "hook", "webhook", {"url": "http://127.0.0.1:9"}, "", Rules(every=0.0)))
    telling.run(context, T0 + HOUR - 1)
    assert outbox.counts(ledger) == {}
    telling.run(context, T0 + HOUR)
    now = kept_incidents.get(ledger, "p", one.id)
    assert now is not None and now.silenced_until == 0 and now.timeline[-1].text == "its silence is over"
    assert list(outbox.counts(ledger)) == [("p", "hook")]
    ledger.close()
