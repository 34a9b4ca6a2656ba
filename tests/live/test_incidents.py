"""In the real program: a channel is set by command, an incident is told within seconds, its story is one text."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.act import incidents
from homeostat.store import control
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, findings
from tests.act.found import MINUTE, finding
from tests.act.notifiers.receivers import receiving
from tests.live.harness import HOMEOSTAT, Server, serving

pytestmark = pytest.mark.live


def command(server: Server, *arguments: str) -> str:
    """What the command prints."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
    env |= {"HOMEOSTAT_URL": server.url, "HOMEOSTAT_DATA": str(server.data)}
    done = subprocess.run([HOMEOSTAT, *arguments], capture_output=True, text=True, check=False, timeout=120, env=env)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def fire(server: Server, measure: str = "mean(score.relevance)") -> int:
    """A finding of now, as the ticker writes it, from another process: the ledger takes turns."""
    ledger = Ledger(f"sqlite:///{server.data}/ledger.db", seal=control.pepper(Folder(server.data).control))
    now = int(time.time() * 1e6)
    with ledger.begin():
        seen = finding(measure, project="default", onset=now - 5 * MINUTE, severity="critical")
        kept = findings.add(ledger, replace(seen, at=now))
        (one,) = incidents.take(ledger, "default", [kept], at=now)
    ledger.close()
    return one.id


def test_from_finding_to_message_to_story(tmp_path: Path) -> None:
    with receiving() as there, serving(tmp_path / "data", notify_allow='["127.0.0.1"]') as server:
        settings = ("-s", f"url={there.url}", "-s", "secret=canary-33f1", "--every", "0")
        assert "is set" in command(server, "notifier", "set", "hook", "webhook", *settings)
        assert command(server, "notifier", "test", "hook").strip() == "sent"
        id = fire(server)
        end = time.monotonic() + 120
        while len(there.seen) < 2 and time.monotonic() < end:
            time.sleep(0.1)
        told = there.seen[1].json["events"][0]
        assert (told["incident"], told["kind"], told["severity"]) == (id, "opened", "critical")
        story = command(server, "incident", "show", str(id))
        status, text = server.request("GET", f"/api/v1/incidents/{id}/story")[:2]
        assert status == 200 and text.decode() == story
        assert story.startswith(f"Incident #{id} · critical · open\n") and told["title"] in " ".join(story.split())
        assert "acknowledged" in command(server, "incident", "ack", str(id))
        assert "closed" in command(server, "incident", "close", str(id), "--why", "a test")
        while len(there.seen) < 4 and time.monotonic() < end:
            time.sleep(0.1)
        assert [seen.json["events"][0]["kind"] for seen in there.seen] == ["test", "opened", "acknowledged", "closed"]
        listed = command(server, "incident", "ls").split("\t")
        assert listed[:2] == [str(id), "critical"]
        assert "canary-33f1" not in server.log() + command(server, "notifier", "ls", "--json")
