"""What the product found and did, beside what was true. Fields that the product does not fill yet are null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from homeostat.sim.lockstep import Played
from homeostat.sim.world import SECOND

_LOUD: Final = ("warning", "critical")
_MARKS: Final = ("cause", "action", "verdict")
Row = dict[str, Any]


def row(played: Played) -> Row:
    """One line of the scoreboard."""
    scenario, world = played.world.scenario, played.world
    truth = scenario.truth
    loud = None if played.incidents is None else [one for one in played.incidents if one.get("severity") in _LOUD]
    found = _planted(played, loud)
    action = _action(played.actions, found)
    verdict = _verdict(played, found)
    said: dict[str, str | None] = {
        "cause": None if loud is None else (found["cause"] if found else "none"),
        "action": None if played.actions is None else (action["answer"] if action else "none"),
        "verdict": None if played.verdicts is None else verdict,
    }
    line: Row = {
        "name": scenario.name,
        "seed": world.seed,
        "group": scenario.group,
        "detected": None if loud is None else found is not None,
        "delay_events": _delay_events(played, found),
        "in_time": None if loud is None or scenario.benign else _in_time(played, found),
        "delay_seconds": None if found is None else round(found["opened"] / 1e6 - played.onset_ns / SECOND, 1),
        "false_alarms": None
        if loud is None
        else sum(1 for one in loud if one is not found and not _follows(played, one)),
    }
    for mark in _MARKS:
        true = getattr(truth, mark)
        line |= {
            mark: said[mark],
            f"{mark}_truth": true,
            f"{mark}_right": None if said[mark] is None else said[mark] == true,
        }
    return line | _told(played)


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """The whole scoreboard."""
    return {"scenarios": list(rows), "totals": _totals(rows)}


def closed(row: Mapping[str, Any]) -> bool | None:
    """Did the loop close: found, answered, judged; or kept silent where silence is right? None: not measured."""
    if row["detected"] is None:
        return None
    if row["cause_truth"] == "none":
        return bool(row["false_alarms"] == 0)
    if row["verdict_right"] is None:
        return None
    return bool(row["detected"] and row["action_right"] and row["verdict_right"])


def _planted(played: Played, loud: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any] | None:
    """The first incident after the onset; in a benign world there is none to find."""
    if loud is None or played.world.scenario.benign or not played.onset_ns:
        return None
    after = [one for one in loud if one["opened"] * 1000 >= played.onset_ns]
    return min(after, key=lambda one: one["opened"], default=None)


def _follows(played: Played, one: Mapping[str, Any]) -> bool:
    """A later incident of what was planted is no false alarm: the world is still wrong."""
    return not played.world.scenario.benign and one["opened"] * 1000 >= played.onset_ns > 0


def _action(
    actions: Sequence[Mapping[str, Any]] | None, incident: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    if not actions or incident is None:
        return None
    about = [one for one in actions if one.get("incident") == incident["id"] and one.get("state") != "declined"]
    # What people changed by themselves is judged like an action, but nobody proposed it.
    own = [one for one in about if not (one.get("result") or {}).get("adopted")]
    return min(own, key=lambda one: one.get("proposed", 0), default=None)


def _verdict(played: Played, incident: Mapping[str, Any] | None) -> str:
    """The last word about the newest thing done about it: an edit of people is an action like any other."""
    if incident is None:
        return "none"
    own = [one["id"] for one in played.actions or () if one.get("incident") == incident["id"]]
    final = [one for one in played.verdicts or () if one["action"] in own and one.get("final", True)]
    newest = max(final, key=lambda one: (one["action"], one["at"]), default=None)
    if newest is not None:
        return str(newest["outcome"])
    return "not-enough-data" if any(one["action"] in own for one in played.verdicts or ()) else "none"


def _in_time(played: Played, incident: Mapping[str, Any] | None) -> bool:
    """Found within three times what somebody would need who knows the truth of every answer."""
    delay = _delay_events(played, incident)
    return delay is not None and delay <= 3 * played.world.scenario.oracle


def _delay_events(played: Played, incident: Mapping[str, Any] | None) -> int | None:
    """Exchanges between the onset and the moment when the incident was opened."""
    if incident is None:
        return None
    opened = incident["opened"] * 1000
    onset = played.world.scenario.onset
    return sum(1 for truth in played.world.book.rows[onset:] if truth.at_ns <= opened)


def _told(played: Played) -> Row:
    """What was played, and how good the answers really were."""
    scenario, book = played.world.scenario, played.world.book
    return {
        "exchanges": played.exchanges,
        "signals": played.signals,
        "onset": scenario.onset,
        "oracle": scenario.oracle,
        "long_enough": scenario.long_enough,
        "quality_before": book.share_good(0, scenario.onset),
        "quality_after": book.share_good(scenario.onset),
        "quality_by_release": {
            release.name: book.share_good(release=release.name) for release in scenario.releases
        },
        "policy": [
            {"exchange": at, "at": moment // 1000, "shares": {name: round(share, 6) for name, share in shares.items()}}
            for at, moment, shares in played.changes
        ],
        "incidents": None if played.incidents is None else len(played.incidents),
        "seconds": round(played.seconds, 2),
    }  # fmt: skip


def _totals(rows: Sequence[Row]) -> Row:
    """Sums and shares over all scenarios; null where nothing was measured."""

    def count(name: str) -> int | None:
        known = [row[name] for row in rows if row[name] is not None]
        return sum(known) if known else None

    planted = [row for row in rows if row["cause_truth"] != "none"]
    ends = [closed(row) for row in rows]
    return {
        "scenarios": len(rows),
        "planted": len(planted),
        "detected": sum(bool(row["detected"]) for row in planted) if count("detected") is not None else None,
        "in_time": count("in_time"),
        "false_alarms": count("false_alarms"),
        **{f"{mark}_right": count(f"{mark}_right") for mark in _MARKS},
        "closed": None if None in ends else sum(bool(end) for end in ends),
        "exchanges": count("exchanges"),
        "seconds": round(sum(row["seconds"] for row in rows), 2),
    }
