"""What scorers in Python are given, and when: wholes, history, samples, what kills the process, own documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homeostat.analyze.scorers import registry
from homeostat.analyze.scorers.case import Case
from homeostat.loop.scoring import history, overview, tracks, trial
from homeostat.loop.scoring.allowance import Allowance
from homeostat.loop.scoring.care import Care
from homeostat.loop.scoring.documents import Shelves
from homeostat.loop.scoring.history import Stretch
from homeostat.loop.scoring.kinds import BadScorer, Runnable
from homeostat.loop.scoring.tracks import Tools
from homeostat.records.instant import micros
from homeostat.store.ledger import feeds, scorers
from homeostat.store.ledger.scorers import Configured
from homeostat.store.warehouse.splice import splice
from tests.analyze.judges.serving import listening, well
from tests.builders import NOON, exchange_row, store, told_by

from .conftest import NOW, judging, said, scorer

Fill = Callable[..., list[dict[str, Any]]]
MINUTE = 60_000_000


@dataclass
class Died(BaseException):
    """The process ends here."""


def models(tools: Tools, project: str, *group: Runnable, until: int = NOW) -> None:
    while tracks.models(tools, project, {"model": group}, until, None):
        pass


def decorated(name: str, function: Callable[[Case], Any]) -> None:
    registry.scorer(name)(function)


def test_a_session_is_taken_when_it_was_quiet_for_ten_minutes(tools: Tools, project: str, fill: Fill) -> None:
    talk = [("Where is my parcel?", "On its way."), ("When will it come?", "Tomorrow."), ("Thanks", "You are welcome.")]
    fill({"input": asked, "output": told, "session_id": "s1"} for asked, told in talk)
    fill([{"output": "Another talk.", "session_id": "s2"}, "no session at all"])
    seen: list[Case] = []
    decorated("whole_talk", lambda case: bool(seen.append(case)) or 1.0)
    whole = scorer(project, "whole", "whole_talk", settings={"unit": "session"})
    models(tools, project, whole, until=micros(NOON + timedelta(minutes=9)))
    assert said(tools.warehouse, project, "whole") == []
    models(tools, project, whole, until=micros(NOON + timedelta(minutes=11)))
    assert sorted(row["session_id"] for row in said(tools.warehouse, project, "whole")) == ["s1", "s2"]
    [case] = [case for case in seen if "parcel" in case.input]
    assert case.output == "On its way.\n\nTomorrow.\n\nYou are welcome." and case.metadata["turns"] == 3


@pytest.mark.parametrize("unit", ["session", "trace"])
def test_of_whole_sessions_and_traces_the_coverage_counts_those(
    tools: Tools, project: str, fill: Fill, unit: str
) -> None:
    """Three talks of several answers are over; a fourth one is not, and one is not theirs by the filter."""
    traces = {name: f"{at:032x}" for at, name in enumerate(("a", "b", "c", "d", "other"), 1)}
    for name, trace in traces.items():
        at = NOON + timedelta(minutes=30 if name == "d" else 0)
        about = {"session_id": name, "trace_id": trace, "model": "x" if name == "other" else "m", "at": at}
        fill([{"output": f"Answer {turn}.", **about} for turn in range(4)])
    decorated("every_talk", lambda case: 0.5)
    settings, only = {"unit": unit}, (("model", "m"),)
    scorers.put(
        tools.ledger, Configured(project, "whole", 1, "every_talk", settings, filters=only),
        at=NOON - timedelta(days=1), author="t",
    )  # fmt: skip
    whole = scorer(project, "whole", "every_talk", settings=settings, filters=only)
    now = replace(tools, now=micros(NOON + timedelta(minutes=30, seconds=30)))
    told = history.estimate(now, project, whole, Stretch("whole@1", micros(NOON) - 1, now.now), judging(""), 0.01)
    assert (told["exchanges"], told["scored"]) == (3, 3)
    models(now, project, whole, until=now.now)
    [seen] = [overview.told(each) for each in overview.scorers_of(now, project) if each.configured.name == "whole"]
    assert (seen["taken"], seen["scored"], seen["coverage"], seen["silent"]) == (3, 3, 1.0, False)


def test_a_conversation_that_goes_on_is_judged_again_at_its_new_end(tools: Tools, project: str, fill: Fill) -> None:
    [first] = fill([{"output": "On its way.", "session_id": "s1"}])
    decorated("any_talk", lambda case: 1.0)
    whole = scorer(project, "whole", "any_talk", settings={"unit": "session"})
    models(tools, project, whole, until=micros(NOON + timedelta(minutes=11)))
    later = exchange_row(project, session_id="s1", at=NOON + timedelta(minutes=15))
    store(tools.warehouse, exchanges=[later])
    models(tools, project, whole)
    assert [row["trace"] for row in said(tools.warehouse, project, "whole")] == [first["trace_id"], later["trace_id"]]


def test_a_whole_trace_is_judged_once(tools: Tools, project: str, fill: Fill) -> None:
    trace = "ab" * 16
    fill({"output": text, "trace_id": trace} for text in ("One.", "Two."))
    decorated("any_trace", lambda case: case.metadata["turns"] == 2)
    models(tools, project, scorer(project, "whole", "any_trace", settings={"unit": "trace"}))
    [row] = said(tools.warehouse, project, "whole")
    assert (row["value"], row["trace"]) == (1.0, trace)


def test_what_kills_the_process_is_parked_and_everything_else_goes_on(tools: Tools, project: str, fill: Fill) -> None:
    """T13: a poison job is parked after five tries, and visible."""
    fill(["fine"] * 12 + ["poison"] + ["fine"] * 12)

    def dies(case: Case) -> float:
        if case.output == "poison":
            raise Died
        return 1.0

    decorated("mortal", dies)
    one = scorer(project, "mortal", "mortal")
    deaths = 0
    while True:
        try:
            models(tools, project, one)
            break
        except Died:
            deaths += 1
            assert deaths < 10
    assert deaths == 5
    rows = said(tools.warehouse, project, "mortal")
    assert [row["value"] for row in rows].count(1.0) == 24
    [parked] = [row for row in rows if row["value"] is None]
    assert parked["reason"].startswith("parked:") and parked["label"] == "unscored"


def test_a_sick_store_is_no_poison(tools: Tools, project: str, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(["fine"] * 3)
    one = scorer(project, "civil_words", "safety")

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as sick:
        sick.setattr(tracks.scored, "put", fails)
        for _ in range(10):
            with pytest.raises(OSError, match="no space"):
                models(tools, project, one)
    assert Care.of(feeds.place(tools.ledger, project, "model", start=0)) == Care()
    models(tools, project, one)
    assert len(said(tools.warehouse, project, "civil_words")) == 3


def test_history_is_estimated_scored_and_resumed(tools: Tools, project: str, fill: Fill) -> None:
    fill(f"Within {number} days." for number in range(250))
    one = scorer(project, "short", "conciseness")
    low, high = micros(NOON) - 1, micros(NOON + timedelta(seconds=224))
    stretch = Stretch("short@1", low, high)
    judged = judging("")
    told = history.estimate(tools, project, one, stretch, judged, 0.01)
    assert told == {"unit": "exchange", "exchanges": 225, "scored": 225, "usd": 0.0, "seconds": 9.0}
    for _ in range(2):  # asked for twice, done once
        history.begin(tools.ledger, project, stretch, 225)
    known = {"short@1": one}
    assert history.one(tools, project, known, judged, None) == 200
    [part] = history.listed(tools.ledger, project, one.configured)
    assert (part["state"], part["taken"]) == ("running", 200) and 0.8 < part["progress"] < 1
    while history.one(tools, project, known, judged, None):
        pass
    [part] = history.listed(tools.ledger, project, one.configured)
    assert (part["state"], part["progress"]) == ("done", 1.0)
    assert len(said(tools.warehouse, project, "short")) == 225


def test_history_of_the_engine_and_of_a_judge(tools: Tools, project: str, fill: Fill) -> None:
    fill(f"Within {number} days." for number in range(30))
    low, high = micros(NOON) - 1, NOW
    with listening(well) as there:
        judged = judging(there.url, judge_usd_per_million_in=1)
        judge = scorer(project, "judged", "judge", settings={"dimension": "relevance"})
        engine = scorer(project, "there", "answered")
        told = history.estimate(tools, project, judge, Stretch("judged@1", low, high), judged, 0.0)
        assert told["exchanges"] == 30 and told["usd"] > 0
        for name in ("judged@1", "there@1"):
            history.begin(tools.ledger, project, Stretch(name, low, high), 30)
        while history.one(tools, project, {"judged@1": judge, "there@1": engine}, judged, None):
            pass
        assert len(said(tools.warehouse, project, "judged")) == len(said(tools.warehouse, project, "there")) == 30
        assert judged.account(tools, project, judge)["calls"] == 30, "history is paid from the same purse"


def test_what_the_share_of_a_core_cannot_do_is_a_sample_spread_evenly(tools: Tools, project: str, fill: Fill) -> None:
    fill("Within thirty days." for _ in range(600))
    now = [0.0]
    allowance = Allowance(0.25, clock=lambda: now[0])
    allowance.cost = 0.02  # of one exchange: fifty of them are what it may use
    one = scorer(project, "short", "conciseness")
    for _ in range(20):
        tracks.models(tools, project, {"model": [one]}, NOW, allowance)
    rows = said(tools.warehouse, project, "short")
    assert 10 <= len(rows) <= 200
    assert feeds.place(tools.ledger, project, "model", start=0).ready <= NOW


def test_an_answer_without_documents_gets_those_of_the_project(
    tools: Tools, project: str, fill: Fill, tmp_path: Path
) -> None:
    place = tmp_path / project
    place.mkdir()
    (place / "returns.md").write_text(
        "# Returns\n\nYou can return an order within 30 days of delivery, free of charge.\n"
    )
    fill([
        {"input": "How long can I return my order?", "output": "You can return an order within 30 days of delivery."},
        {"input": "How long can I return my order?", "output": "You can return an order within 90 days of delivery."},
        {"input": "Who painted the Mona Lisa?", "output": "Leonardo did."},
    ])  # fmt: skip
    one = scorer(project, "grounded", "groundedness")
    models(replace(tools, shelves=Shelves(f"{tmp_path}/{{project}}")), project, one)
    right, wrong, other = (row["value"] for row in said(tools.warehouse, project, "grounded"))
    assert right > 0.5 > wrong and other is None


def test_how_long_and_how_much_is_judged_live(tools: Tools, project: str, fill: Fill) -> None:
    about = {"latency_ms": 20_000.0, "input_tokens": 5_000, "output_tokens": 3_000, "cost": 0.1, "session_id": "s"}
    nothing = {"latency_ms": None, "input_tokens": None, "output_tokens": None, "cost": None, "session_id": "s"}
    fill([{"output": "Slow and dear.", **about}, {"output": "Who knows?", **nothing}])
    kinds = ("latency", "tokens", "cost")
    models(tools, project, *(scorer(project, name, name) for name in kinds))
    models(tools, project, *(scorer(project, f"{name}_whole", name, settings={"unit": "session"}) for name in kinds))
    for name in kinds:
        assert [row["value"] for row in said(tools.warehouse, project, name)] == [0.5, None], name
        assert [row["value"] for row in said(tools.warehouse, project, f"{name}_whole")] == [0.5], name


def test_a_reference_comes_with_the_exchange(tools: Tools, project: str) -> None:
    """As it was sent, also where it repeats the answer and is stored only once."""
    right = "You can return it within thirty days of delivery, free of charge."
    rows, spans = [], []
    for number, (output, reference) in enumerate(((right, right), ("Never.", right), ("Who knows?", ""))):
        row = exchange_row(project, input="How long?", output=output, at=NOON + timedelta(seconds=number))
        carried = splice({"homeostat.reference": reference} if reference else {}, row["input"], output)
        rows.append(row)
        spans.append(told_by(row, attributes=carried))
    store(tools.warehouse, exchanges=rows, spans=spans)
    assert spans[0]["attributes"]["homeostat.reference"] != right
    models(tools, project, *(scorer(project, name, name) for name in ("exact", "correctness")))
    for name in ("exact", "correctness"):
        first, second, third = (row["value"] for row in said(tools.warehouse, project, name))
        assert first >= 0.5 > second and third is None, name
        told = trial.trial(tools, project, scorer(project, "trial", name), judging(""), limit=10)
        assert [item["value"] for item in told["items"]] == [None, second, first]
        assert "homeostat.reference" in told["needs"]
    judge = scorer(project, "judged", "judge", settings={"dimension": "correctness"})
    with listening(well) as there:
        judging(there.url).round(tools, project, {"judge": [judge]}, NOW)
        assert len(there.asked) == 2 and all("reference answer" in str(asked) for asked in there.asked)
    assert trial.trial(tools, project, scorer(project, "t", "safety"), judging(""), limit=1)["needs"] == ""


def test_a_scorer_that_fell_silent_is_seen(tools: Tools, project: str, fill: Fill) -> None:
    made = NOON - timedelta(days=2)
    scorers.put(tools.ledger, Configured(project, "there", 1, "answered"), at=made, author="t")
    scorers.put(tools.ledger, Configured(project, "asleep", 1, "finished"), at=made, author="t")
    scorers.put(tools.ledger, Configured(project, "new", 1, "civil"), at=NOON, author="t")
    fill(["fine"] * 4)
    tracks.engine(tools, project, {"engine": [scorer(project, "there", "answered")]}, NOW)
    told = {each["name"]: each for each in map(overview.told, overview.scorers_of(tools, project))}
    assert overview.silent(tools, project) == ["asleep@1"]
    assert (told["there"]["coverage"], told["there"]["mean"], told["there"]["taken"]) == (1.0, 1.0, 4)
    assert (told["asleep"]["coverage"], told["asleep"]["mean"], told["asleep"]["silent"]) == (0.0, None, True)


def test_live_what_settles_within_two_seconds_is_judged_together(tools: Tools, project: str, fill: Fill) -> None:
    chosen = {"engine": [scorer(project, "there", "answered")], "model": [scorer(project, "brief", "conciseness")]}
    fill(["fine"] * 4)
    for until, count in ((NOW, 4), (NOW + tracks.TOGETHER - 1, 0)):
        assert tracks.engine(tools, project, chosen, until, together=tracks.TOGETHER) == count
        assert tracks.models(tools, project, chosen, until, None, together=tracks.TOGETHER) == count
    place = feeds.place(tools.ledger, project, "engine", start=0)
    assert place.ready == NOW, "what was not waited for is still before it"


def test_what_would_it_have_said_stores_nothing(tools: Tools, project: str, fill: Fill) -> None:
    fill(["You are an idiot.", "Within thirty days.", {"output": "You are an idiot.", "model": "other"}])
    with listening(well) as there:
        judged = judging(there.url, judge_usd_per_million_in=1)
        for kind, settings in (("civil", {}), ("safety", {}), ("judge", {"dimension": "relevance"})):
            one = scorer(project, "trial", kind, settings=settings, filters=(("model", "gpt-test"),))
            told = trial.trial(tools, project, one, judged, limit=10)
            assert [item["output"] for item in told["items"]] == ["Within thirty days.", "You are an idiot."], kind
            assert told["estimate"]["exchanges_a_day"] == 2
            if kind != "judge":
                assert [item["label"] for item in told["items"]] == ["good", "bad"], kind
        assert told["estimate"]["usd_a_day"] > 0 and told["calls"] == 2
    rows = tools.warehouse.ask("SELECT count() AS n FROM scores WHERE project = {p:String}", {"p": project})
    assert rows[0]["n"] == 0


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("nothing", {}), ("os:system", {}), ("answered", {"unit": "session"}), ("answered", {"x": 1}),
        ("relevance", {"unit": "week"}), ("judge", {"dimension": "mood"}), ("judge", {"url": "http://x"}),
        ("judge", {"dimension": "safety", "form": "essay"}), ("judge", {"dimension": "safety", "task": {"a": 1}}),
        ("judge", {"dimension": "safety", "levels": ["one"]}), ("pattern", {"pattern": "("}),
        ("json", {"schema": {"type": "bogus"}}), ("json", {"schema": 5}), ("json", {"schema": "no schema"}),
        ("length", {"most": -5}), ("length", {"least": -1}), ("length", {"least": 9, "most": 8}),
        ("language", {"wanted": "German"}), ("latency", {"most": 0}), ("cost", {"fields": []}),
        ("factuality", {"facts": [1, 2]}), ("relevance", {"threshold": 7}),
    ],
)  # fmt: skip
def test_what_cannot_be_a_scorer_is_refused(project: str, kind: str, settings: dict[str, Any]) -> None:
    with pytest.raises(BadScorer):
        scorer(project, "x", kind, settings=settings)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("pattern", {"pattern": "^[A-Z]+$"}), ("json", {"schema": {"type": "object"}}), ("length", {"most": 5}),
        ("json", {"schema": '{"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}'}), ("length", {"least": 0}),
        ("language", {"wanted": "de"}), ("language", {"wanted": ""}), ("factuality", {"facts": ["It costs $9."]}),
        ("relevance", {"threshold": 0.7}), ("cost", {"most": 0.001}),
    ],
)  # fmt: skip
def test_what_can_be_a_scorer_is_one(project: str, kind: str, settings: dict[str, Any]) -> None:
    assert scorer(project, "x", kind, settings=settings).rung == "model"


def test_a_schema_makes_nobody_read_a_file(project: str, tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text("true")
    place = (tmp_path / "schema.json").as_uri()
    with pytest.raises(BadScorer, match="schema"):
        scorer(project, "x", "json", settings={"schema": {"$ref": place}})
