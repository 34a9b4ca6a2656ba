"""Remedies: what can be done, one plugin a file. A plugin is its file, a line in this table, and its test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from homeostat.act.remedies.block import Block
from homeostat.act.remedies.call import CallPipeline
from homeostat.act.remedies.curate import Curate
from homeostat.act.remedies.effects import Effects, Outside, Reading, Rejected
from homeostat.act.remedies.fallback import Fallback
from homeostat.act.remedies.hand import ByHand
from homeostat.act.remedies.prompt import ChangePrompt
from homeostat.act.remedies.remedy import Remedy, Told, read
from homeostat.act.remedies.retrain import Retrain
from homeostat.act.remedies.rollback import Rollback
from homeostat.act.remedies.switchback import Switchback
from homeostat.act.remedies.traffic import Pause, ShiftTraffic
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad

REMEDIES: Final[Mapping[str, type[Any]]] = {
    "rollback": Rollback,
    "shift-traffic": ShiftTraffic,
    "switchback": Switchback,
    "pause": Pause,
    "fallback": Fallback,
    "prompt": ChangePrompt,
    "curate": Curate,
    "retrain": Retrain,
    "pipeline": CallPipeline,
    "block": Block,
    "by-hand": ByHand,
}

__all__ = ["REMEDIES", "Effects", "Outside", "Reading", "Rejected", "Remedy", "Told", "remedy"]


def remedy(name: str, parameters: Mapping[str, Any]) -> Remedy | Declined:
    """A remedy by its name, with its parameters."""
    plugin = REMEDIES.get(name)
    if plugin is None:
        return bad(f"There is no remedy {name[:80]!r}.", f"Known: {', '.join(REMEDIES)}.")
    found: Remedy | Declined = read(plugin, parameters)
    return found
