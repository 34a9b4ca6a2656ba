"""Where the rows of a measure come from: exchanges, exchanges with attributes, or what was said about exchanges.

Each relation has the columns of `exchanges`, `a0`, `a1` … for attributes, `value` and `label` for scores and signals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from homeostat.store.warehouse.questions.bound import SAID_WINDOW, TEXT_WINDOW, WINDOW, Bound, moment
from homeostat.store.warehouse.questions.fields import ANSWER
from homeostat.store.warehouse.questions.measures.question import Kind
from homeostat.store.warehouse.questions.related import (
    NEWEST,
    NO_SPAN,
    NO_TRACE,
    NOT_OURS,
    indirect,
    lone,
    parts,
    scored_as,
)

#: The columns of `exchanges` that a question may look at.
COLUMNS: Final = (
    "project, at, trace_id, span_id, row_key, trace_key, is_answer, is_call, answer_from, settles, members, elsewhere, "
    "input_row, output_row, input_start, output_start, input_chars, output_chars, name, op, model, "
    "requested_model, provider, response_id, user_id, session_id, release, environment, prompt_name, "
    "prompt_version, latency_ms, ttft_ms, streaming, finish_reason, input_tokens, output_tokens, cached_tokens, "
    "cache_write_tokens, reasoning_tokens, cost, estimated, calls, status, error, tags, tools, flags"
)
KIND: Final[dict[Kind, str]] = {"answer": ANSWER, "call": "is_call", "all": f"({ANSWER} OR is_call)"}


@dataclass(frozen=True, slots=True)
class Said:
    """A score or signal of this name."""

    family: Literal["score", "signal"]
    name: str
    ours: bool = False
    """Every score of it is our own: it names the exchange that it judged, and stands at its time."""


def exchanges(where: str) -> str:
    """Exchanges as they are now."""
    return f"(SELECT {COLUMNS} FROM exchanges FINAL WHERE {where})"  # noqa: S608


def with_attributes(relation: str, keys: tuple[str, ...], bound: Bound) -> str:
    """The relation with the values of its own spans' attributes, empty where there is none."""
    if not keys:
        return relation
    names = [bound.add(key, "String") for key in keys]
    maps = ("attributes", "attributes_json", "resource")
    values = ", ".join(
        f"multiIf({', '.join(f'mapContains({column}, {key}), {column}[{key}]' for column in maps)}, '') AS a{i}"
        for i, key in enumerate(names)
    )
    has = " OR ".join(f"mapContains({column}, {key})" for key in names for column in maps)
    spans = f"SELECT row_key, {values} FROM spans WHERE {TEXT_WINDOW} AND ({has})"  # noqa: S608
    return f"(SELECT * FROM {relation} AS e ANY LEFT JOIN ({spans}) AS own USING (row_key))"  # noqa: S608


def said(what: Said, bound: Bound, some: str = "true", kind: Kind = "answer") -> str:
    """What was said, each time with the exchange of this kind that it is about. `some`: of scores, only those of these
    exchanges."""
    if what.family == "score":
        named = scored_as(what.name, bound)
        return _ours(named, some) if what.ours else _covered(_scores(named, some), some)
    return _signals(bound.add(what.name, "String"), KIND[kind])


def _members(within: str, some: str = "true") -> str:
    """Exchanges once for each id that means them: own span, merged spans, and for an answer its whole trace."""
    ids = f"arrayDistinct(arrayConcat([span_id], members, if(is_answer, [{NO_SPAN}], [])))"
    return (
        f"SELECT {COLUMNS}, arrayJoin({ids}) AS told FROM exchanges FINAL "  # noqa: S608
        f"WHERE {WINDOW} AND {some} AND trace_id IN ({within})"
    )


def _covered(scores: str, some: str) -> str:
    """Every exchange, with its score or without: what is not scored is counted, and enters no mean."""
    return (
        f"(SELECT {COLUMNS}, value, label FROM (SELECT {COLUMNS} FROM exchanges FINAL WHERE {WINDOW} AND {some}) AS x "  # noqa: S608
        f"LEFT ANY JOIN (SELECT trace_id, span_id, value, label FROM {scores}) AS y USING (trace_id, span_id))"
    )


def others_score(what: Said, bound: Bound) -> str:
    """Whether somebody else scores, too: a question with one row, if so."""
    return f"SELECT 1 AS one FROM scores WHERE {SAID_WINDOW} AND {scored_as(what.name, bound)} AND {NOT_OURS} LIMIT 1"  # noqa: S608


def _ours(named: str, some: str) -> str:
    """Every exchange with our own score of it: by its id, else by that of a span that it was merged with."""
    near = f"project = {{project:String}} AND at >= {moment('low_said')} AND at < {moment('high_near')} AND {named}"
    best = f"argMax(value, {NEWEST}) AS value, argMax(label, {NEWEST}) AS label"
    several = (
        f"SELECT trace_id, span_id, arrayJoin(members) AS told FROM exchanges FINAL WHERE {WINDOW} AND {some} "  # noqa: S608
        "AND length(members) > 1"
    )

    def scores(id_: str, more: str) -> str:
        rows = f"SELECT * FROM scores WHERE {near} AND {more}"  # noqa: S608
        return f"SELECT trace_id, span_id AS {id_}, {best} FROM ({rows}) GROUP BY trace_id, span_id"  # noqa: S608

    own = "trace_id, span_id, value AS own_value, label AS own_label, true AS judged"
    among = f"trace_id IN (SELECT trace_id FROM ({several}))"  # noqa: S608
    lent = (
        f"SELECT trace_id, span_id, value AS lent_value, label AS lent_label FROM ({several}) AS m "  # noqa: S608
        f"INNER JOIN ({scores('told', among)}) AS t USING (trace_id, told)"
    )
    return (
        f"(SELECT {COLUMNS}, if(judged, own_value, lent_value) AS value, if(judged, own_label, lent_label) AS label "  # noqa: S608
        f"FROM (SELECT {COLUMNS} FROM exchanges FINAL WHERE {WINDOW} AND {some}) AS x "
        f"LEFT ANY JOIN (SELECT {own} FROM ({scores('span_id', 'true')})) AS y USING (trace_id, span_id) "
        f"LEFT ANY JOIN ({lent}) AS z USING (trace_id, span_id))"
    )


def _scores(named: str, some: str) -> str:
    """One score of a name counts for an exchange: the costliest rung, then the newest; its own before its trace's,
    that of a part of it, and its session's."""
    mine = f"{SAID_WINDOW} AND {named}"
    # What was said later about what lies after the window is not looked at.
    window = f"SELECT trace_id FROM exchanges WHERE {WINDOW} AND {some}"  # noqa: S608
    here = f"{mine} AND trace_id != {NO_TRACE} AND trace_id IN ({window})"
    best = f"argMax(value, {NEWEST}) AS value, argMax(label, {NEWEST}) AS label"
    scores = (
        f"SELECT trace_id, span_id AS told, {best} FROM (SELECT * FROM scores WHERE {here}) GROUP BY trace_id, span_id"  # noqa: S608
    )
    members = _members(f"SELECT trace_id FROM scores WHERE {here}", some)  # noqa: S608
    arms = [
        f"SELECT trace_id, span_id, value, label, toUInt8(told = {NO_SPAN}) AS far FROM ({members}) AS e "  # noqa: S608
        f"INNER JOIN ({scores}) AS s USING (trace_id, told)"
    ]
    fields = ("value", "label", "rung")
    arms += [
        f"SELECT trace_id, span_id, {best}, toUInt8({far}) AS far FROM (SELECT trace_id, span_id, value, label, rung, "  # noqa: S608
        f"said_at AS at FROM ({arm})) GROUP BY trace_id, span_id"
        for far, place in ((2, parts), (3, lone))
        for arm in place("scores", mine, fields=fields)
    ]
    every = " UNION ALL ".join(arms)
    return f"(SELECT * FROM ({every}) ORDER BY far LIMIT 1 BY trace_id, span_id)"  # noqa: S608


def _signals(name: str, kind: str) -> str:
    """Every signal counts once, for the exchange it names, else for the answer that it belongs to (see `indirect`)."""
    mine = f"{SAID_WINDOW} AND name = {name}"
    fields = "row_key AS said_key, at AS said_at, value, label"
    about = f"SELECT trace_id, span_id AS told, {fields} FROM signals WHERE {mine} AND trace_id != {NO_TRACE}"  # noqa: S608
    members = _members(f"SELECT trace_id FROM signals WHERE {mine} AND trace_id != {NO_TRACE}")  # noqa: S608
    arms = [
        f"SELECT {COLUMNS}, said_key, value, label, false AS far FROM ({members}) AS e "  # noqa: S608
        f"INNER JOIN ({about}) AS s USING (trace_id, told)"
    ]
    arms += [
        f"SELECT {COLUMNS}, said_key, value, label, true AS far FROM ({arm})"  # noqa: S608
        for arm in indirect("signals", mine, COLUMNS)
    ]
    every = " UNION ALL ".join(arms)
    return f"(SELECT * FROM ({every}) WHERE {kind} ORDER BY far, at, span_id LIMIT 1 BY said_key)"  # noqa: S608
