"""What the watch tells of itself, also while it goes on."""

from __future__ import annotations

from collections.abc import ItemsView
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from homeostat.config import Settings
from homeostat.loop.watching.watching import Watching
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger


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
