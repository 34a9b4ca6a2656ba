"""Scores and signals that hide in telemetry."""

from __future__ import annotations

from typing import Any

from homeostat.observe.exact import facts, holds_facts

from .made import SPAN, START, TRACE, log, mapped, row, span
from .recorded import SETS, rows_of

OTHER = bytes(range(9, 17))


def only(rows: list[Any]) -> dict[str, Any]:
    found = facts(rows)
    assert len(found) == 1, found
    return found[0]


def test_the_event_of_the_conventions_as_a_log_record() -> None:
    told = only(rows_of("a_genai_openai_event"))
    judged = next(one for one in rows_of("a_genai_openai_event") if one["name"] == "handle score")
    assert {key: told[key] for key in ("fact", "name", "value", "label", "reason", "source", "scorer")} == {
        "fact": "score", "name": "helpfulness", "value": 0.8, "label": "good", "reason": "answers the question",
        "source": "gen_ai", "scorer": "kettle.eval",
    }  # fmt: skip
    assert (told["trace_id"], told["span_id"]) == (judged["trace_id"].hex(), judged["span_id"].hex())
    assert told["response_id"] == "chatcmpl-kw0001"


def test_an_evaluator_span_judges_its_trace_its_parent_or_what_it_links_to() -> None:
    told = only(rows_of("b_openinference_openai"))
    assert (told["name"], told["value"], told["label"], told["reason"]) == (
        "helpfulness", 0.8, "good", "answers the question",
    )  # fmt: skip
    assert (len(told["trace_id"]), told["span_id"]) == (32, "")
    made = span(
        {"openinference.span.kind": "EVALUATOR", "evaluations.0.evaluation.name": "a",
         "evaluations.0.evaluation.score": 1, "evaluations.1.evaluation.name": "b",
         "evaluations.1.evaluation.label": "bad", "evaluations.1.evaluation.annotator_kind": "LLM"},
        parent_span_id=OTHER,
    )  # fmt: skip
    first, second = facts(mapped(made))
    assert (first["value"], first["span_id"], first["rung"]) == (1.0, OTHER.hex(), "")
    assert (second["value"], second["label"], second["rung"]) == (None, "bad", "judge")
    made.links.add(trace_id=TRACE, span_id=SPAN)
    assert facts(mapped(made))[0]["span_id"] == SPAN.hex()


def test_logfire_feedback_is_a_signal_about_the_parent() -> None:
    told = only(rows_of("f_logfire_pydanticai"))
    judged = next(one for one in rows_of("f_logfire_pydanticai") if one["name"] == "answered")
    assert (told["fact"], told["name"], told["value"], told["comment"]) == ("signal", "helpfulness", 0.8, "ok")
    assert told["span_id"] == judged["span_id"].hex()


def test_feedback_in_words_and_in_booleans() -> None:
    base = {"logfire.span_type": "annotation", "logfire.feedback.name": "tone"}
    assert only([row({**base, "tone": "kind"})])["label"] == "kind"
    assert only([row({**base, "tone": "kind"})])["value"] is None
    assert only([row({**base, "tone": True})])["value"] == 1.0


def test_the_event_on_a_span_and_its_older_names() -> None:
    event = ("gen_ai.evaluation.result", {
        "gen_ai.evaluation.name": "x", "gen_ai.evaluation.score": 2, "gen_ai.evaluation.label": "l"})  # fmt: skip
    told = only([row({"user.id": "u", "session.id": "s"}, events=[event])])
    assert (told["value"], told["label"], told["user_id"], told["session_id"]) == (2.0, "l", "u", "s")
    assert told["span_id"] == SPAN.hex()
    assert told["at"].startswith("20")


def test_the_event_with_its_words_in_the_body_and_no_span() -> None:
    told = only([log("gen_ai.evaluation.result", {}, {"gen_ai.evaluation.name": "x"}, trace_id=b"", span_id=b"")])
    assert (told["trace_id"], told["span_id"], told["value"]) == ("", "", None)


def test_a_fact_sent_twice_is_one_fact_and_two_are_two() -> None:
    base = {"gen_ai.evaluation.name": "x", "gen_ai.evaluation.score.value": 1.0}
    one = only([log("gen_ai.evaluation.result", base)])
    assert one["id"] == only([log("gen_ai.evaluation.result", base)])["id"]
    other = only([log("gen_ai.evaluation.result", {**base, "gen_ai.evaluation.score.value": 2.0})])
    later = only([log("gen_ai.evaluation.result", base, time_unix_nano=START + 1_000_000)])
    assert len({one["id"], other["id"], later["id"]}) == 3


def test_the_cheap_look_never_says_no_to_a_fact() -> None:
    for name in SETS:
        for told in rows_of(name):
            if not holds_facts(told):
                assert "evaluation" not in told["name"]
                assert "feedback" not in told["name"]


def test_nonsense_is_no_fact() -> None:
    assert facts([row({"gen_ai.evaluation.name": 5}), row({"logfire.feedback.name": [1]})]) == []
    assert (
        facts([row({"evaluations.0.evaluation.name": "x", "evaluations.0.evaluation.score": float("nan")})])[0]["value"]
        is None
    )


def test_a_cut_emoji_can_be_stored() -> None:
    told = only(
        [
            log(
                "gen_ai.evaluation.result",
                {},
                '{"gen_ai.evaluation.name":"\\ud83d","gen_ai.evaluation.label":"\\ud83d"}',
            )
        ]
    )
    assert (told["name"], told["label"]) == ("\ufffd", "\ufffd")
