"""`/api/v1/accounting`: what became of everything that was accepted. Received is always the sum of the rest."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from homeostat.store.ledger import Ledger, outcomes, projects, segments
from homeostat.store.spool.envelope import decode
from homeostat.web.asked import Core, Json, core_of, visitor_of, work

router: Final = APIRouter(tags=["accounting"])
_NAME_DIGITS: Final = 20


class Spooled:
    """Items that wait in the spool, by project. A sealed file never changes, so it is read once."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._seen: dict[int, dict[str, int]] = {}

    def files(self) -> dict[int, Path]:
        """Segments by number; one that is sealed meanwhile counts once, as sealed."""
        try:
            names = sorted(path for path in self._spool.iterdir() if path.suffix in (".open", ".seg"))
        except FileNotFoundError:
            return {}
        found: dict[int, Path] = {}
        for path in names:
            number = path.name[:_NAME_DIGITS]
            if number.isdigit() and (int(number) not in found or path.suffix == ".seg"):
                found[int(number)] = path
        return found

    def items(self, project: str, files: dict[int, Path], alone: bool) -> int:
        """Items of one project in these files. `alone`: there is no other project, so names tell enough."""
        # What was read before is replaced and never changed: several may look at the same time.
        seen, kept = self._seen, dict[int, dict[str, int]]()
        total = sum(self._of(project, number, path, alone, seen, kept) for number, path in files.items())
        self._seen = kept
        return total

    def _of(
        self, project: str, number: int, path: Path, alone: bool, seen: dict[int, dict[str, int]],
        kept: dict[int, dict[str, int]],
    ) -> int:  # fmt: skip
        sealed = path.suffix == ".seg"
        if alone and sealed:
            return int(path.stem[_NAME_DIGITS + 1 :])
        counted = seen.get(number) if sealed else None
        if counted is None:
            try:
                counted = _counted(path)
            except FileNotFoundError:
                sealed_as = next(self._spool.glob(f"{path.name[:_NAME_DIGITS]}-*.seg"), None)
                if sealed or sealed_as is None:
                    raise  # loaded meanwhile
                return self._of(project, number, sealed_as, alone, seen, kept)
        if sealed:
            kept[number] = counted
        return counted.get(project, 0)


def _counted(path: Path) -> dict[str, int]:
    counted: dict[str, int] = {}
    for record in decode(path.read_bytes()):
        project = record.envelope.project
        counted[project] = counted.get(project, 0) + record.envelope.items
    return counted


def accounting(ledger: Ledger, spooled: Spooled, project: str) -> dict[str, Any]:
    """`{"received", "stored", "waiting", "rejected": {reason: n}, "expired", "erased"}` of a project."""
    while True:
        with contextlib.suppress(FileNotFoundError):  # loaded since the ledger was asked: it knows more now
            return _moment(ledger, spooled, project)


def _moment(ledger: Ledger, spooled: Spooled, project: str) -> dict[str, Any]:
    files = spooled.files()
    with ledger.read():  # one moment for both: what is stored, and which files are stored already
        totals = outcomes.totals(ledger, project)
        left = {number: path for number, path in files.items() if segments.state(ledger, number) != "loaded"}
        alone = [each.name for each in projects.listed(ledger)] == [project]
    waiting = spooled.items(project, left, alone)
    known = totals["stored"] + sum(totals["rejected"].values()) + totals["expired"] + totals["erased"]
    return {"received": known + waiting, "waiting": waiting, **totals}


def told(core: Core, spooled: Spooled, project: str) -> dict[str, Any]:
    """The accounting of a running core."""
    return accounting(core.ledger, spooled, project)


@router.get("/api/v1/accounting")
async def account(request: Request) -> Response:
    """Items (a span, log record, metric point, signal, score, exchange) by what became of them."""
    core, project = core_of(request), visitor_of(request).project
    spooled: Spooled = request.app.state.spooled
    return Json(await work(request, lambda: told(core, spooled, project)))
