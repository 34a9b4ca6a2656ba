"""What changes without a word is seen: once, with what changed, and nothing that only looks like it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from homeostat.records.release import Release
from homeostat.registry import implicit, places
from homeostat.store.ledger import Ledger, audit, projects, releases, sightings
from homeostat.store.warehouse.client import Warehouse
from tests.builders import exchange_row, new_span, new_trace, span_row, store

START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path, project: str) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db", seal=b"seal")
    ledger.upgrade()
    projects.ensure(ledger, project, at=START)
    yield ledger
    ledger.close()


class App:
    """An application whose calls are stored as the loader stores them."""

    def __init__(self, warehouse: Warehouse, ledger: Ledger, project: str) -> None:
        self.warehouse, self.ledger, self.project = warehouse, ledger, project
        self.at = START
        self._spans: list[dict[str, Any]] = []
        self._exchanges: list[dict[str, Any]] = []

    def calls(self, count: int = 5, *, system: str = "You are kind.", shape: str = "genai", **given: Any) -> App:
        """So many calls, a minute apart; then a quarter of an hour passes."""
        config = {"service": "shop", "model": "gpt-4o-2024-08-06", "requested_model": "gpt-4o", "name": "chat gpt-4o"}
        config |= {"release": "", "prompt_name": "", "temperature": 0.2} | given
        for _ in range(count):
            self.at += timedelta(minutes=1)
            trace, span, parent = new_trace(), new_span(), new_span()
            same = {key: config[key] for key in ("model", "requested_model", "name", "release", "prompt_name")}
            own = {"trace_id": trace, "span_id": span, "at": self.at}
            attributes, numbers = shaped(shape, system, config["temperature"])
            resource = {"service.name": config["service"]}
            more = {"resource": resource, "attributes": attributes, "attributes_json": numbers, "parent_id": parent}
            self._spans.append(span_row(self.project, **own, **same, **more))
            self._spans.append(
                span_row(self.project, trace_id=trace, span_id=parent, at=self.at, op="chain", name="answer")
            )
            self._exchanges.append(exchange_row(self.project, **own, **same))
        self.at += timedelta(minutes=15)
        return self

    def look(self) -> list[Release]:
        """Every implicit release so far, newest first."""
        store(self.warehouse, spans=self._spans, exchanges=self._exchanges)
        self._spans, self._exchanges = [], []
        implicit.run(self.warehouse, self.ledger, self.at)
        return [kept.release for kept in releases.listed(self.ledger, self.project, implicit=True)]

    def changed(self) -> list[dict[str, Any]]:
        return [dict(each.changed or {}) for each in sightings.changes(self.ledger, self.project)]


def shaped(shape: str, system: str, temperature: float) -> tuple[dict[str, str], dict[str, str]]:
    """As instrumentors of several houses write it."""
    turns = [{"role": "system", "content": system}, {"role": "user", "content": "Where is my order?"}]
    if shape == "openinference":
        return {
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": system,
            "llm.invocation_parameters": json.dumps({"temperature": temperature, "model": "gpt-4o"}),
        }, {}
    numbers = {"gen_ai.request.temperature": json.dumps(temperature)}
    if shape == "traceloop":
        return {"gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": system}, numbers
    if shape == "spliced":
        return {"gen_ai.input.messages": "\x1aS" + json.dumps(turns).replace("Where is my order?", "\x1aI")}, numbers
    if shape == "instructions":
        return {"gen_ai.system_instructions": json.dumps([{"type": "text", "content": system}])}, numbers
    if shape == "request":
        return {"input.value": json.dumps({"model": "gpt-4o", "messages": turns})}, numbers
    return {"gen_ai.input.messages": json.dumps(turns)}, numbers


@pytest.fixture
def app(warehouse: Warehouse, ledger: Ledger, project: str) -> App:
    return App(warehouse, ledger, project)


@pytest.mark.parametrize("shape", ["genai", "openinference", "traceloop", "spliced", "instructions", "request"])
def test_another_system_prompt(app: App, shape: str) -> None:
    assert app.calls(shape=shape).look() == []
    (found,) = app.calls(system="You are rude.", shape=shape).look()
    (changed,) = app.changed()
    assert list(changed) == ["system"]
    assert "kind" in changed["system"]["from"] and "rude" in changed["system"]["to"] and "rude" in found.system
    assert (found.implicit, found.model, found.model_version) == (True, "gpt-4o", "gpt-4o-2024-08-06")
    assert app.calls(shape=shape).calls(system="You are rude.", shape=shape).look() == [found], "both are known now"
    entries = [entry for entry in audit.entries(app.ledger, project=app.project) if entry.action == "release.seen"]
    assert [entry.subject for entry in entries] == [found.name]


def test_another_model_answers(app: App) -> None:
    app.calls(release="v1")
    (found,) = app.calls(release="v1", model="gpt-4o-2026-01-01").look()
    assert app.changed() == [{"model": {"from": "gpt-4o-2024-08-06", "to": "gpt-4o-2026-01-01"}}]
    assert found.model_version == "gpt-4o-2026-01-01"


@pytest.mark.parametrize("shape", ["genai", "openinference"])
def test_other_parameters_and_another_requested_model(app: App, shape: str) -> None:
    app.calls(shape=shape)
    (found,) = app.calls(temperature=0.9, shape=shape, requested_model="o5", name="chat o5", model="o5").look()
    assert found.parameters == {"temperature": 0.9}
    assert list(app.changed()[0]) == ["requested_model", "model", "parameters"]


def test_numbers_and_dates_are_no_change(app: App) -> None:
    app.calls(system="Today is Monday, 21 November 2026. You have 3 tools.")
    assert app.calls(system="Today is Tuesday, 1 December 2026. You have 12 tools.").look() == []


def test_two_calls_are_not_enough_and_a_third_one_later_is(app: App) -> None:
    app.calls().calls(2, system="You are rude.")
    assert app.look() == []
    assert len(app.calls(1, system="You are rude.").look()) == 1


def test_a_prompt_that_carries_documents_says_nothing(app: App) -> None:
    for word in "abcdefghijklmnopqrstuvwx":
        app.calls(1, system=f"Answer from this: {word * 20}")
        app.at -= timedelta(minutes=15)
    app.at += timedelta(minutes=15)
    for word in "abcdefghijklmnopqrstuvwx":
        app.calls(1, system=f"Answer from that: {word * 30}")
        app.at -= timedelta(minutes=15)
    app.at += timedelta(minutes=15)
    assert app.look() == []


def test_a_prompt_that_carries_documents_says_nothing_in_quiet_hours(app: App) -> None:
    """One call in a slice: that its prompt is another than the others is only seen from far."""
    rng = random.Random(5)
    documents = [f"Answer from this: {word * 20}" for word in "abcdefghijklmnopqrstuvwxyz"]
    for _ in range(90):
        app.calls(1, system=rng.choices(documents, [1 / (1 + place) for place in range(26)])[0])
    assert app.look() == []
    (found,) = app.calls(4, system=documents[0], temperature=0.9).look()
    assert list(app.changed()[0]) == ["parameters"] and found.implicit


def test_documents_that_many_ask_for_are_not_a_configuration_each(app: App) -> None:
    """Most are seen often enough to be one. What varies is left out, the rest is compared as ever."""
    rng = random.Random(6)
    documents = [f"Answer from this: {word * 20}" for word in "abcdefghijklmnopqrstuvwxyz"]
    for _ in range(60):
        app.calls(2, system=rng.choices(documents, [1 / (1 + place) for place in range(26)])[0])
        app.at -= timedelta(minutes=15)
    app.at += timedelta(minutes=15)
    assert app.look() == []
    assert len(sightings.of(app.ledger, app.project, "shop", "answer > chat ")) <= places.VARIED + 3
    (found,) = app.calls(3, system=documents[0], model="gpt-4o-2026-01-01").look()
    assert list(app.changed()[0]) == ["model"] and found.system == ""


def test_a_limit_that_is_computed_for_each_call_is_no_change(app: App) -> None:
    for limit in range(14):
        app.calls(1, temperature=limit / 100)
    assert app.look() == []
    for limit in range(3):
        app.calls(3, temperature=limit / 100)
    assert app.look() == []
    (found,) = app.calls(3, temperature=0.5, system="You are rude.").look()
    assert list(app.changed()[0]) == ["system"] and found.parameters == {}


def test_what_varies_no_more_is_compared_again_after_a_day(app: App) -> None:
    for word in "abcdefghijklmnop":
        app.calls(1, system=f"Answer from this: {word * 20}")
    for _ in range(2):
        app.at += timedelta(hours=25)
        assert app.calls(5).look() == []
    (found,) = app.calls(5, system="You are rude.").look()
    assert list(app.changed()[0]) == ["system"] and "rude" in found.system


def test_what_was_there_together_from_the_beginning_changed_nothing(app: App) -> None:
    app.calls(4)
    app.at = START
    app.calls(4, system="You route questions.")
    assert app.look() == []


def test_other_services_names_and_projects_are_something_else(app: App) -> None:
    app.calls().calls(service="mail", system="You write mails.").calls(name="judge", system="You judge.")
    assert app.look() == []


def test_a_release_that_says_its_name_is_no_secret_but_stands_on_the_timeline(app: App) -> None:
    app.calls(release="v1")
    assert app.calls(release="v2", system="You are brief.").look() == []
    (changed,) = app.changed()
    assert changed["release"] == {"from": "v1", "to": "v2"} and "system" in changed
    (found,) = app.calls(release="v2", system="You are rude.").look()
    assert "rude" in found.system


def test_slices_are_the_same_however_often_it_looks(
    app: App, warehouse: Warehouse, tmp_path: Path, project: str
) -> None:
    """Looking once at the end, or every minute meanwhile, finds the same: a replay is like the live run."""
    for system in ("You are kind.", "You are rude.", "You are kind.", "You are brief."):
        app.calls(4, system=system)
    end = app.at
    first = app.look()
    other = Ledger(f"sqlite:///{tmp_path}/other.db", seal=b"seal")
    other.upgrade()
    projects.ensure(other, project, at=START)
    now = START
    while now < end:
        now += timedelta(minutes=7)
        implicit.run(warehouse, other, min(now, end))
    assert [kept.release for kept in releases.listed(other, project, implicit=True)] == first
    assert len(first) == 2
    other.close()
