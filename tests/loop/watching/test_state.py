"""What the watch tells of itself, also while it goes on."""

from __future__ import annotations

from collections.abc import ItemsView
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.loop.watching.watching import Watching
from homeostat.records import words
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, findings, incidents, projects
from homeostat.store.warehouse.questions.ticks import MINUTE


def test_it_is_told_while_a_project_comes(tmp_path: Path) -> None:
    nobody: Any = None
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    watching = Watching(nobody, ledger, nobody, Settings(data=tmp_path), lambda: 0, Folder(tmp_path), lambda: None)

    class Problems(dict[str, str]):
        def items(self) -> ItemsView[str, str]:
            watching._tickers["new"] = ticker({})
            return super().items()

    watching._tickers["old"] = ticker(Problems(slow="it is too much"))
    assert watching.state()["monitors_refused"] == {"old/slow": "it is too much"}


def ticker(problems: dict[str, str]) -> Any:
    return SimpleNamespace(problems=problems)


def test_a_project_that_cannot_be_watched_is_told_of_once(tmp_path: Path) -> None:
    nobody: Any = None
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.upgrade()
    projects.ensure(ledger, "shop", at=datetime.now(UTC))
    watching = Watching(nobody, ledger, nobody, Settings(data=tmp_path), lambda: 0, Folder(tmp_path), lambda: None)
    stuck: Any = Stuck()
    watching._tickers["shop"] = stuck
    for minute in range(1, 20):
        with pytest.raises(RuntimeError, match="shop: out of memory"):
            watching._tick(watching.context, minute * MINUTE)
    stuck.why = ""
    watching._tick(watching.context, 20 * MINUTE)
    [told] = findings.newest(ledger, "shop")
    assert words.finding(told) == "Nothing has been watched since Thu 1 Jan 00:01 (out of memory)."
    [place] = incidents.places(ledger, "shop", since=0)
    incident = incidents.get(ledger, "shop", place.id)
    assert incident is not None and (incident.cause, incident.severity) == ("homeostat", "critical")


class Stuck:
    """A ticker that fails for a while."""

    why = "out of memory"
    fence = 0

    def advance(self, _until: int) -> bool:
        if self.why:
            raise RuntimeError(self.why)
        return True
