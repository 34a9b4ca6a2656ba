"""The sum holds at every moment: what is loaded while one counts is counted once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.records.outcome import Outcome
from homeostat.store.ledger import Ledger, segments
from homeostat.store.spool.envelope import Envelope, Part, encode
from homeostat.web.accounting import Spooled, accounting


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    made.upgrade()
    yield made
    made.close()


class Loading(Spooled):
    """A spool whose one open segment is loaded, and gone, just after its files were listed and the ledger was asked."""

    def __init__(self, ledger: Ledger, spool: Path) -> None:
        super().__init__(spool)
        self.ledger, self.listed = ledger, 0

    def items(self, project: str, files: dict[int, Path], alone: bool) -> int:
        self.listed += 1
        for number, path in files.items():
            segments.intend(self.ledger, number)
            segments.finish(self.ledger, number, [Outcome(project, "stored", 7)], [])
            path.unlink()
        return super().items(project, files, alone)


def waiting(spool: Path) -> Path:
    spool.mkdir()
    path = spool / f"{1:020}.open"
    path.write_bytes(b"".join(encode(Envelope(1, "p", 7, Part.FACTS, b"{}"), 0)))
    return path


def test_what_waits_in_an_open_segment(ledger: Ledger, tmp_path: Path) -> None:
    waiting(tmp_path / "spool")
    told = accounting(ledger, Spooled(tmp_path / "spool"), "p")
    assert (told["received"], told["waiting"], told["stored"]) == (7, 7, 0)


def test_what_is_loaded_while_it_is_counted(ledger: Ledger, tmp_path: Path) -> None:
    waiting(tmp_path / "spool")
    loading = Loading(ledger, tmp_path / "spool")
    told = accounting(ledger, loading, "p")
    assert (told["received"], told["waiting"], told["stored"]) == (7, 0, 7)
    assert loading.listed == 2


def test_several_may_look_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reads a file just when another looks through what was read before."""
    for number in (1, 2):
        waiting(tmp_path / str(number)).rename(tmp_path / f"{number:020}-7.seg")
    spooled, found = Spooled(tmp_path), []
    one, both = {1: spooled.files()[1]}, spooled.files()
    assert spooled.items("p", one, alone=False) == 7
    reading, on = threading.Event(), threading.Event()

    def slowly(path: Path) -> dict[str, int]:
        reading.set()
        assert on.wait(60)
        return {"p": 7}

    class Files(dict[int, Path]):
        def __contains__(self, number: object) -> bool:
            on.set()
            other.join(60)
            return super().__contains__(number)

    monkeypatch.setattr("homeostat.web.accounting._counted", slowly)
    other = threading.Thread(target=lambda: found.append(spooled.items("p", both, alone=False)))
    other.start()
    assert reading.wait(60)
    found.append(spooled.items("p", Files(one), alone=False))
    on.set()
    other.join(60)
    assert sorted(found) == [7, 14]
