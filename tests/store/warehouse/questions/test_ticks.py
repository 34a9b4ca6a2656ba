"""Sums for detectors: by minute and unit, each exchange where it belongs, whatever is asked about it."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Final

import pytest

from homeostat.act.monitors.columns import source
from homeostat.records.instant import micros
from homeostat.store.warehouse.questions import ticks
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.store.warehouse.questions.ticks import MINUTE, STEPS, Piece
from tests.builders import (
    NOON,
    ZERO_SPAN,
    ZERO_TRACE,
    exchange_row,
    new_span,
    new_trace,
    score_row,
    signal_row,
    span_row,
    store,
)

START = micros(NOON)
ALL = Piece(START - MINUTE, START + 60 * MINUTE, START)


def later(seconds: float):
    return NOON + timedelta(seconds=seconds)


def ask(warehouse, project, *measures, piece=ALL, where=(), rung="", **more):
    found = [source(measure, where, rung) for measure in measures]
    assert len({one.family for one in found}) == 1
    return ticks.rows(warehouse, project, found[0].family, [one.column for one in found], piece, **more)


def told(rows):
    """(minute since noon, values, sum) of every row, for the first column."""
    first = START // MINUTE
    return sorted(
        (int(minute) - first, int(n), round(float(s), 6))
        for minute, n, s in zip(rows.minute, rows.count[0], rows.total[0], strict=True)
    )


def put(warehouse, project, **given):
    row = exchange_row(project, **given)
    store(warehouse, exchanges=[row])
    return row


def test_facts_by_user_and_minute(warehouse, project):
    for seconds, user, status in ((0, "u", "ok"), (10, "u", "error"), (20, "v", "ok"), (70, "u", "error")):
        put(warehouse, project, at=later(seconds), user_id=user, status=status)
    rows = ask(warehouse, project, "share(status=error)", "mean(latency_ms)", "mean(cost)")
    assert told(rows) == [(0, 1, 0.0), (0, 2, 1.0), (1, 1, 1.0)]
    assert rows.total[1].sum() == 400.0
    assert len(set(rows.unit.tolist())) == 2


def test_a_row_counts_in_the_part_of_the_minute_in_which_it_began(warehouse, project):
    for seconds, user in ((25, "u"), (55, "u"), (59, "v"), (60, "v")):
        put(warehouse, project, at=later(seconds), user_id=user)
    rows = ask(warehouse, project, "mean(cost)")
    first = START // MINUTE * STEPS
    assert (rows.step // STEPS == rows.minute).all()
    assert sorted(zip((rows.step - first).tolist(), rows.count[0].tolist(), strict=True)) == [(2, 2), (5, 1), (6, 1)]


def test_without_users_a_session_is_one_and_else_a_trace(warehouse, project):
    for user, session in (("u", "a"), ("u", "b"), ("", "a"), ("", "a"), ("", ""), ("", "")):
        put(warehouse, project, at=later(0), user_id=user, session_id=session)
    rows = ask(warehouse, project, "share(status=error)")
    assert sorted(rows.count[0].tolist()) == [1, 1, 2, 2]


def test_no_rows(warehouse, project):
    rows = ask(warehouse, project, "share(status=error)", "mean(cost)")
    assert len(rows) == 0 and rows.count.shape == (2, 0)


def test_what_is_known_late_counts_in_the_first_open_minute(warehouse, project):
    put(warehouse, project, at=later(0), settles=later(400))
    put(warehouse, project, at=later(-7200), settles=later(400))  # two hours old: too late to count
    rows = ask(
        warehouse, project, "mean(cost)", piece=Piece(START + 5 * MINUTE, START + 10 * MINUTE, START + 5 * MINUTE)
    )
    assert told(rows) == [(5, 1, 0.001)]


def test_each_exchange_is_in_one_piece_only(warehouse, project):
    every = [exchange_row(project, at=later(n), settles=later(n + 10)) for n in range(0, 600, 7)]
    store(warehouse, exchanges=every)
    cuts = [START - 1, START + 100_000_000, START + 300_000_001, START + 700_000_000]
    pieces = [Piece(low, high, max(START, low)) for low, high in itertools.pairwise(cuts)]
    counts = [ask(warehouse, project, "mean(cost)", piece=piece).count.sum() for piece in pieces]
    assert sum(counts) == len(every)


def test_scores_of_a_rung(warehouse, project):
    row = put(warehouse, project, user_id="u")
    here = {"trace_id": row["trace_id"], "span_id": row["span_id"], "at": NOON}
    store(warehouse, scores=[
        score_row(project, name="relevance", value=0.25, rung="model", **here),
        score_row(project, name="relevance", value=0.75, rung="judge", **here),
        score_row(project, name="safety", value=1.0, rung="model", **here),
    ])  # fmt: skip
    assert told(ask(warehouse, project, "mean(score.relevance)", rung="model")) == [(0, 1, 0.25)]
    assert told(ask(warehouse, project, "mean(score.relevance)", rung="judge")) == [(0, 1, 0.75)]
    rows = ask(warehouse, project, "share(score.safety<0.5)", "mean(score.none)")
    assert told(rows) == [(0, 1, 0.0)] and rows.count[1].tolist() == [0]


def test_scores_made_elsewhere_count_when_they_arrive(warehouse, project):
    row = put(warehouse, project)
    here = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
    store(warehouse, scores=[score_row(project, value=0.5, at=later(600), received=later(900), **here)])
    early = Piece(START, START + 10 * MINUTE, START)
    late = Piece(START + 10 * MINUTE, START + 20 * MINUTE, START + 10 * MINUTE)
    assert len(ask(warehouse, project, "mean(score.relevance)", piece=early, arrival=True)) == 0
    assert told(ask(warehouse, project, "mean(score.relevance)", piece=late, arrival=True)) == [(10, 1, 0.5)]


def test_signals_with_the_exchange_that_they_are_about(warehouse, project):
    first = put(warehouse, project, at=later(0), user_id="u", session_id="s", release="A")
    put(warehouse, project, at=later(60), user_id="u", session_id="s", release="B")
    store(warehouse, signals=[
        signal_row(project, at=later(130), value=-1.0, trace_id=first["trace_id"], span_id=first["span_id"]),
        signal_row(project, at=later(190), value=-1.0, session_id="s"),
        signal_row(project, at=later(250), value=1.0, user_id="u"),
        signal_row(project, at=later(250), value=1.0, user_id="nobody"),
        signal_row(project, at=later(310), name="closed", session_id="s"),
    ])  # fmt: skip
    rows = ask(warehouse, project, "share(signal.thumbs=-1)", piece=ALL)
    assert told(rows) == [(2, 1, 1.0), (3, 1, 1.0), (4, 1, 0.0), (5, 0, 0.0)][: len(rows)]
    assert [rows.release[at] for at in rows.minute.argsort()][:3] == ["A", "B", "B"]
    covers = ask(warehouse, project, "coverage(signals)", piece=ALL)
    assert covers.count[0].sum() == 4
    assert ask(warehouse, project, "coverage(signal.closed)", piece=ALL).count[0].sum() == 1


def test_split_by_fields_and_attributes(warehouse, project):
    for plan, model in (("free", "a"), ("plus", "a"), ("plus", "b")):
        row = put(warehouse, project, model=model)
        store(
            warehouse,
            spans=[span_row(project, trace_id=row["trace_id"], span_id=row["span_id"], attributes={"plan": plan})],
        )
    rows = ask(warehouse, project, "mean(cost)", by=("attribute.plan", "model"))
    assert sorted(rows.segment) == ["free\x1fa", "plus\x1fa", "plus\x1fb"]
    with pytest.raises(Refused, match="cannot be split by cost"):
        ask(warehouse, project, "mean(cost)", by=("cost",))


def test_filters(warehouse, project):
    for model in ("a", "a", "b"):
        put(warehouse, project, model=model)
    assert ask(warehouse, project, "mean(cost)", where=(("model", "a"),)).count[0].sum() == 2
    assert ask(warehouse, project, "coverage(signals)", where=(("model", "a"),)).count.sum() == 0


def test_names(warehouse, project):
    store(warehouse, signals=[signal_row(project), signal_row(project), signal_row(project, name="closed")],
          scores=[score_row(project, name="x"), score_row(project, name="ours", source="homeostat")])  # fmt: skip
    assert ticks.names(warehouse, project, START + 60 * MINUTE) == (["thumbs", "closed"], ["x"])


def test_texts_and_labels_that_hold_a_word(warehouse, project):
    row = put(warehouse, project, at=later(0), output="we are sorry")
    put(warehouse, project, at=later(0), output="of course")
    store(warehouse, signals=[signal_row(project, at=later(5), trace_id=row["trace_id"], name="survey", label="angry")])
    assert ask(warehouse, project, "share(output.contains=sorry)").total[0].sum() == 1.0
    assert told(ask(warehouse, project, "share(signal.survey.contains=ANG)")) == [(0, 1, 1.0)]
    with pytest.raises(Refused, match="cannot watch"):
        ask(warehouse, project, "share(signal.survey.exists=true)")


def test_the_route_of_an_exchange_is_its_own_else_the_only_one_of_its_trace(warehouse, project):
    """The gateway's call has it; an answer of the application has the call below it."""
    trace, asked = new_trace(), new_trace()
    for user, trace_id, routes in (("own", trace, ("p",)), ("other", trace, ("q",)), ("none", new_trace(), ())):
        row = put(warehouse, project, at=later(0), user_id=user, trace_id=trace_id)
        spans = [span_row(project, trace_id=trace_id, span_id=row["span_id"], attributes={"homeostat.route": one})
                 for one in routes]  # fmt: skip
        store(warehouse, spans=spans)
    put(warehouse, project, at=later(0), user_id="above", trace_id=asked)
    signal = signal_row(project, at=later(5), received=later(5), trace_id=asked, value=1.0)
    below = span_row(project, at=later(0), trace_id=asked, attributes={"homeostat.route": "p"})
    store(warehouse, spans=[below], signals=[signal])
    rows = ask(warehouse, project, "mean(cost)", routes=True)
    assert sorted(rows.route) == ["", "p", "p", "q"]
    assert set(ask(warehouse, project, "mean(cost)").route) == {""}
    assert ask(warehouse, project, "mean(signal.thumbs)", routes=True).route == ["p"]


def test_what_a_shadow_said_is_not_watched(warehouse, project):
    """Nor is it what a signal about a session is about."""
    mine = put(warehouse, project, at=later(0), user_id="u", session_id="s")
    shadow = put(warehouse, project, at=later(1), user_id="u", session_id="s", status="error", tags=["shadow"])
    here = {"name": "relevance", "received": later(60)}
    scores = [
        score_row(project, at=later(1), trace_id=row["trace_id"], span_id=row["span_id"], value=value, **here)
        for row, value in ((mine, 1.0), (shadow, 0.0))
    ]
    signal = signal_row(project, at=later(5), received=later(5), trace_id=ZERO_TRACE, session_id="s", value=-1.0)
    store(warehouse, scores=scores, signals=[signal])
    assert told(ask(warehouse, project, "share(status=error)")) == [(0, 1, 0.0)]
    assert told(ask(warehouse, project, "mean(score.relevance)")) == [(0, 1, 1.0)]
    assert told(ask(warehouse, project, "mean(score.relevance)", arrival=True))[0][2] == 1.0
    assert told(ask(warehouse, project, "mean(signal.thumbs)")) == [(0, 1, -1.0)]


def test_what_a_guard_withheld_is_no_error_and_its_scores_are_none(warehouse, project):
    kinds = ({}, {"tags": ["blocked"]}, {"tags": ["beta"]})
    rows = [put(warehouse, project, at=later(0), user_id=f"u{at}", **kind) for at, kind in enumerate(kinds)]
    scores = [
        score_row(project, at=later(1), trace_id=row["trace_id"], span_id=row["span_id"], name="relevance", value=value)
        for row, value in zip(rows, (1.0, 0.0, 1.0), strict=True)
    ]
    store(warehouse, scores=scores)
    assert told(ask(warehouse, project, "share(status=error)")) == [(0, 1, 0.0)] * 3
    values = ask(warehouse, project, "mean(score.relevance)")
    assert (values.count[0].sum(), values.total[0].sum()) == (2, 2.0)
    values = ask(warehouse, project, "mean(score.relevance)", where=(("tag.not", "beta"),))
    assert (values.count[0].sum(), values.total[0].sum()) == (1, 1.0)
    values = ask(warehouse, project, "mean(score.relevance)", where=(("tag", "blocked"), ("status", "ok")))
    assert (values.count[0].sum(), values.total[0].sum()) == (1, 0.0)


HALF: Final = (
    Piece(START, START + 5 * MINUTE, START),
    Piece(START + 5 * MINUTE, START + 10 * MINUTE, START + 5 * MINUTE),
)


def halves(warehouse, project, measure, **more):
    """(minute, values, sum) of two pieces of five minutes, one after the other."""
    return [told(ask(warehouse, project, measure, piece=piece, **more)) for piece in HALF]


@pytest.mark.parametrize("about", ["span", "trace", "gateway", "session", "user"])
@pytest.mark.parametrize(("said", "known"), [(100, 130), (100, 400), (400, 130)])
def test_a_signal_counts_once_when_both_it_and_its_answer_are_known(warehouse, project, about, said, known):
    """`said`, `known`: seconds after noon at which the signal came, and at which its answer was ready."""
    gateway = {"trace_id": new_trace(), "span_id": new_span()}
    row = put(
        warehouse, project, at=later(known - 5), settles=later(known), user_id="u", session_id="s", release="A",
        elsewhere=["".join(gateway.values())],
    )  # fmt: skip
    names = {"span": ("trace_id", "span_id"), "trace": ("trace_id",), "session": ("session_id",), "user": ("user_id",)}
    here = {"span_id": ZERO_SPAN} | {name: row[name] for name in names[about]} if about in names else gateway
    store(warehouse, signals=[signal_row(project, at=later(said), value=-1.0, **here)])
    at = max(said, known) // 60
    expected = [(at, 1, 1.0)]
    assert halves(warehouse, project, "share(signal.thumbs=-1)") == ([expected, []] if at < 5 else [[], expected])
    assert told(ask(warehouse, project, "share(signal.thumbs=-1)")) == expected


def test_of_what_is_said_of_a_session_the_answer_before_it_is_meant_else_the_next(warehouse, project):
    for release, seconds in (("A", 0), ("B", 60), ("C", 360)):
        put(warehouse, project, at=later(seconds), settles=later(seconds + 5), session_id="s", release=release)
    put(warehouse, project, at=later(365), settles=later(370), session_id="new", release="D")
    store(warehouse, signals=[
        signal_row(project, at=later(130), value=1.0, session_id="s"),
        signal_row(project, at=later(190), value=1.0, session_id="new"),
    ])  # fmt: skip
    first, second = (ask(warehouse, project, "mean(signal.thumbs)", piece=piece) for piece in HALF)
    assert first.release == ["B"] and second.release == ["D"], "what has an answer stays with it"


def test_of_what_is_said_of_a_trace_its_first_answer_is_meant_of_a_call_its_last(warehouse, project):
    trace = new_trace()
    for release, seconds in (("A", 0), ("B", 60)):
        put(warehouse, project, at=later(seconds), trace_id=trace, release=release)
    store(warehouse, signals=[
        signal_row(project, name="of-trace", at=later(90), trace_id=trace, span_id=ZERO_SPAN, value=1.0),
        signal_row(project, name="of-call", at=later(90), trace_id=trace, span_id=new_span(), value=1.0),
    ])  # fmt: skip
    assert ask(warehouse, project, "mean(signal.of-trace)").release == ["A"]
    assert ask(warehouse, project, "mean(signal.of-call)").release == ["B"]


@pytest.mark.parametrize("about", ["span", "member", "gateway", "trace", "session"])
@pytest.mark.parametrize(("came", "known"), [(100, 130), (100, 400), (400, 130)])
def test_a_score_made_elsewhere_counts_once_when_both_it_and_its_answer_are_known(
    warehouse, project, about, came, known
):
    twin = new_span()
    gateway = {"trace_id": new_trace(), "span_id": new_span()}
    row = put(
        warehouse, project, at=later(90), settles=later(known), session_id="s", members=[twin],
        elsewhere=["".join(gateway.values())],
    )  # fmt: skip
    here = {
        "span": {"trace_id": row["trace_id"], "span_id": row["span_id"]},
        "member": {"trace_id": row["trace_id"], "span_id": twin},
        "gateway": gateway,
        "trace": {"trace_id": row["trace_id"], "span_id": ZERO_SPAN},
        "session": {"trace_id": ZERO_TRACE, "span_id": ZERO_SPAN, "session_id": "s"},
    }[about]
    store(warehouse, scores=[score_row(project, value=0.5, at=later(came), received=later(came), **here)])
    [first, second] = halves(warehouse, project, "mean(score.relevance)", arrival=True)
    assert (first, second) == (([(1, 1, 0.5)], []) if max(came, known) < 300 else ([], [(5, 1, 0.5)]))


def test_of_scores_made_elsewhere_the_exchange_s_own_counts_and_the_newest(warehouse, project):
    row = put(warehouse, project)
    own = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
    every = [({"trace_id": row["trace_id"], "span_id": ZERO_SPAN}, 90, 0.1), (own, 60, 0.2), (own, 70, 0.3)]
    store(warehouse, scores=[
        score_row(project, value=value, at=later(at), received=later(at), **here) for here, at, value in every
    ])  # fmt: skip
    assert told(ask(warehouse, project, "mean(score.relevance)", arrival=True)) == [(0, 1, 0.3)]
