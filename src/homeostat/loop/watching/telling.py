"""The outbox of this core: begun once a second, told by threads of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from homeostat.act import incidents
from homeostat.act.notifiers import Outbound, building
from homeostat.act.notifiers.outbound import allowed
from homeostat.act.outbox import machine_now
from homeostat.act.telling import Teller
from homeostat.loop.watching.context import Context
from homeostat.store.ledger import channels, outbox

#: On the world clock nobody waits for people, but what is told shall leave while its story is told.
_WORLD_WAITS: Final = 3.0
_SECOND: Final = 1_000_000


def run(context: Context, at: int) -> int:
    """Begin to tell what is due; tells how many channels are at it. `at`, the event clock: silences end by it."""
    incidents.speak(context.ledger, at=at)
    return _of(context).round(wait=_WORLD_WAITS if context.settings.clock == "world" else 0.0)


def state(context: Context) -> dict[str, Any]:
    """How telling goes, by project and channel. For `homeostat doctor`."""
    told: dict[str, Any] = {}
    counted = outbox.counts(context.ledger)
    for channel in channels.listed(context.ledger):
        counts = counted.get((channel.project, channel.name), {})
        oldest = counts.get("oldest")
        told[f"{channel.project}/{channel.name}"] = {
            "kind": channel.kind,
            "state": channel.state,
            "waiting": counts.get("waiting", 0),
            "oldest_seconds": round((machine_now() - oldest) / _SECOND, 1) if oldest else 0.0,
            "dead": counts.get("dead", 0),
            "problem": channel.problem,
        }
    return told


_TELLERS: dict[Path, Teller] = {}


def _of(context: Context) -> Teller:
    """One for each data directory, so that no channel has two threads."""
    place = context.folder.root
    found = _TELLERS.get(place)
    if found is None or found.ledger is not context.ledger:
        settings = context.settings
        found = _TELLERS[place] = Teller(
            context.ledger, building.key(context.folder.control), Outbound(allowed(settings.notify_allow)),
            settings.public_url.rstrip("/"),
        )  # fmt: skip
    return found
