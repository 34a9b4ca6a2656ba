"""An incident as a page of text: what was seen, since when, how sure, why, what was done, what came of it, what next.

`homeostat incident show` and `/api/v1/incidents/{id}/story` print this, word for word.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from homeostat.records import words
from homeostat.records.action import Action
from homeostat.records.finding import Finding
from homeostat.records.incident import Candidate, Entry, Incident
from homeostat.records.verdict import Verdict

_WIDTH: Final = 100
_MOST: Final = 8
_LIKELY: Final = 0.05
#: Of a long timeline its beginning and its end.
_FIRST, _LAST = 10, 40
_WAITS: Final = ("proposed", "approved")


def story(
    incident: Incident,
    findings: Sequence[Finding],
    actions: Sequence[Action],
    verdicts: Mapping[int, Sequence[Verdict]],
) -> str:
    """The whole page. `verdicts`: of each action, by its id."""
    parts = [
        list(_head(incident, findings)),
        ["What was seen", *_seen(findings)],
        ["Since when", *_since(incident, findings)],
        ["Why we think so", *_why(incident.candidates)],
        ["What was done", *_done(incident, actions)],
        ["What came of it", *_came(actions, verdicts)],
        ["Next", *_next(incident, actions, verdicts)],
        ["What happened", *_happened(incident.timeline)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(incident: Incident, findings: Sequence[Finding]) -> Iterator[str]:
    yield f"Incident #{incident.id} · {incident.severity} · {words.state(incident)}"
    yield from _wrapped(f"{words.title(incident, findings)}.", "", "")
    if incident.owner:
        yield f"{incident.owner} looks after it."


def _seen(findings: Sequence[Finding]) -> Iterator[str]:
    latest: dict[tuple[object, ...], Finding] = {}
    for each in sorted(findings, key=lambda each: each.at):
        latest[each.measure, tuple(sorted(each.segment.items())), each.release, each.against] = each
    shown = sorted(latest.values(), key=lambda each: (each.chance_per_month, each.at))
    for each in shown[:_MOST]:
        yield from _item(f"{words.finding(each)[:-1]}; {words.surely(each)}.")
    if len(shown) > _MOST:
        yield f"  · and {len(shown) - _MOST} more"
    if not shown:
        yield "  nothing is kept of it any more"


def _since(incident: Incident, findings: Sequence[Finding]) -> Iterator[str]:
    first = min(findings, key=lambda each: each.onset, default=None)
    between = ""
    if first is not None and first.onset_high > first.onset_low:
        between = f" (between {words.when(first.onset_low)} and {words.when(first.onset_high)})"
    yield f"  {words.when(incident.onset)}{between}; told {words.when(incident.opened)}. Times are UTC."


def _why(candidates: Sequence[Candidate]) -> Iterator[str]:
    shown = [each for each in candidates if each.weight >= _LIKELY] or list(candidates[:1])
    for place, each in enumerate(shown, 1):
        yield from _wrapped(f"{place}. {words.cause(each)}, {each.weight:.0%}", "  ", "     ")
        for sign, lines in (("for", each.supports), ("against", each.contradicts)):
            for line in lines:
                yield from _wrapped(f"{sign:<8} {line}", "     ", " " * 14)
        if each.settle:
            yield from _wrapped(f"settle   {each.settle}", "     ", " " * 14)
    rest = [each.cause for each in candidates if each not in shown]
    if rest:
        yield f"  Unlikely: {', '.join(rest)}."


def _done(incident: Incident, actions: Sequence[Action]) -> Iterator[str]:
    if not actions:
        yield "  nothing yet"
    for each in actions:
        yield from _item(f"#{each.id} {words.action(each)}")
        yield from _wrapped(f"expects  {words.expectation(each.expects)}", "     ", " " * 14)
        said = words.tried(each.result.get("tried") or {})
        if said:
            yield from _wrapped(f"tried    {said}", "     ", " " * 14)


def _came(actions: Sequence[Action], verdicts: Mapping[int, Sequence[Verdict]]) -> Iterator[str]:
    told = False
    for each in actions:
        word = _counts(verdicts.get(each.id, ()))
        if word is not None:
            told = True
            yield from _item(f"#{each.id} {each.remedy}: {words.verdict(word)}")
    if not told:
        yield "  not known yet" if actions else "  nothing was done"


def _next(incident: Incident, actions: Sequence[Action], verdicts: Mapping[int, Sequence[Verdict]]) -> Iterator[str]:
    if incident.state == "closed":
        yield "  Nothing: it is closed."
        return
    waits = [each for each in actions if each.state in _WAITS]
    if waits:
        yield from _item(f"#{waits[0].id} {waits[0].remedy} waits for somebody's yes: see what it would change first.")
        return
    mine = [each for each in actions if not each.ended or each.ended >= incident.begun]
    going = [each for each in mine if each.state in ("doing", "done") and not _final(verdicts.get(each.id, ()))]
    if going:
        yield from _item(f"Wait for the verdict on #{going[0].id}, {words.when(going[0].expects.by)} at the latest.")
        return
    settle = incident.candidates[0].settle if incident.candidates else ""
    yield from _item(settle or "Look at the exchanges behind it.")


def _happened(timeline: Sequence[Entry]) -> Iterator[str]:
    left_out = max(0, len(timeline) - _FIRST - _LAST)
    for place, entry in enumerate(timeline):
        if left_out and place == _FIRST:
            yield f"  … {left_out} more"
        if left_out and _FIRST <= place < _FIRST + left_out:
            continue
        at = words.when(entry.at)
        # A person's words keep their lines.
        first, *more = entry.text.removeprefix(f"{at} · ").strip().split("\n")
        yield from _wrapped(f"{at}  {first}", "  ", " " * 20)
        for line in more:
            yield from _wrapped(line, " " * 20, " " * 20) or [""]


def _counts(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The final word, else the newest."""
    final = [each for each in verdicts if each.final]
    return max(final or verdicts, key=lambda each: each.at, default=None)


def _final(verdicts: Sequence[Verdict]) -> bool:
    return any(each.final for each in verdicts)


def _item(text: str) -> Iterator[str]:
    yield from _wrapped(f"· {text}", "  ", "    ")


def _wrapped(text: str, first: str, other: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=other, break_long_words=False, break_on_hyphens=False
    )
