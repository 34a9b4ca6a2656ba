"""The scoreboard in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def summary(row: Mapping[str, Any]) -> str:
    """One scenario in three lines."""
    shares = ", ".join(f"{name} {_share(good)}" for name, good in row["quality_by_release"].items())
    before, after = _share(row["quality_before"]), _share(row["quality_after"])
    lines = [
        f"  truth     good answers {before} before, {after} after ({shares}); "
        f"cause {row['cause_truth']}, right is {row['action_truth']}",
        f"  product   {_found(row)}",
        f"  played    {row['exchanges']} exchanges, {row['signals']} signals in {row['seconds']:g} s",
    ]
    return "\n".join(lines)


def totals(told: Mapping[str, Any]) -> str:
    """The last line."""
    if told["detected"] is None:
        return (
            f"{told['scenarios']} played in {told['seconds']:g} s. This server has no incidents yet: nothing to score."
        )
    right = ", ".join(f"{told[f'{name}_right']} {name}s" for name in ("cause", "action", "verdict"))
    found = f"{told['detected']} of {told['planted']} found, {told['false_alarms']} false alarms"
    return f"{found}; right: {right}; {told['seconds']:g} s."


def _found(row: Mapping[str, Any]) -> str:
    if row["detected"] is None:
        return "has no incidents yet: nothing to score"
    if not row["detected"]:
        return f"silent, {row['false_alarms']} false alarms"
    marks = ", ".join(_marked(row, name) for name in ("cause", "action", "verdict"))
    return f"incident {row['delay_events']} exchanges after the onset; {marks}; {row['false_alarms']} false alarms"


def _marked(row: Mapping[str, Any], name: str) -> str:
    if name == "verdict" and row[name] == "none" != row["verdict_truth"]:
        return "no verdict yet"
    return f"{name} {row[name]} ({_mark(row[f'{name}_right'])})"


def _mark(right: bool | None) -> str:
    return "not known" if right is None else "right" if right else "wrong"


def _share(good: float | None) -> str:
    return "-" if good is None else f"{good:.2f}"


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The whole scoreboard as a table for a page."""
    head = "| scenario | seed | found after | three oracles | cause | action | verdict | false alarms |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        delay, limit = row["delay_events"], 3 * row["oracle"]
        benign = row["cause_truth"] == "none"
        found = "-" if benign else "not found" if delay is None else f"{delay:,}"
        marks = " | ".join(_told(row, name) for name in ("cause", "action", "verdict"))
        lines.append(
            f"| {row['name']} | {row['seed']} | {found} | {'-' if benign else f'{limit:,}'} | {marks} "
            f"| {_count(row['false_alarms'])} |"
        )
    return "\n".join(lines)


def _told(row: Mapping[str, Any], name: str) -> str:
    """What was said; where it was not right, what would have been."""
    said, true = row[name], row[f"{name}_truth"]
    return "?" if said is None else said if said == true else f"{said} (right: {true})"


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)
