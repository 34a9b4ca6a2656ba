"""Scores of the engine's rung, and of ours: each exchange once, whatever happens in between."""

from __future__ import annotations

from datetime import timedelta

import pytest

from homeostat.analyze.scorers.engine import ENGINE, IN_ENGINE
from homeostat.records.instant import micros
from homeostat.store.warehouse import scored
from homeostat.store.warehouse.questions import feed
from homeostat.store.warehouse.questions.feed import Place
from homeostat.store.warehouse.questions.filters import Filters, parse
from tests.builders import NOON, exchange_row, row_key, span_row, store, told_by

NOW = micros(NOON + timedelta(hours=1))
BEFORE = Place(micros(NOON) - 1)
GOOD = "You can return the order within thirty days of delivery."


def expressions(**changes):
    given = {"filters": Filters(), "share": 1.0} | changes
    return [
        scored.Expression(each.name, f"{each.name}@1", each.value, each.reason, each.parameters, **given)
        for each in IN_ENGINE
    ]


def put(warehouse, project, output, question="How long can I return my order?", **given):
    row = exchange_row(project, input=question, output=output, **given)
    store(warehouse, exchanges=[row])
    return row


def score(warehouse, project, after=BEFORE, until=NOW, **changes):
    return scored.in_engine(warehouse, project, expressions(**changes), after=after, until=until, now=NOW)


def said(warehouse, project):
    rows = warehouse.ask(
        "SELECT name, value, label, reason, rung FROM scores WHERE project = {p:String} ORDER BY name", {"p": project}
    )
    assert len({row["name"] for row in rows}) == len(rows), "one score of a name for one exchange"
    return {row["name"]: row for row in rows}


def test_a_good_answer_passes_all_of_them(warehouse, project):
    put(warehouse, project, GOOD)
    assert score(warehouse, project) == 1
    found = said(warehouse, project)
    assert {name: row["label"] for name, row in found.items()} == {
        "answered": "good", "finished": "good", "civil": "good", "discreet": "good", "on_topic": "good",
        "unrepeated": "unscored",
    }  # fmt: skip
    assert {row["rung"] for row in found.values()} == {"engine"}


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("", "answered"),
        ("I'm sorry, but I can't help with that.", "answered"),
        ("I cannot answer this.", "answered"),
        ("As an AI, I have no opinion.", "answered"),
        ("Das kann ich leider nicht sagen.", "answered"),
        ("First open the settings of the application, then choose the account " * 3 + "and", "finished"),
        ("the parcel is late and " * 30, "unrepeated"),
        ("You are an idiot, read the manual.", "civil"),
        ("Write to anna.berg@example.com for that.", "discreet"),
        ("Her card is 4111 1111 1111 1111.", "discreet"),
        ("The weather in Lisbon is pleasant today.", "on_topic"),
    ],
)  # fmt: skip
def test_each_fault_is_seen_by_its_scorer(warehouse, project, output, name):
    put(warehouse, project, output)
    score(warehouse, project)
    assert said(warehouse, project)[name]["label"] == "bad"


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("I'm sorry to hear that your parcel is late. It will arrive tomorrow.", "answered"),
        ("Yes", "finished"),
        ("You wrote from me@example.com, so the mail will go there.", "discreet"),
        ("Order 4711 has left our house.", "discreet"),
        ("Kill the zombie process, then restart.", "civil"),
    ],
)
def test_what_only_looks_like_a_fault_passes(warehouse, project, output, name):
    put(warehouse, project, output, question="My mail is me@example.com, where is my parcel?")
    score(warehouse, project)
    assert said(warehouse, project)[name]["label"] == "good"


def test_the_provider_says_that_it_cut_the_answer_off(warehouse, project):
    put(warehouse, project, "It is", finish_reason="length")
    score(warehouse, project)
    assert said(warehouse, project)["finished"]["reason"] == "the provider cut it off"


def test_what_is_scored_twice_is_stored_once(warehouse, project):
    put(warehouse, project, GOOD)
    for _ in range(3):
        score(warehouse, project)
    assert len(said(warehouse, project)) == len(IN_ENGINE)


def test_what_is_not_ready_waits_and_what_was_taken_is_not_taken_again(warehouse, project):
    put(warehouse, project, GOOD, settles=NOON + timedelta(minutes=10))
    until = micros(NOON + timedelta(minutes=9))
    assert score(warehouse, project, until=until) == 0
    assert score(warehouse, project, after=Place(until)) == 1
    assert score(warehouse, project, after=Place(NOW)) == 0


def test_a_filter_and_a_share_choose(warehouse, project):
    asked = "How long can I return my order?"
    models = ("a", "b") * 100
    store(warehouse, exchanges=[exchange_row(project, input=asked, output=GOOD, model=model) for model in models])
    score(warehouse, project, filters=parse([("model", "a")]), share=0.5)
    [row] = warehouse.ask(
        "SELECT count() AS n, uniqExact(scorer) AS scorers FROM scores WHERE project = {p:String}", {"p": project}
    )
    assert row["scorers"] == len(IN_ENGINE)
    assert 30 <= row["n"] / len(IN_ENGINE) <= 70


def test_scores_of_ours_are_stored_once_too(warehouse, project):
    row = put(warehouse, project, GOOD)
    taken = feed.take(warehouse, project, BEFORE, NOW, limit=10)
    [exchange] = taken.exchanges
    assert exchange.trace_id == row["trace_id"]
    made = [scored.Score(exchange, "relevance", "relevance@1", "model", 0.9, "good", "why")]
    for _ in range(2):
        scored.put(warehouse, project, made, now=NOW)
    assert said(warehouse, project)["relevance"]["value"] == 0.9


def test_a_feed_is_taken_in_pieces_without_gap_or_repetition(warehouse, project):
    ids = set()
    for number in range(25):
        at = NOON + timedelta(seconds=number // 5)
        row = put(warehouse, project, GOOD, at=at)
        ids.add(f"{row['trace_id']}-{row['span_id']}")
    place, seen = BEFORE, []
    while True:
        taken = feed.take(warehouse, project, place, NOW, limit=4)
        seen += [exchange.id for exchange in taken.exchanges]
        place = taken.place
        if not taken.more:
            break
    assert sorted(seen) == sorted(ids)
    assert place.ready == NOW


def test_texts_and_documents_come_with_it(warehouse, project):
    long = GOOD * 20
    row = exchange_row(project, input="q" * 500, output=long)
    span = told_by(row, documents='[{"text": "Returns within 30 days."}, {"text": "Shipping is free."}]')
    store(warehouse, exchanges=[row], spans=[span])
    taken = feed.take(warehouse, project, BEFORE, NOW, limit=10)
    [texts] = feed.texts_of(warehouse, project, NOON, taken.exchanges)
    assert (texts.input, texts.output) == ("q" * 500, long)
    assert texts.documents == ("Returns within 30 days.", "Shipping is free.")


def test_question_and_answer_may_stand_in_different_spans(warehouse, project):
    row = exchange_row(project, input="How long can I return my order?", output=GOOD)
    asked = span_row(project, trace_id=row["trace_id"], input=row["input"])
    told = told_by(row, input="")
    row |= {"input_row": row_key(warehouse, asked), "output_row": row_key(warehouse, told)}
    store(warehouse, exchanges=[row, exchange_row(project, input=row["input"], output="")], spans=[asked, told])
    score(warehouse, project)
    rows = warehouse.ask(
        "SELECT trace_id = toFixedString(unhex({t:String}), 16) AS apart, label FROM scores "
        "WHERE project = {p:String} AND name IN ('answered', 'on_topic') ORDER BY apart, name",
        {"p": project, "t": row["trace_id"]},
    )
    assert [(bool(each["apart"]), each["label"]) for each in rows] == [
        (False, "bad"), (False, "bad"), (True, "good"), (True, "good"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "abuse",
    [
        "IDIOTS", "moron", "stupid question", "You're dumb", "You’re a fool", "you are an idiot", "Shut up",
        "go to hell", "screw you", "Fuuuck you", "fuck off", "piss off", "bastards", "dumbass", "retard",
        "worthless", "pathetic",
        "I hate you", "kill yourself", "Dummkopf", "Halt die Klappe", "verpiss dich", "ta gueule", "connard", "CÁLLATE",
        "gilipollas", "ESTÚPIDO", "estúpidas",
    ],
)  # fmt: skip
def test_no_abuse_is_passed_by_for_want_of_a_hint(warehouse, abuse):
    [civil] = [each for each in IN_ENGINE if each.name == "civil"]
    rows = warehouse.ask(
        f"SELECT {civil.value} AS value, match(output, {{abuse:String}}) AS matched "
        "FROM (SELECT {o:String} AS output)",
        {**civil.parameters, "o": f"Well, {abuse}!"},
    )
    assert rows == [{"value": 0, "matched": 1}]


@pytest.mark.parametrize(
    ("output", "refused"),
    [
        ("I am sorry, but I can't help with that.", True),
        ("I'm afraid that I cannot do this.", True),
        ("I am really sorry. I am unable to answer.", True),
        ("I am sorry to hear that. Send it back within 30 days.", False),
        ("I am afraid of nothing, said the fox.", False),
    ],
)
def test_refusals_in_full_words(warehouse, output, refused):
    answered = ENGINE["answered"]
    rows = warehouse.ask(
        f"SELECT {answered.value} AS value FROM (SELECT {{o:String}} AS output, CAST([], 'Array(String)') AS tools)",
        {**answered.parameters, "o": output},
    )
    assert rows == [{"value": int(not refused)}]
