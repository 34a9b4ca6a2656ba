"""Changes that nobody announced: another system prompt, other parameters, another model that answers.

Time is looked at in slices of the event clock, so a replayed month finds what the live one found. See
design/0006-steering.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from homeostat.records.instant import as_datetime, micros
from homeostat.records.release import Release
from homeostat.records.release import as_json as release_json
from homeostat.registry.places import Place, noted, plain, varied_of, without
from homeostat.store.ledger import Ledger, audit, meta, projects, releases, sightings
from homeostat.store.ledger.sightings import KNOWN, Sighting
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.configurations import Busy, Configuration, busy, configurations

SLICE: Final = 300_000_000
ENOUGH: Final = 3
#: So many other prompts of a place, seen too rarely within a day, say that its prompts vary.
MANY: Final = 3
#: Calls, and slices, that one question is about: when time goes faster than slices, they are read together.
_WORTH: Final = 5_000
_MOST_SLICES: Final = 288
_DAY: Final = 86_400_000_000
#: What begins together was there together: an older configuration was seen so much earlier.
APART: Final = timedelta(minutes=10)
_RARE: Final = timedelta(days=1)
#: What was not seen for so long, and comes again, is a change.
_PLAIN: Final = timedelta(days=90)
_WATERMARK: Final = "implicit releases"
_FIELDS: Final = ("prompt", "requested_model", "model", "system", "parameters")


def run(warehouse: Warehouse, ledger: Ledger, until: datetime) -> int:
    """Look at what settled since the last time, up to `until` (event clock); tells how many changes were found."""
    end = micros(until) // SLICE * SLICE
    told = meta.get(ledger, _WATERMARK)
    start = int(told) if told else max(0, end - _DAY)
    found = 0
    while start < end:
        # Mostly the next one is near; the rest of time is only looked through after a quiet day.
        slices = busy(warehouse, start, min(end, start + _DAY), SLICE) or busy(warehouse, start, end, SLICE)
        for some in _together(slices):
            seen = configurations(warehouse, some, SLICE)
            start = (some.last + 1) * SLICE
            with ledger.begin():
                book = _Book(ledger)
                for number, one in groupby(seen, key=lambda each: each.slice):
                    found += _slice(book, list(one), as_datetime((number + 1) * SLICE))
                book.keep()
                meta.put(ledger, _WATERMARK, str(start))
        if not slices:
            start = end
    if told != str(end):
        with ledger.begin():
            meta.put(ledger, _WATERMARK, str(end))
            sightings.forget(ledger, rare=until - _RARE, plain=until - _PLAIN)
    return found


def _together(slices: Iterable[Busy]) -> Iterator[Busy]:
    """Slices that one question is asked about: so many that it is worth it, not more."""
    held: Busy | None = None
    for each in slices:
        if held and (held.calls + each.calls > _WORTH or each.last - held.first >= _MOST_SLICES):
            yield held
            held = None
        held = held + each if held else each
    if held:
        yield held


@dataclass
class _Book:
    """What is known of the places of a few slices."""

    ledger: Ledger
    _projects: dict[str, bool] = field(default_factory=dict)
    _places: dict[tuple[str, str, str], Place] = field(default_factory=dict)

    def has(self, project: str) -> bool:
        """Whether there is such a project."""
        if project not in self._projects:
            self._projects[project] = projects.get(self.ledger, project) is not None
        return self._projects[project]

    def place(self, where: tuple[str, str, str]) -> Place:
        """What is known of a service and name of call."""
        if where not in self._places:
            self._places[where] = Place(self.ledger, *where)
        return self._places[where]

    def keep(self) -> None:
        """Write what changed."""
        for place in self._places.values():
            place.keep()


def _slice(book: _Book, seen: Sequence[Configuration], end: datetime) -> int:
    """Count the configurations of a slice; tells how many changed what was there before without a word."""
    by_place: dict[tuple[str, str, str], list[Configuration]] = {}
    for each in seen:
        if book.has(each.project):
            by_place.setdefault((each.project, each.service, each.name), []).append(each)
    found = 0
    for where, here in by_place.items():
        place = book.place(where)
        varying = place.varying(here, end)
        found += sum(_notice(place, each, varying) for each in here)
    return found


def _notice(place: Place, seen: Configuration, varying: frozenset[str]) -> bool:
    """Count it; true: it is established now, and changes what was there before."""
    steady = without(seen, varying)
    fingerprint = _fingerprint(steady)
    known = place.get(fingerprint)
    first, last = as_datetime(seen.first), as_datetime(seen.last)
    if known is None:
        known = Sighting(fingerprint, seen.service, seen.name, _config(steady), 0, first, last)
    known = noted(known, seen, varying)
    known = replace(
        known, calls=known.calls + seen.calls, first_at=min(known.first_at, first), last_at=max(known.last_at, last)
    )
    new = not known.implied and known.calls >= ENOUGH
    if new:
        known = _established(place, known)
    place.put(known)
    return new and known.implied != KNOWN


def _established(place: Place, new: Sighting) -> Sighting:
    """Compare with what the same service did before. Another release that says its name is no secret."""
    others = [each for each in place.held.values() if each.fingerprint != new.fingerprint]
    older = [each for each in others if each.implied and each.first_at <= new.first_at - APART]
    older.sort(key=lambda each: (each.last_at, each.first_at, each.fingerprint), reverse=True)
    if not older:
        return replace(new, implied=KNOWN)
    alike = [each for each in older if each.config.get("release") == new.config["release"]]
    changed = _changed((alike or older)[0].config, new.config)
    rare = {each.config.get("system_hash") for each in place.lately(new.last_at) if not each.implied}
    if len(rare - {new.config["system_hash"]}) >= MANY:
        changed.pop("system", None)  # one of many that come now and then: it carries documents
    if not alike:
        return replace(
            new, implied=KNOWN, changed={"release": _pair(older[0].config, new.config, "release"), **changed}
        )
    if not changed:
        return replace(new, implied=KNOWN)
    return replace(new, implied=_keep(place.ledger, place.project, new, changed), changed=changed)


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    varied = varied_of(old).keys() | varied_of(new).keys()
    return {
        field: _pair(old, new, field) for field in _FIELDS if _value(old, field, varied) != _value(new, field, varied)
    }


def _pair(old: Mapping[str, Any], new: Mapping[str, Any], field: str) -> dict[str, Any]:
    return {"from": old.get(field), "to": new.get(field)}


def _value(config: Mapping[str, Any], field: str, varied: Collection[str]) -> Any:
    if field == "system":
        return None if field in varied else config.get("system_hash")
    told = config.get(field)
    return {name: each for name, each in told.items() if name not in varied} if isinstance(told, dict) else told


def _keep(ledger: Ledger, project: str, new: Sighting, changed: dict[str, Any]) -> str:
    """The implicit release, with its audit entry."""
    config = new.config
    name = f"seen-{new.first_at:%Y%m%d}-{new.fingerprint[:6]}"
    prompt, _, version = str(config["prompt"]).partition("@")
    release = Release(
        name, model=config["requested_model"] or config["model"], model_version=config["model"], prompt_name=prompt,
        prompt_version=int(version) if version.isdecimal() and len(version) < 10 else 0, system=config["system"],
        parameters=config["parameters"], implicit=True,
    )  # fmt: skip
    where = " ".join(part for part in (new.service, new.name.strip(" >")) if part)
    note = f"seen in traffic of {where}: another {', '.join(field.replace('_', ' ') for field in changed)}"
    if releases.add(ledger, project, release, at=new.first_at, author="traffic", note=note[:1000]):
        audit.append(
            ledger, at=new.last_at, actor="traffic", action="release.seen", subject=name, project=project,
            after=release_json(release),
        )  # fmt: skip
    return name


def _config(seen: Configuration) -> dict[str, Any]:
    return {
        "release": seen.release,
        "prompt": seen.prompt,
        "requested_model": seen.requested_model,
        "model": seen.model,
        "system": seen.system,
        "system_hash": seen.system_hash,
        "parameters": {name: plain(value) for name, value in sorted(seen.parameters.items())},
    }


def _fingerprint(seen: Configuration) -> str:
    said = {**_config(seen), "service": seen.service, "name": seen.name}
    del said["system"]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:24]
