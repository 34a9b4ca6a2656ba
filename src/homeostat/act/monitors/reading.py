"""A monitor as people write it, in TOML, YAML, JSON or the API: read strictly, with mistakes said in words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, Literal, cast

from homeostat.act.monitors import thresholds
from homeostat.act.monitors.columns import Source, source
from homeostat.act.monitors.seasons import CELLS
from homeostat.act.monitors.spans import DAY, MINUTE, SPAN, span
from homeostat.records.monitor import AGAINST, MOST_STREAMS, Monitor
from homeostat.store.warehouse.questions import filters
from homeostat.store.warehouse.questions.fields import FIELDS
from homeostat.store.warehouse.questions.refused import Refused

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_GIVEN: Final = ("project", "version")
KNOWN: Final = tuple(field.name for field in fields(Monitor) if field.name not in _GIVEN)
_DIRECTIONS: Final = ("down", "up", "both")
_UNITS: Final = ("user", "session", "exchange")
_SEVERITIES: Final = ("warning", "critical")
_THRESHOLD: Final = {"value", "window", "min_n", "for", "clear"}
_MOST: Final = 200
_LONGEST: Final = 92 * DAY
#: A threshold looks at so much at most: its window is asked anew every minute.
_WIDEST: Final = 7 * DAY


class BadMonitor(ValueError):
    """What is wrong with it, and where."""


def monitors(document: Any, project: str) -> list[Monitor]:
    """Every monitor of a file: `[[monitor]]` tables, a list, or one alone."""
    if isinstance(document, Mapping) and set(document) & {"monitor", "monitors"}:
        extra = sorted(set(document) - {"monitor", "monitors"})
        if extra:
            raise BadMonitor(f"Beside monitors a file has nothing else; found {extra[0]!r}.")
        document = [one for key in ("monitor", "monitors") for one in _list(document.get(key, []), key)]
    listed = document if isinstance(document, list) else [document]
    if not listed:
        raise BadMonitor("There is no monitor in it: write [[monitor]] tables.")
    if len(listed) > _MOST:
        raise BadMonitor(f"At most {_MOST} monitors at once.")
    found = [monitor(one, project) for one in listed]
    twice = sorted({one.name for one in found if sum(other.name == one.name for other in found) > 1})
    if twice:
        raise BadMonitor(f"The monitor {twice[0]} stands there twice.")
    return found


def monitor(told: Any, project: str) -> Monitor:
    """One monitor; BadMonitor says what is wrong with it."""
    if not isinstance(told, Mapping):
        raise BadMonitor("A monitor is a table with name, measure and against.")
    name = told.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadMonitor(f"A monitor's name is lower case letters, digits, - _ . (found {name!r}).")
    try:
        return _read(told, name, project)
    except Refused as refused:
        hint = f" {refused.hint}" if refused.hint else ""
        raise BadMonitor(f"{name}: {refused.message}{hint}") from None


def _read(told: Mapping[str, Any], name: str, project: str) -> Monitor:
    allowed = {*KNOWN, "kind"}
    unknown = sorted(set(told) - allowed)
    if unknown:
        near = difflib.get_close_matches(str(unknown[0]), KNOWN, 1)
        said = f"Did you mean {near[0]}?" if near else f"It knows {', '.join(KNOWN)}."
        raise BadMonitor(f"{name}: there is no {unknown[0]!r}. {said}")
    if told.get("kind", "answer") != "answer":
        raise BadMonitor(f"{name}: kind is answer, other kinds are not watched.")
    measure = told.get("measure")
    if not isinstance(measure, str) or not measure.strip():
        raise BadMonitor(f"{name}: measure is missing, such as mean(score.relevance).")
    where = _where(name, told.get("where", {}))
    made = Monitor(
        project=project, name=name, measure=measure.strip(), against=_against(name, told.get("against")),
        direction=cast(Any, _one(name, told, "direction", _DIRECTIONS, "both")), where=where,
        by=tuple(_texts(name, told, "by")), unit=cast(Any, _one(name, told, "unit", _UNITS, "user")),
        tolerance=_number(name, told, "tolerance", 0.0),
        severity=cast(Literal["warning", "critical"], _one(name, told, "severity", _SEVERITIES, "warning")),
        critical_from=_number(name, told, "critical_from", 0.0),
        budget=_number(name, told, "budget", 1.0), state=cast(Any, _state(name, told)),
    )  # fmt: skip
    _fits(made)
    return made


def _fits(made: Monitor) -> None:
    """What it says must go together."""
    told = source(made.measure, made.where)
    kind = made.kind
    for by in made.by:
        own = FIELDS.get(by)
        if not by.startswith("attribute.") and (own is None or own.type not in ("text", "flag")):
            raise BadMonitor(f"{made.name}: it cannot be split by {by!r}; model, release, attribute.<key> … can.")
    if made.budget <= 0:
        raise BadMonitor(f"{made.name}: budget is a weight above 0.")
    if made.tolerance < 0:
        raise BadMonitor(f"{made.name}: tolerance is 0 or more.")
    if made.critical_from < 0:
        raise BadMonitor(f"{made.name}: critical_from is 0 or more.")
    if kind == "threshold":
        if made.direction == "both":
            raise BadMonitor(f"{made.name}: a threshold has a side: direction = up, or down.")
        line, clear = made.against[kind]["value"], made.against[kind].get("clear")
        if clear is not None and (clear > line if made.direction == "up" else clear < line):
            raise BadMonitor(f"{made.name}: clear is where it is over: on the good side of value, or the same.")
        thresholds.question(made, DAY)
        return
    if not told.kept:
        raise BadMonitor(f"{made.name}: {made.measure} can only be watched against a threshold.")
    if kind in ("limit", "band"):
        ends = made.against[kind] if kind == "band" else [made.against[kind]]
        if not told.bounded:
            raise BadMonitor(
                f"{made.name}: limits are for shares and scores, between 0 and 1. Instead of {made.measure} write "
                f"share({told.column.number or 'latency_ms'}>{ends[0]:g}), against = {{ limit = 0.05 }}."
            )
        if any(not 0 <= end <= 1 for end in ends):
            raise BadMonitor(f"{made.name}: shares and scores lie between 0 and 1.")
        if kind == "limit" and made.direction == "both":
            raise BadMonitor(f"{made.name}: a limit has a side: direction = up (it must not be above), or down.")
    if kind == "segment":
        _two(made, told)
    if kind == "release" and (told.scale not in ("share", "number") or made.direction == "both"):
        raise BadMonitor(f"{made.name}: to compare releases, say which direction is worse: up or down.")


def _against(name: str, told: Any) -> Mapping[str, Any]:
    known = set(told) - {"season"} if isinstance(told, Mapping) else set()
    if len(known) != 1 or not known <= set(AGAINST):
        raise BadMonitor(f"{name}: against is one of {', '.join(AGAINST)}, such as against = {{ reference = 'all' }}.")
    [kind] = known
    value = told[kind]
    if kind != "reference" and len(told) > 1:
        raise BadMonitor(f"{name}: only a reference has a season.")
    if kind == "limit" and not _is_number(value):
        raise BadMonitor(f"{name}: limit is a number.")
    if kind == "band" and not (
        isinstance(value, Sequence) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]
    ):
        raise BadMonitor(f"{name}: band is two numbers, the lower first.")
    if kind == "reference":
        return _reference(name, told)
    if kind == "segment":
        return {"segment": _segment(name, value)}
    if kind == "release" and value != "previous-good":
        raise BadMonitor(f"{name}: release is 'previous-good': the release that serves the others.")
    if kind == "threshold":
        return {"threshold": _threshold(name, value)}
    return {kind: value}


def _reference(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """All that came before; or the last days, hour by hour."""
    value = told["reference"]
    if value != "all" and not (isinstance(value, str) and SPAN.fullmatch(value) and DAY <= span(value) <= _LONGEST):
        raise BadMonitor(f"{name}: reference is 'all' (what came before), or a window of 1d to 92d such as '7d'.")
    season = told.get("season", "none" if value == "all" else "day")
    if season not in CELLS:
        raise BadMonitor(f"{name}: season is none, day (each hour of the day by itself) or week (each of the week).")
    if season == "week" and value != "all" and span(value) < 7 * DAY:
        raise BadMonitor(f"{name}: the hours of a week need a window of at least 7d.")
    return {"reference": value} if (value, season) == ("all", "none") else {"reference": value, "season": season}


def _segment(name: str, told: Any) -> dict[str, str]:
    """Filters of the other segment."""
    if not isinstance(told, Mapping) or not told or not all(isinstance(one, str) for one in told.values()):
        raise BadMonitor(f"{name}: segment is a table of filters, such as segment = {{ 'attribute.plan' = 'free' }}.")
    return dict(_where(name, told))


def _two(made: Monitor, told: Source) -> None:
    """A monitor against another segment says which segment is its own."""
    mine, there = dict(made.where), made.against["segment"]
    for field, value in there.items():
        if mine.get(field, value) == value:
            raise BadMonitor(
                f"{made.name}: say which segment it watches: where = {{ {field!r} = … }} with another value than "
                f"{value!r}, so that nobody belongs to both."
            )
    if told.scale == "event":
        raise BadMonitor(f"{made.name}: coverage is not compared between segments; write share(signal.…) instead.")


def _threshold(name: str, told: Any) -> dict[str, Any]:
    if not isinstance(told, Mapping) or "value" not in told or set(told) - _THRESHOLD:
        raise BadMonitor(f"{name}: threshold is {{ value, window, min_n, for, clear }}; value is needed.")
    made = {"window": "10m", "min_n": 20, "for": "0m", **told}
    for part in ("value", "min_n", "clear"):
        if part in made and not _is_number(made[part]):
            raise BadMonitor(f"{name}: threshold's {part} is a number.")
    if made["min_n"] < 1:
        raise BadMonitor(f"{name}: threshold's min_n is 1 or more.")
    for part, least, most in (("window", MINUTE, _WIDEST), ("for", 0, _WIDEST)):
        if not isinstance(made[part], str) or not SPAN.fullmatch(made[part]) or not least <= span(made[part]) <= most:
            raise BadMonitor(f"{name}: threshold's {part} is a time such as '10m', from {least // MINUTE}m to 7d.")
    return made


def _where(name: str, told: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(told, Mapping):
        pairs = [(str(key), _plain(one)) for key, value in told.items() for one in _list(value, str(key))]
    elif isinstance(told, list) and all(isinstance(one, list | tuple) and len(one) == 2 for one in told):
        pairs = [(str(key), _plain(value)) for key, value in told]
    else:
        raise BadMonitor(f"{name}: where is a table of filters, such as where = {{ model = 'm' }}.")
    filters.parse(pairs)
    return tuple(pairs)


def _plain(value: Any) -> str:
    """As filters are spelled: `true`, and not Python's `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _state(name: str, told: Mapping[str, Any]) -> str:
    """Empty: as it is. YAML reads a bare `on` as true."""
    if isinstance(told.get("state"), bool):
        return "on" if told["state"] else "paused"
    return _one(name, told, "state", ("on", "paused"), "on") if "state" in told else ""


def _texts(name: str, told: Mapping[str, Any], key: str) -> list[str]:
    listed = _list(told.get(key, []), key)
    if not all(isinstance(one, str) for one in listed) or len(listed) > MOST_STREAMS:
        raise BadMonitor(f"{name}: {key} is a list of names.")
    return listed


def _list(value: Any, _key: str) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _one(name: str, told: Mapping[str, Any], key: str, allowed: Sequence[str], default: str) -> str:
    value = told.get(key, default)
    if value not in allowed:
        raise BadMonitor(f"{name}: {key} is {', '.join(allowed[:-1])} or {allowed[-1]}, not {value!r}.")
    return str(value)


def _number(name: str, told: Mapping[str, Any], key: str, default: float) -> float:
    value = told.get(key, default)
    if not _is_number(value):
        raise BadMonitor(f"{name}: {key} is a number.")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) < 1e18
