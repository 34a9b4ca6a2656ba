"""Measures of what was said about exchanges, and of attributes: each counts once, where it belongs."""

from __future__ import annotations

import random
import secrets
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import said
from homeostat.store.warehouse.questions.exchanges import Ask
from homeostat.store.warehouse.questions.exchanges import page as exchanges_of
from homeostat.store.warehouse.questions.filters import parse
from homeostat.store.warehouse.questions.measures import Question, ask, grammar
from homeostat.store.warehouse.questions.measures.question import Kind
from homeostat.store.warehouse.questions.measures.sources import COLUMNS
from tests.store.warehouse.questions.measures import made

HOUR = timedelta(hours=1)
NOTHING = bytes(8)


@pytest.fixture
def answers(warehouse: Warehouse, project: str) -> list[dict[str, Any]]:
    """Three answers, an hour apart; the second one's trace holds a call too."""
    dice = random.Random(1)
    rows = []
    for i, (user, session) in enumerate((("u1", "s1"), ("u1", "s1"), ("u2", ""))):
        at = made.START + i * HOUR
        rows.append(
            made.exchange(
                project, dice, at=at, answer_from=at, settles=at, received=at, is_answer=True, is_call=False,
                user_id=user, session_id=session, model=f"m{i}",
            )
        )  # fmt: skip
    at = rows[1]["at"] + timedelta(seconds=1)
    rows.append(
        {
            **rows[1],
            "span_id": b"12345678",
            "members": [b"12345678", b"merged__"],
            "at": at,
            "is_answer": False,
            "is_call": True,
        }
    )
    made.put(warehouse, rows)
    return rows


def say(warehouse: Warehouse, table: str, project: str, **fields: Any) -> None:
    row = {
        "project": project,
        "at": made.START + 6 * HOUR,
        "id": secrets.token_hex(4),
        "row_key": secrets.randbits(60),
        **fields,
    }
    warehouse.jobs.insert(table, [list(row.values())], column_names=list(row))


def measure(
    warehouse: Warehouse,
    project: str,
    text: str,
    by: str = "",
    kind: Kind = "answer",
    end: datetime | None = None,
    filters: Sequence[tuple[str, str]] = (),
) -> Any:
    until = micros(end or made.START + timedelta(days=1))
    question = Question(
        project,
        grammar.parse([text]),
        micros(made.START),
        until,
        made.NOW,
        (by,) if by else (),
        kind=kind,
        filters=parse(filters),
    )
    points = ask(warehouse, question, list)
    return {point[by]: (point["value"], point["n"]) for point in points} if by else (points[0]["value"], points[0]["n"])


def test_scores(warehouse: Warehouse, project: str, answers: list[dict[str, Any]]) -> None:
    first, second, _, call = answers
    say(
        warehouse,
        "scores",
        project,
        name="good",
        value=0.2,
        trace_id=first["trace_id"],
        span_id=first["span_id"],
        rung="engine",
    )
    # A human corrects the engine: one score of a name counts for an exchange.
    say(
        warehouse,
        "scores",
        project,
        name="good",
        value=0.8,
        trace_id=first["trace_id"],
        span_id=first["span_id"],
        rung="human",
    )
    say(warehouse, "scores", project, name="good", value=0.4, trace_id=second["trace_id"], span_id=NOTHING)
    say(warehouse, "scores", project, name="good", value=1.0, trace_id=call["trace_id"], span_id=b"merged__")
    say(warehouse, "scores", project, name="other", value=9.0, trace_id=first["trace_id"], span_id=NOTHING)
    means = measure(warehouse, project, "mean(score.good)", "model")
    assert means == {"m0": (0.8, 1), "m1": (0.4, 1), "m2": (None, 0)}, "what nobody scored is shown, and has no mean"
    assert measure(warehouse, project, "mean(score.good)", kind="call") == (1.0, 1)
    assert measure(warehouse, project, "share(score.good<0.5)") == (0.5, 2)
    assert measure(warehouse, project, "max(score.good)", kind="all") == (1.0, 3)
    assert measure(warehouse, project, "mean(score.never)") == (None, 0)


def test_what_is_not_scored_counts_in_coverage_and_nowhere_else(
    warehouse: Warehouse, project: str, answers: list[dict[str, Any]]
) -> None:
    first, second, third, _ = answers
    ids = [{"trace_id": one["trace_id"], "span_id": one["span_id"]} for one in (first, second, third)]
    say(warehouse, "scores", project, name="good", value=0.25, label="bad", scorer="good@1", rung="model", **ids[0])
    say(warehouse, "scores", project, name="good", value=0.75, label="good", scorer="good@1", rung="model", **ids[1])
    # A judge that could not say takes nothing from what a model said; where nobody said anything, nothing is made up.
    for about in (ids[1], ids[2]):
        say(
            warehouse, "scores", project, name="good", value=None, label="unscored", scorer="good@2", rung="judge",
            **about,
        )  # fmt: skip
    assert measure(warehouse, project, "mean(score.good)") == (0.5, 2)
    assert measure(warehouse, project, "share(score.good=good)") == (0.5, 2)
    assert measure(warehouse, project, "coverage(score.good)") == (2 / 3, 3)
    assert measure(warehouse, project, "coverage(score.good)", "model") == {"m0": (1, 1), "m1": (1, 1), "m2": (0, 1)}
    assert measure(warehouse, project, "coverage(score.never)") == (0, 3)
    asked = Question(project, grammar.parse(["mean(score.good),share(score.good<0.5),count"]), micros(made.START),
                     micros(made.START + timedelta(days=1)), made.NOW)  # fmt: skip
    assert [point.get("coverage") for point in ask(warehouse, asked, list)] == [2 / 3, 2 / 3, None]


def test_a_score_may_be_a_label_only(warehouse: Warehouse, project: str, answers: list[dict[str, Any]]) -> None:
    ids = [{"trace_id": one["trace_id"], "span_id": one["span_id"]} for one in answers[:2]]
    say(warehouse, "scores", project, name="tone", value=None, label="poor", rung="human", **ids[0])
    say(warehouse, "scores", project, name="tone", value=0.9, label="fine", rung="human", **ids[1])
    assert measure(warehouse, project, "coverage(score.tone)") == (2 / 3, 3)
    assert measure(warehouse, project, "share(score.tone=poor)") == (0.5, 2)
    assert measure(warehouse, project, "share(score.tone>0.5)") == (1.0, 1), "a label is neither large nor small"
    assert measure(warehouse, project, "mean(score.tone)") == (0.9, 1)


def test_one_rung_or_one_version_of_a_score(warehouse: Warehouse, project: str, answers: list[dict[str, Any]]) -> None:
    about = {"trace_id": answers[0]["trace_id"], "span_id": answers[0]["span_id"]}
    for value, version, rung in ((0.1, 1, "model"), (0.3, 2, "model"), (0.9, 3, "judge")):
        say(warehouse, "scores", project, name="good", value=value, scorer=f"good@{version}", rung=rung, **about)
    for name, value in (("good", 0.9), ("good@judge", 0.9), ("good@1", 0.1), ("good@2", 0.3), ("good@human", None)):
        assert measure(warehouse, project, f"mean(score.{name})")[0] == value, name
    assert measure(warehouse, project, "count", filters=[("score.good@1.lt", "0.2")])[0] == 1
    assert measure(warehouse, project, "count", filters=[("score.good@judge.lt", "0.2")])[0] == 0


def test_our_own_scores_are_found_by_the_exchange_or_by_a_span_merged_into_it(
    warehouse: Warehouse, project: str, answers: list[dict[str, Any]]
) -> None:
    first, second, _, call = answers

    def judged(row: dict[str, Any], value: float | None, rung: str = "model", **more: Any) -> None:
        ids = {"trace_id": row["trace_id"], "span_id": row["span_id"], "at": row["at"]} | more
        say(warehouse, "scores", project, name="good", value=value, label="any", rung=rung, source="homeostat", **ids)

    judged(first, 0.2)
    judged(first, 0.6, rung="judge")
    judged(second, None)
    judged(call, 0.9, span_id=b"merged__")
    expected = {"m0": (0.6, 1), "m1": (None, 0), "m2": (None, 0)}
    for _ in range(2):
        assert measure(warehouse, project, "mean(score.good)", "model") == expected
        assert measure(warehouse, project, "mean(score.good)", kind="call") == (0.9, 1)
        assert measure(warehouse, project, "coverage(score.good)", kind="all")[1] == 4
        # Somebody else scores, too, about nobody here: everything is looked at then, and says the same.
        say(warehouse, "scores", project, name="good", value=0.1, session_id="nobody's")


def test_an_interval_lies_where_values_can(warehouse: Warehouse, project: str, answers: list[dict[str, Any]]) -> None:
    for one, value in zip(answers[:2], (0.05, 0.9), strict=True):
        say(warehouse, "scores", project, name="good", value=value, trace_id=one["trace_id"], span_id=one["span_id"])
        made.put(warehouse, [{**one, "latency_ms": 1000 * value, "version": 2}])
    made.put(warehouse, [{**answers[2], "latency_ms": None, "version": 2}])
    whole = Question(project, grammar.parse(["mean(score.good),sum(score.good),mean(latency)"]), micros(made.START),
                     micros(made.START + timedelta(days=1)), made.NOW)  # fmt: skip
    ends = [(point["low"], point["high"]) for point in ask(warehouse, whole, list)]
    assert ends[:2] == [(0.0, 1.0), (0.0, 2.0)]
    assert ends[2][0] == 0.0
    assert ends[2][1] > 1000, "how long it may take has no end"


def test_signals(warehouse: Warehouse, project: str, answers: list[dict[str, Any]]) -> None:
    first, second, third, _ = answers
    say(warehouse, "signals", project, name="thumbs", value=-1.0, trace_id=first["trace_id"], span_id=first["span_id"])
    say(warehouse, "signals", project, name="thumbs", value=1.0, trace_id=second["trace_id"], span_id=NOTHING)
    # About a session: the last answer before it. About a user: the last one of that day.
    say(warehouse, "signals", project, name="thumbs", value=1.0, session_id="s1")
    say(warehouse, "signals", project, name="thumbs", value=-1.0, user_id="u2")
    say(warehouse, "signals", project, name="thumbs", value=-1.0, user_id="u2", at=made.START + timedelta(days=3))
    assert measure(warehouse, project, "share(signal.thumbs=-1)", "model") == {
        "m0": (1.0, 1),
        "m1": (0.0, 2),
        "m2": (1.0, 1),
    }
    assert measure(warehouse, project, "share(signal.thumbs=-1)") == (0.5, 4)
    # The session's last answer lies after this window, so its signal is not this window's.
    assert measure(warehouse, project, "share(signal.thumbs=-1)", end=second["at"]) == (1.0, 1)
    assert third["user_id"] == "u2"
    # A filter finds the answers that the measure counts, and no other.
    for value, models in (("-1", {"m0", "m2"}), ("1", {"m1"})):
        found = measure(warehouse, project, "count", "model", filters=[("signal.thumbs", value)])
        assert set(found) == models, value


def test_what_names_a_part_of_an_answer_belongs_to_the_answer(
    warehouse: Warehouse, project: str, answers: list[dict[str, Any]]
) -> None:
    first, second, third, call = answers
    gateways = secrets.token_bytes(24)
    made.put(warehouse, [{**third, "elsewhere": [gateways], "version": third["version"] + 1}])
    about = (
        (first["trace_id"], b"handler_"),  # a span of its trace that is no exchange
        (second["trace_id"], call["span_id"]),  # a call below it
        (second["trace_id"], b"merged__"),  # a span that tells that call, too
        (gateways[:16], gateways[16:]),  # the gateway's span of the same call, merged into this trace
        (gateways[:16], b"anything"),  # nobody knows it
    )
    for trace, span in about:
        say(warehouse, "signals", project, name="thumbs", value=-1.0, trace_id=trace, span_id=span)
        say(warehouse, "scores", project, name="good", value=0.25, trace_id=trace, span_id=span)
    assert measure(warehouse, project, "count(signal.thumbs=-1)", "model") == {"m0": (1, 1), "m1": (2, 2), "m2": (1, 1)}
    assert measure(warehouse, project, "count(signal.thumbs=-1)", kind="call") == (2, 2)
    assert measure(warehouse, project, "count(signal.thumbs=-1)", kind="all") == (4, 4), "each counts once"
    for filters in ([("signal.thumbs", "-1")], [("score.good.lt", "0.5")]):
        found = measure(warehouse, project, "count", "model", filters=filters)
        assert found == {"m0": (1, 1), "m1": (1, 1), "m2": (1, 1)}, filters
    assert measure(warehouse, project, "coverage(score.good)") == (1.0, 3)
    # What names it, or its trace, comes first.
    say(warehouse, "scores", project, name="good", value=1.0, trace_id=second["trace_id"], span_id=NOTHING)
    assert measure(warehouse, project, "mean(score.good)", "model") == {
        "m0": (0.25, 1),
        "m1": (1.0, 1),
        "m2": (0.25, 1),
    }
    page = exchanges_of(warehouse, Ask(project, made.NOW)).items
    told = {one.model: (len(signals), scores["good"]["value"]) for one, signals, scores in zip(
        page, said.signals(warehouse, project, made.NOW, page), said.scores(warehouse, project, made.NOW, page),
        strict=True,
    )}  # fmt: skip
    assert told == {"m0": (1, 0.25), "m1": (2, 1.0), "m2": (1, 0.25)}


def test_attributes(warehouse: Warehouse, project: str, answers: list[dict[str, Any]]) -> None:
    columns = ["project", "at", "trace_id", "span_id", "row_key", "attributes", "attributes_json"]
    rows = []
    for i, row in enumerate(answers[:3]):
        text, other = ({"tenant": f"t{i % 2}"}, {"size": ["10", "20", "null"][i]})
        rows.append([project, row["at"], row["trace_id"], row["span_id"], row["row_key"], text, other])
    warehouse.jobs.insert("spans", rows, column_names=columns)
    assert measure(warehouse, project, "count", "attribute.tenant") == {"t0": (2, 2), "t1": (1, 1)}
    assert measure(warehouse, project, "sum(attribute.size)") == (30.0, 2)
    assert measure(warehouse, project, "p50(attribute.size)", "attribute.tenant")["t0"] == (pytest.approx(10.0), 1)
    assert measure(warehouse, project, "share(attribute.tenant=t1)")[0] == pytest.approx(1 / 3)
    assert measure(warehouse, project, "mean(attribute.nothing)") == (None, 0)


def test_both_kinds_count_tokens_once(warehouse: Warehouse, project: str) -> None:
    at = made.START
    trace, dice = secrets.token_bytes(16), random.Random(3)
    shared = {
        "at": at,
        "answer_from": at,
        "settles": at,
        "received": at,
        "trace_id": trace,
        "input_tokens": 100,
        "output_tokens": 10,
    }
    answer = made.exchange(project, dice, **shared, is_answer=True, is_call=False)
    call = made.exchange(project, dice, **shared, is_answer=False, is_call=True)
    made.put(warehouse, [answer, call])
    for kind, n in (("answer", 1), ("call", 1), ("all", 2)):
        assert measure(warehouse, project, "sum(tokens)", kind=kind)[0] == 110
        assert measure(warehouse, project, "count", kind=kind)[0] == n


def test_columns_are_those_of_the_table(warehouse: Warehouse) -> None:
    table = {row["name"] for row in warehouse.ask("SELECT name FROM system.columns WHERE table = 'exchanges'")}
    assert set(COLUMNS.split(", ")) < table


@pytest.mark.parametrize("kind", ["answer", "all"])
def test_scores_looked_at_in_pieces_are_the_same(
    warehouse: Warehouse, project: str, answers: list[dict[str, Any]], kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of millions of exchanges: every piece has its own scores, and what they add up to is what the whole says."""
    first, second, third, call = answers
    for value, row in ((0.2, first), (0.4, second), (0.9, third), (0.6, call)):
        ids = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
        say(warehouse, "scores", project, name="good", value=value, rung="model", **ids)
        say(
            warehouse,
            "scores",
            project,
            name="good",
            value=0.5,
            rung="model",
            trace_id=row["trace_id"],
            span_id=NOTHING,
        )
    say(warehouse, "scores", project, name="good", value=0.1, rung="human", session_id="s1")
    asked = ("mean(score.good)", "p90(score.good)", "min(score.good)", "share(score.good<0.5)", "coverage(score.good)")
    question = Question(
        project, grammar.parse(asked), micros(made.START), micros(made.START + timedelta(days=1)), made.NOW,
        by=("model",), kind=kind,
    )  # fmt: skip
    whole = ask(warehouse, question, None)
    assert any(point["value"] for point in whole)
    monkeypatch.setattr(sys.modules[ask.__module__], "_JOINED", 1)
    assert ask(warehouse, question, None) == whole
