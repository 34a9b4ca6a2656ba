"""Changes that nobody announced: another system prompt, other parameters, another model that answers.

Time is looked at in slices of the event clock, so a replayed month finds what the live one found. See
design/0006-steering.md.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from homeostat.records.instant import EPOCH, micros
from homeostat.records.release import Release
from homeostat.records.release import as_json as release_json
from homeostat.store.ledger import Ledger, audit, meta, projects, releases, sightings
from homeostat.store.ledger.sightings import KNOWN, Sighting
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.configurations import Configuration, busy, configurations

SLICE: Final = 300_000_000
ENOUGH: Final = 3
#: Calls, and slices, that one question is about: when time goes faster than slices, they are read together.
_WORTH: Final = 5_000
_MOST_SLICES: Final = 288
_DAY: Final = 86_400_000_000
#: What begins together was there together: an older configuration was seen so much earlier.
APART: Final = timedelta(minutes=10)
_RARE: Final = timedelta(days=1)
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
        for first, last in _together(slices):
            seen = configurations(warehouse, first * SLICE, (last + 1) * SLICE, SLICE)
            start = (last + 1) * SLICE
            with ledger.begin():
                book = _Book(ledger)
                for _, some in groupby(seen, key=lambda each: each.slice):
                    found += sum(_notice(book, each) for each in _stable(some))
                book.keep()
                meta.put(ledger, _WATERMARK, str(start))
        if not slices:
            start = end
    if told != str(end):
        with ledger.begin():
            meta.put(ledger, _WATERMARK, str(end))
            sightings.forget(ledger, until - _RARE)
    return found


def _together(slices: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First and last of the slices that one question is asked about: so many that it is worth it, not more."""
    first, last, calls = 0, -1, 0
    for number, n in slices:
        if last >= 0 and (calls + n > _WORTH or number - first >= _MOST_SLICES):
            yield first, last
            last, calls = -1, 0
        if last < 0:
            first = number
        last, calls = number, calls + n
    if last >= 0:
        yield first, last


def _stable(seen: Iterable[Configuration]) -> list[Configuration]:
    """A system prompt that is another in most calls carries documents: it says nothing about the configuration."""
    seen = list(seen)
    calls: Counter[tuple[str, str, str]] = Counter()
    prompts: dict[tuple[str, str, str], set[str]] = {}
    for each in seen:
        where = (each.project, each.service, each.name)
        calls[where] += each.calls
        prompts.setdefault(where, set()).add(each.system_hash)
    varies = {where for where, texts in prompts.items() if len(texts) > 1 and 2 * len(texts) > calls[where]}
    return [
        replace(each, system_hash="", system="") if (each.project, each.service, each.name) in varies else each
        for each in seen
    ]


@dataclass
class _Book:
    """What is known of the configurations of a few slices: read once, written when it must be, and at the end."""

    ledger: Ledger
    _projects: dict[str, bool] = field(default_factory=dict)
    _held: dict[tuple[str, str], Sighting | None] = field(default_factory=dict)
    _changed: dict[tuple[str, str], Sighting] = field(default_factory=dict)

    def has(self, project: str) -> bool:
        """Whether there is such a project."""
        if project not in self._projects:
            self._projects[project] = projects.get(self.ledger, project) is not None
        return self._projects[project]

    def get(self, project: str, fingerprint: str) -> Sighting | None:
        """One by its fingerprint."""
        key = (project, fingerprint)
        if key not in self._held:
            self._held[key] = sightings.get(self.ledger, project, fingerprint)
        return self._held[key]

    def put(self, project: str, sighting: Sighting) -> None:
        """In the place of what was known of it."""
        key = (project, sighting.fingerprint)
        self._held[key] = self._changed[key] = sighting

    def keep(self) -> None:
        """Write what changed."""
        for (project, _), sighting in self._changed.items():
            sightings.put(self.ledger, project, sighting)
        self._changed.clear()


def _notice(book: _Book, seen: Configuration) -> bool:
    """Count it; true: it is established now, and changes what was there before without a word."""
    if not book.has(seen.project):
        return False
    fingerprint = _fingerprint(seen)
    known = book.get(seen.project, fingerprint)
    first, last = _time(seen.first), _time(seen.last)
    if known is None:
        known = Sighting(fingerprint, seen.service, seen.name, _config(seen), 0, first, last)
    known = replace(
        known, calls=known.calls + seen.calls, first_at=min(known.first_at, first), last_at=max(known.last_at, last)
    )
    new = not known.implied and known.calls >= ENOUGH
    if new:
        book.keep()  # it is compared with the others as they are by now
        known = _established(book.ledger, seen.project, known)
    book.put(seen.project, known)
    return new and known.implied != KNOWN


def _established(ledger: Ledger, project: str, new: Sighting) -> Sighting:
    """Compare with what the same service did before. Another release that says its name is no secret."""
    older = [
        each
        for each in sightings.established(ledger, project, new.service, new.name)
        if each.first_at <= new.first_at - APART
    ]
    if not older:
        return replace(new, implied=KNOWN)
    alike = [each for each in older if each.config.get("release") == new.config["release"]]
    if not alike:
        changed = _changed(older[0].config, new.config)
        return replace(
            new, implied=KNOWN, changed={"release": _pair(older[0].config, new.config, "release"), **changed}
        )
    changed = _changed(alike[0].config, new.config)
    if not changed:
        return replace(new, implied=KNOWN)
    return replace(new, implied=_keep(ledger, project, new, changed), changed=changed)


def _changed(old: Any, new: Any) -> dict[str, Any]:
    return {field: _pair(old, new, field) for field in _FIELDS if _value(old, field) != _value(new, field)}


def _pair(old: Any, new: Any, field: str) -> dict[str, Any]:
    return {"from": old.get(field), "to": new.get(field)}


def _value(config: Any, field: str) -> Any:
    return config.get("system_hash") if field == "system" else config.get(field)


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
        "parameters": {name: _plain(value) for name, value in sorted(seen.parameters.items())},
    }


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _fingerprint(seen: Configuration) -> str:
    said = {**_config(seen), "service": seen.service, "name": seen.name}
    del said["system"]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:24]


def _time(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)
