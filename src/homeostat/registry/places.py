"""What was seen of one service and name of call, and which of its values say nothing because they vary."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from homeostat.records.instant import as_datetime
from homeostat.store.ledger import Ledger, sightings
from homeostat.store.ledger.sightings import Sighting
from homeostat.store.warehouse.questions.configurations import Configuration

#: So many values of one field within a day vary: documents in the prompt, a limit that is computed for each call.
VARIED: Final = 12
_DAY: Final = timedelta(days=1)


@dataclass
class Place:
    """The configurations of one service and name of call: read once, written at the end."""

    ledger: Ledger
    project: str
    service: str
    name: str
    held: dict[str, Sighting] = field(default_factory=dict)
    _changed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        known = sightings.of(self.ledger, self.project, self.service, self.name)
        self.held.update((each.fingerprint, each) for each in known)

    def get(self, fingerprint: str) -> Sighting | None:
        """One by its fingerprint, also of those that were not seen for long."""
        return self.held.get(fingerprint) or sightings.get(self.ledger, self.project, fingerprint)

    def put(self, sighting: Sighting) -> None:
        """In the place of what was known of it."""
        self.held[sighting.fingerprint] = sighting
        self._changed.add(sighting.fingerprint)

    def keep(self) -> None:
        """Write what changed."""
        for fingerprint in sorted(self._changed):
            sightings.put(self.ledger, self.project, self.held[fingerprint])
        self._changed.clear()

    def varying(self, seen: Collection[Configuration], at: datetime) -> frozenset[str]:
        """The fields that vary: in most calls of a slice that ended then, or with too many values within a day."""
        now: dict[str, set[str]] = {}
        for each in seen:
            for name, value in values(each).items():
                now.setdefault(name, set()).add(value)
        today = {name: set(told) for name, told in now.items()}
        for sighting in self.lately(at):
            for name, value, last in _told(sighting):
                if last >= at - _DAY:
                    today.setdefault(name, set()).add(value)
        calls = sum(each.calls for each in seen)
        most = {name for name, told in now.items() if len(told) > 1 and 2 * len(told) > calls}
        return frozenset(most | {name for name, told in today.items() if len(told) >= VARIED})

    def lately(self, at: datetime) -> list[Sighting]:
        """Those seen within the day before."""
        return [each for each in self.held.values() if each.last_at >= at - _DAY]


def values(seen: Configuration) -> dict[str, str]:
    """What may vary, as text."""
    return {"system": seen.system_hash, **{name: json.dumps(plain(told)) for name, told in seen.parameters.items()}}


def plain(text: str) -> Any:
    """A parameter as it was given."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def without(seen: Configuration, fields: Collection[str]) -> Configuration:
    """A configuration but for what varies."""
    parameters = {name: value for name, value in seen.parameters.items() if name not in fields}
    seen = replace(seen, parameters=parameters)
    return replace(seen, system_hash="", system="") if "system" in fields else seen


def noted(sighting: Sighting, seen: Configuration, fields: Iterable[str]) -> Sighting:
    """With the values of what varies, the latest few: they say when it does so no more."""
    varied = {name: dict(told) for name, told in varied_of(sighting.config).items()}
    for name in fields:
        told = varied.setdefault(name, {})
        told[values(seen).get(name, "")] = seen.last
        for value in sorted(told, key=lambda value: told[value])[:-VARIED]:
            del told[value]
    return replace(sighting, config={**sighting.config, "varied": varied}) if varied else sighting


def varied_of(config: Mapping[str, Any]) -> Mapping[str, Mapping[str, int]]:
    """The fields that vary, each with its latest values and when they were seen last, in µs."""
    told = config.get("varied")
    return told if isinstance(told, dict) else {}


def _told(sighting: Sighting) -> Iterator[tuple[str, str, datetime]]:
    config = sighting.config
    varied = varied_of(config)
    for name, told in varied.items():
        yield from ((name, value, as_datetime(last)) for value, last in told.items())
    if "system" not in varied:
        yield "system", str(config.get("system_hash")), sighting.last_at
    for name, given in (config.get("parameters") or {}).items():
        yield name, json.dumps(given), sighting.last_at
