"""What a diagnosis asks: everything about the answers before an onset and since, in sums over users and in samples.

Side 0 is before, 1 since; what lies between (the onset is known to an interval only) is on neither. Times: µs.
Of a side with very many answers a share of the users is on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import drawn
from homeostat.store.warehouse.questions.bound import SAID_WINDOW, TEXT_WINDOW, WINDOW, moment
from homeostat.store.warehouse.questions.fields import BLOCKED, GIVEN

_HOUR: Final = 3_600_000_000
_ANSWER: Final = f"is_answer AND {GIVEN}"
#: Rows of a sample, of each side.
SAMPLE: Final = 1500


@dataclass(frozen=True, slots=True)
class Sides:
    """Which answers are compared: those of [low, before) with those of [after, high)."""

    project: str
    low: int
    before: int
    after: int
    high: int
    shares: tuple[float, float] = (1.0, 1.0)
    """Of the users of each side, who is looked at."""

    def bound(self, **more: Any) -> dict[str, Any]:
        """As parameters of a question."""
        return {
            "share_before": self.shares[0], "share_since": self.shares[1],
            "project": self.project, "low": self.low, "before": self.before, "after": self.after, "high": self.high,
            "low_said": max(0, self.low - _HOUR), "low_text": max(0, self.low - _HOUR), "high_text": self.high + _HOUR,
            "sample": SAMPLE,
        } | more  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sums:
    """A mean over answers whose users are the units, as sums of what each user has (s of n)."""

    users: int
    s: float
    n: float
    ss: float
    sn: float
    nn: float

    @property
    def mean(self) -> float:
        """s by n."""
        return self.s / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """Of that mean, linearised, with a user's answers taken together."""
        if self.users < 2 or not self.n:
            return 0.0
        spread = self.ss - 2 * self.mean * self.sn + self.mean**2 * self.nn
        return max(0.0, spread) / self.n**2 * self.users / (self.users - 1)


def drawn_of(warehouse: Warehouse, sides: Sides) -> Sides:
    """The same sides, with no more users on them than can be looked at."""
    low, high = (
        drawn.share(warehouse, f"exchanges WHERE {WINDOW} AND {_ANSWER}", {**sides.bound(), "low": low, "high": high})
        for low, high in ((sides.low, sides.before), (sides.after, sides.high))
    )
    return replace(sides, shares=(low, high))


def scores(warehouse: Warehouse, sides: Sides) -> dict[tuple[str, str], dict[int, Sums]]:
    """{(name, rung): {side: sums}} of every score. Of calls that failed, and of what guards withheld, scores are none:
    as for monitors (`act/monitors/columns.py`)."""
    return _summed(warehouse.ask(_SCORES, sides.bound()), "name", "rung")


def plain(warehouse: Warehouse, sides: Sides) -> dict[tuple[str], dict[int, Sums]]:
    """{(measure): {side: sums}} of latency, tokens, cost, errors, lengths."""
    return _summed(warehouse.ask(_PLAIN, sides.bound()), "name")


def scores_beside(
    warehouse: Warehouse, sides: Sides, releases: Sequence[str]
) -> dict[tuple[str, str, str], dict[int, Sums]]:
    """{(name, rung, release): {side: sums}} of the scores of these releases."""
    return _summed(warehouse.ask(_SCORES_BESIDE, sides.bound(releases=list(releases))), "name", "rung", "arm")


def plain_beside(warehouse: Warehouse, sides: Sides, releases: Sequence[str]) -> dict[tuple[str, str], dict[int, Sums]]:
    """{(measure, release): {side: sums}} of the facts of these releases."""
    return _summed(warehouse.ask(_PLAIN_BESIDE, sides.bound(releases=list(releases))), "name", "arm")


def signals(warehouse: Warehouse, sides: Sides) -> dict[tuple[str, str], dict[int, Sums]]:
    """{(name, "value" | "count"): {side: sums}}: what signals say, and how many come (n: the answers of that side)."""
    return _summed(warehouse.ask(_SIGNALS, sides.bound()), "name", "what")


def answers(warehouse: Warehouse, sides: Sides) -> dict[int, dict[str, Any]]:
    """Of each side: how many answers, and how often which model was asked and which one answered."""
    found = {}
    for row in warehouse.ask(_ANSWERS, sides.bound()):
        pairs = {tuple(names.split("\n", 1)): int(n) for names, n in row["models"].items()}
        found[int(row["side"])] = {**row, "models": pairs}
    return found


def scorers(warehouse: Warehouse, sides: Sides) -> list[dict[str, Any]]:
    """Which scorer made the scores of a name, and since when."""
    return warehouse.ask(_SCORERS, sides.bound())


def sample(warehouse: Warehouse, sides: Sides) -> list[dict[str, Any]]:
    """Answers of both sides with the beginnings of their texts."""
    return warehouse.ask(_SAMPLE, sides.bound())


def values(warehouse: Warehouse, sides: Sides, names: Sequence[str]) -> list[dict[str, Any]]:
    """Scores and signals of these names about the answers of the sample."""
    return warehouse.ask(_VALUES, sides.bound(names=list(names)))


def documents(warehouse: Warehouse, sides: Sides) -> list[dict[str, Any]]:
    """What was retrieved for the answers of the sample: their texts, as numbers, and the dates that they carry."""
    return warehouse.ask(_DOCUMENTS, sides.bound())


def opinions(warehouse: Warehouse, sides: Sides, names: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Of each side: how many opinions, of how many people, and how many from the busiest tenth of them."""
    return {int(row["side"]): row for row in warehouse.ask(_OPINIONS, sides.bound(names=list(names)))}


def comments(warehouse: Warehouse, sides: Sides) -> list[dict[str, Any]]:
    """What people wrote, and how many wrote the same."""
    return warehouse.ask(_COMMENTS, sides.bound())


def _summed(rows: Sequence[Mapping[str, Any]], *names: str) -> dict[Any, dict[int, Sums]]:
    found: dict[Any, dict[int, Sums]] = {}
    for row in rows:
        sums = Sums(int(row["users"]), *(float(row[name] or 0.0) for name in ("s", "n", "ss", "sn", "nn")))
        found.setdefault(tuple(str(row[name]) for name in names), {})[int(row["side"])] = sums
    return found


_UNIT: Final = "if(user_id != '', user_id, if(session_id != '', session_id, hex(trace_id)))"
#: On which side something stands by its time alone; and as its user is, or is not, looked at.
_WHEN: Final = f"multiIf(at < {moment('before')}, 0, at >= {moment('after')}, 1, 2)"
_PART: Final = f"if(at < {moment('before')}, {{share_before:Float64}}, {{share_since:Float64}})"
_SIDE: Final = f"if({drawn.within(_UNIT, _PART)}, {_WHEN}, 2)"
_TOTALS: Final = (
    "count() AS users, sum(us) AS s, sum(un) AS n, sum(us * us) AS ss, sum(us * un) AS sn, sum(un * un) AS nn"
)
_ANSWERED: Final = f"status != 'error' AND NOT has(tags, '{BLOCKED}')"
_OWN: Final = f"""
    SELECT trace_id, any({_UNIT}) AS unit, any({_SIDE}) AS side FROM exchanges FINAL
    WHERE {WINDOW} AND {_ANSWER} AND {_ANSWERED} GROUP BY trace_id HAVING side < 2
"""  # noqa: S608
_DRAWN: Final = f"""
    SELECT trace_id, answered FROM (
        SELECT trace_id, any({_SIDE}) AS side, max({_ANSWERED}) AS answered
        FROM exchanges FINAL WHERE {WINDOW} AND {_ANSWER}
        GROUP BY trace_id HAVING side < 2 ORDER BY sipHash64(trace_id) LIMIT {{sample:UInt64}} BY side
    )
"""  # noqa: S608

_RELEASES: Final = "has({releases:Array(String)}, release)"


def _scored(own: str, names: str) -> str:
    """Of the scores of these answers the sums by side and these names."""
    return f"""
    WITH own AS ({own}),
        said AS (
            SELECT trace_id, name, rung, value FROM scores
            WHERE {SAID_WINDOW} AND value IS NOT NULL AND trace_id IN (SELECT trace_id FROM own) LIMIT 1 BY id
        ),
        each AS (
            SELECT side, {names}, unit, sum(value) AS us, count() AS un
            FROM said INNER JOIN own ON said.trace_id = own.trace_id GROUP BY side, {names}, unit
        )
    SELECT side, {names}, {_TOTALS} FROM each GROUP BY side, {names}
    """  # noqa: S608


_OWN_BESIDE: Final = f"""
    SELECT trace_id, any({_UNIT}) AS unit, any({_SIDE}) AS side, any(release) AS arm FROM exchanges FINAL
    WHERE {WINDOW} AND {_ANSWER} AND {_ANSWERED} AND {_RELEASES} GROUP BY trace_id HAVING side < 2
"""  # noqa: S608
_SCORES: Final = _scored(_OWN, "name, rung")
_SCORES_BESIDE: Final = _scored(_OWN_BESIDE, "name, rung, arm")

_FACTS: Final = (
    ("mean(latency_ms)", "latency_ms"), ("mean(ttft_ms)", "ttft_ms"), ("mean(cost)", "cost"),
    ("mean(output_tokens)", "output_tokens"), ("mean(input_tokens)", "input_tokens"),
    ("share(status=error)", "status = 'error'"), ("share(cut off)", "finish_reason IN ('length', 'max_tokens')"),
)  # fmt: skip
_PAIRS: Final = ", ".join(f"('{name}', CAST({column} AS Nullable(Float64)))" for name, column in _FACTS)


def _facts(which: str, names: str) -> str:
    """Of the facts of these answers the sums by side and these names."""
    return f"""
    WITH told AS (
            SELECT {_SIDE} AS side, {_UNIT} AS unit, release AS arm, arrayJoin([{_PAIRS}]) AS fact
            FROM exchanges FINAL WHERE {WINDOW} AND {_ANSWER} AND {which} AND side < 2
        ),
        each AS (
            SELECT side, fact.1 AS name, {names} unit, sum(fact.2) AS us, count() AS un
            FROM told WHERE fact.2 IS NOT NULL GROUP BY side, name, {names} unit
        )
    SELECT side, {names} name, {_TOTALS} FROM each GROUP BY side, {names} name
    """  # noqa: S608


_PLAIN: Final = _facts("true", "")
_PLAIN_BESIDE: Final = _facts(_RELEASES, "arm,")

_SAID: Final = f"""
    said AS (
        SELECT name, value, comment, {_UNIT} AS unit, {_SIDE} AS side FROM signals
        WHERE {WINDOW} AND side < 2 LIMIT 1 BY row_key
    )"""  # noqa: S608
_SIGNALS: Final = f"""
WITH {_SAID},
    given AS (SELECT side, name, unit, sum(value) AS total, countIf(value IS NOT NULL) AS valued, count() AS n
        FROM said GROUP BY side, name, unit),
    each AS (
        SELECT side, name, 'value' AS what, ifNull(total, 0.) AS us, toFloat64(valued) AS un FROM given WHERE valued > 0
        UNION ALL
        SELECT side, name, 'count' AS what, toFloat64(n) AS us, 0. AS un FROM given
    )
SELECT side, name, what, {_TOTALS} FROM each GROUP BY side, name, what
"""  # noqa: S608

_ANSWERS: Final = f"""
SELECT {_SIDE} AS side, count() AS n, uniq({_UNIT}) AS users, toUnixTimestamp64Micro(min(at)) AS first,
    sumMap(map(concat(requested_model, '\\n', model), toUInt64(1))) AS models
FROM exchanges FINAL WHERE {WINDOW} AND {_ANSWER} AND side < 2 GROUP BY side
"""  # noqa: S608

_SCORERS: Final = f"""
SELECT name, rung, scorer, toUnixTimestamp64Micro(min(at)) AS first, toUnixTimestamp64Micro(max(at)) AS last,
    count() AS n
FROM scores WHERE {SAID_WINDOW} AND at < {moment("high")} AND scorer != '' GROUP BY name, rung, scorer
ORDER BY name, first
"""  # noqa: S608

_SAMPLE: Final = f"""
WITH drawn AS ({_DRAWN})
SELECT {_SIDE} AS side, hex(trace_id) AS trace, {_UNIT} AS unit, release, input_start AS input, output_start AS output,
    input_chars, output_chars
FROM exchanges FINAL WHERE {WINDOW} AND {_ANSWER} AND side < 2 AND trace_id IN (SELECT trace_id FROM drawn)
ORDER BY sipHash64(trace_id) LIMIT {{sample:UInt64}} BY side
"""  # noqa: S608

_VALUES: Final = f"""
WITH drawn AS ({_DRAWN})
SELECT hex(trace_id) AS trace, name, avg(value) AS mean FROM scores
WHERE {SAID_WINDOW} AND value IS NOT NULL AND name IN {{names:Array(String)}}
    AND trace_id IN (SELECT trace_id FROM drawn WHERE answered)
GROUP BY trace, name
UNION ALL
SELECT hex(trace_id) AS trace, name, avg(value) AS mean FROM signals
WHERE {SAID_WINDOW} AND at < {moment("high")} AND value IS NOT NULL AND name IN {{names:Array(String)}}
    AND trace_id IN (SELECT trace_id FROM drawn)
GROUP BY trace, name
"""  # noqa: S608

#: Of the attributes of documents, only what may hold a date: never their texts, which are full of them.
_ABOUT: Final = (
    "mapFilter((k, v) -> match(k, 'document.*(metadata|updated|modified|version|created|date)'), attributes)"
)
_DATE: Final = "[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]"
_DOCUMENTS: Final = f"""
WITH drawn AS ({_DRAWN})
SELECT hex(trace_id) AS trace, any({_WHEN}) AS side,
    groupUniqArrayArray(arrayMap(d -> sipHash64(JSONExtractString(d, 'text')), JSONExtractArrayRaw(documents)))
        AS texts,
    groupArrayArray(extractAll(arrayStringConcat(mapValues({_ABOUT}), ' '), '{_DATE}')) AS dates
FROM spans WHERE {TEXT_WINDOW} AND documents != '' AND trace_id IN (SELECT trace_id FROM drawn) GROUP BY trace_id
"""  # noqa: S608

_OPINIONS: Final = f"""
WITH {_SAID},
    givers AS (
        SELECT side, unit, count() AS given FROM said WHERE name IN {{names:Array(String)}} GROUP BY side, unit
    ),
    ranked AS (
        SELECT side, groupArray(given) AS counts FROM (SELECT side, given FROM givers ORDER BY given DESC) GROUP BY side
    )
SELECT side, arraySum(counts) AS n, length(counts) AS people,
    arraySum(arraySlice(counts, 1, greatest(1, intDiv(length(counts), 10)))) AS busiest
FROM ranked
"""  # noqa: S608

_COMMENTS: Final = f"""
WITH {_SAID}
SELECT side, lower(trim(BOTH ' ' FROM comment)) AS words, count() AS n FROM said WHERE comment != ''
GROUP BY side, words ORDER BY n DESC LIMIT 500 BY side
"""  # noqa: S608
