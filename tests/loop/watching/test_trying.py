"""A drafted prompt is tried before anybody is asked: on failing questions and a dataset, within its money, once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from homeostat.act import acting
from homeostat.act.drafting import Draft
from homeostat.loop.watching import actor, trying
from homeostat.records import words
from homeostat.records.action import Action, Expectation
from homeostat.registry import datasets
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import actions, verdicts
from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON, exchange_row, score_row, store
from tests.loop.watching.stage import MINUTE, RELEVANCE, Stage, us

AT = NOON + 30 * MINUTE


class Model(ThreadingHTTPServer):
    """Answers to the point when its prompt says so, and counts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Answer(BaseHTTPRequestHandler):
    server: Model

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked += 1
        system, question = told["messages"][0]["content"], told["messages"][-1]["content"]
        number = question.split()[-1].rstrip("?")
        good = "to the point" in system
        text = f"Delivery of parcel {number} takes three days." if good else "Spain has lovely weather in May."
        usage = {"prompt_tokens": 1000, "completion_tokens": 1000}
        body = json.dumps({"choices": [{"message": {"content": text}}], "usage": usage}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def model() -> Iterator[Model]:
    there = Model()
    yield there
    there.shutdown()
    there.server_close()


def _stage(path: Path, warehouse: Warehouse, project: str, **settings: Any) -> Stage:
    stage = Stage.at(path, warehouse, project, {"A": 1.0}, **settings)
    rows, scores = [], []
    for n in range(24):
        at = NOON + n * MINUTE
        row = exchange_row(project, at=at, input=f"How long does delivery take for parcel {n}?", release="A")
        rows.append(row)
        ids = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
        scores.append(score_row(project, at=at, name="relevance", value=0.1, **ids))
    store(warehouse, exchanges=rows, scores=scores)
    return stage


def _proposed(stage: Stage, template: str = "Answer to the point.") -> Action:
    incident = stage.incident(NOON, "concept", "")
    expects = Expectation(RELEVANCE, "up", 0.1, us(NOON + timedelta(hours=24)), low=0.5)
    told = {"leaving": "A", "template": template, "draft": "by hand"}
    wanted = Action(0, stage.project, "prompt", "update-prompt", told, expects, "proposed", "", "", incident.id)
    made = acting.propose(stage.context.ledger, wanted, Author("anna", AT, AT))
    assert not isinstance(made, Declined), made
    return made


def _set(stage: Stage, **settings: Any) -> None:
    """The operator starts it anew with other settings."""
    stage.context = replace(stage.context, settings=stage.context.settings.model_copy(update=settings))


def _tried(stage: Stage, action: Action) -> dict[str, Any]:
    now = actions.get(stage.context.ledger, stage.project, action.id)
    assert now is not None
    return dict(now.result.get("tried") or {})


def test_a_draft_is_tried_on_failing_questions_and_on_a_dataset(
    tmp_path: Path, warehouse: Warehouse, project: str, model: Model
) -> None:
    stage = _stage(tmp_path, warehouse, project, upstream=model.url, upstream_key="k", replay_questions=24)
    items = [{"input": f"How long does delivery take for parcel {n}?", "output": "x"} for n in range(30, 36)]
    made = datasets.make(stage.context.ledger, project, "golden", items, Author("anna", AT, AT), lineage={})
    assert not isinstance(made, Declined)
    action = _proposed(stage)
    trying.run(stage.context, us(AT))
    told = _tried(stage, action)
    assert told["over"] and [one["questions"] for one in told["sets"]] == ["failing questions", "dataset golden v1"]
    failing, golden = told["sets"]
    assert (failing["n"], golden["n"], told["calls"], model.asked) == (24, 6, 60, 60)
    assert failing["outcome"] == "worked" and failing["new"] > failing["old"] + 0.3
    said = words.tried(told)
    assert "tried on 24 failing questions" in said and "dataset golden v1" in said and "60 calls" in said
    interim = verdicts.latest(stage.context.ledger, project, action.id)
    assert interim is not None and (interim.rung, interim.final) == ("replay", False)
    trying.run(stage.context, us(AT + MINUTE))
    assert model.asked == 60, "once is enough"


def test_another_text_is_tried_again_and_a_fourth_is_not(
    tmp_path: Path, warehouse: Warehouse, project: str, model: Model
) -> None:
    stage = _stage(tmp_path, warehouse, project, upstream=model.url, upstream_key="k", replay_questions=5)
    action = _proposed(stage)
    for number in range(5):
        template = {"template": f"Answer to the point, {number}."}
        assert not isinstance(
            acting.give(stage.context.ledger, project, action.id, template, Author("a", AT, AT)), Declined
        )
        trying.run(stage.context, us(AT))
    assert model.asked == 3 * 10 and "were tried already" in _tried(stage, action)["why"]


def test_its_money_is_its_limit(tmp_path: Path, warehouse: Warehouse, project: str, model: Model) -> None:
    given = {"upstream": model.url, "upstream_key": "k", "upstream_model": "gpt-4o", "replay_usd_per_day": 0.05}
    stage = _stage(tmp_path, warehouse, project, **given)
    from homeostat.loop.watching.replaying import Answering
    from homeostat.records.release import Release

    asking = Answering(stage.context.settings, (0.05, 100))
    while asking(Release("X", model="gpt-4o", system="Hi."), [{"role": "user", "content": "why 1?"}]):
        pass
    assert 0.05 <= asking.usd < 0.07 and asking.calls == model.asked < 10


@pytest.mark.parametrize(
    ("settings", "why"),
    [({}, "upstream_key"), ({"upstream_key": "k", "replay_questions": 0}, "replay_questions = 0")],
)
def test_what_cannot_be_tried_says_why(
    tmp_path: Path, warehouse: Warehouse, project: str, model: Model, settings: dict[str, Any], why: str
) -> None:
    stage = _stage(tmp_path, warehouse, project, upstream=model.url, **settings)
    action = _proposed(stage)
    trying.run(stage.context, us(AT))
    assert model.asked == 0 and why in words.tried(_tried(stage, action))


def test_a_measure_that_no_scorer_makes_is_no_silent_model(
    tmp_path: Path, warehouse: Warehouse, project: str, model: Model
) -> None:
    """It is said at once, and nobody is asked."""
    stage = _stage(tmp_path, warehouse, project, upstream=model.url, upstream_key="k")
    action = _proposed(stage)
    expects = replace(action.expects, measure="mean(score.of-our-own)")
    elsewhere = actions.move(stage.context.ledger, action, expects=expects)
    assert elsewhere is not None
    trying.run(stage.context, us(AT))
    said = words.tried(_tried(stage, elsewhere))
    assert model.asked == 0 and "mean(score.of-our-own) is no built-in scorer's" in said and ".." not in said


def test_what_becomes_possible_is_tried_then(tmp_path: Path, warehouse: Warehouse, project: str, model: Model) -> None:
    stage = _stage(tmp_path, warehouse, project, upstream=model.url, replay_questions=5)
    action = _proposed(stage)
    for _ in range(3):
        trying.run(stage.context, us(AT))
    assert "upstream_key" in _tried(stage, action)["why"] and model.asked == 0
    _set(stage, upstream_key="k")
    trying.run(stage.context, us(AT + MINUTE))
    assert model.asked == 10 and words.tried(_tried(stage, action)).startswith("The draft was tried on 5 failing")


def test_a_model_that_is_silent_is_asked_again_in_an_hour(
    tmp_path: Path, warehouse: Warehouse, project: str, model: Model
) -> None:
    stage = _stage(tmp_path, warehouse, project, upstream="http://127.0.0.1:9/v1", upstream_key="k")
    action = _proposed(stage)
    for _ in range(3):
        trying.run(stage.context, us(AT))
    told = _tried(stage, action)
    assert "did not answer" in told["why"] and told["trials"] == 1
    _set(stage, upstream=model.url)
    trying.run(stage.context, us(AT + 61 * MINUTE))
    assert model.asked == 40 and _tried(stage, action)["sets"]


def test_a_trial_that_was_killed_is_begun_once_more(
    tmp_path: Path, warehouse: Warehouse, project: str, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = _stage(tmp_path, warehouse, project, upstream=model.url, upstream_key="k")
    action = _proposed(stage)

    class Killed(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(trying, "replayed", dies)
        for begun in (1, 2):
            with pytest.raises(Killed):
                trying.run(stage.context, us(AT))
            assert _tried(stage, action)["begun"] == begun
        trying.run(stage.context, us(AT))
    assert words.tried(_tried(stage, action)) == ""


def test_the_watch_waits_for_no_model_that_writes_drafts(
    tmp_path: Path, warehouse: Warehouse, project: str, model: Model
) -> None:
    """The proposal is there with a prepared text at once; the model's takes its place, is asked for once, and takes
    nobody's own text away."""
    stage = _stage(tmp_path, warehouse, project, judge_url=model.url, judge_model="writer-1")
    stage.incident(NOON, "data", "languages")
    actor.run(stage.context, us(AT))
    [waits] = actions.listed(stage.context.ledger, project)
    assert model.asked == 0 and waits.parameters["template"].startswith("You are A.")
    assert waits.parameters["draft"] == "prepared from the evidence; finish it by hand"
    for _ in range(2):
        trying.run(stage.context, us(AT))
    [now] = actions.listed(stage.context.ledger, project)
    assert now.parameters["draft"].startswith("written by writer-1") and model.asked == 1
    assert now.parameters["template"] == "Spain has lovely weather in May."

    own = {"template": "Answer in the language of the question."}
    again = actions.move(stage.context.ledger, now, result={**now.result, "unasked": True})
    assert again is not None

    def meanwhile(*_: Any, **__: Any) -> Any:
        assert not isinstance(acting.give(stage.context.ledger, project, now.id, own, Author("anna", AT, AT)), Declined)
        return Draft("Be brief and polite to everybody.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trying, "drafted", meanwhile)
        trying.run(stage.context, us(AT))
    [kept] = actions.listed(stage.context.ledger, project)
    assert kept.parameters["template"] == own["template"]
