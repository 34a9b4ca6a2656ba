"""Nothing that is sent as text becomes part of a question, and no project sees another's rows."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from homeostat.store.warehouse.client import Warehouse
from tests.builders import NOON, exchange_id, exchange_row, score_row, signal_row, span_row, store
from tests.web.attacks import NAMES, queries, strings
from tests.web.conftest import Api


@pytest.fixture(scope="module")
def guarded(api: Api, warehouse: Warehouse) -> TestClient:
    """A client of a project with three exchanges, beside one with many."""
    mine, theirs = f"m{secrets.token_hex(6)}", f"t{secrets.token_hex(6)}"
    store(warehouse, exchanges=[exchange_row(mine, name="mine", model="x") for _ in range(3)])
    store(warehouse, exchanges=[exchange_row(theirs, name="theirs", model="x", input="root:x:0:0") for _ in range(20)])
    return api.client(mine)


def test_there_are_enough_strings() -> None:
    assert len(set(strings())) >= 500


def check(answer: Any, sent: object) -> None:
    """Answered or refused, never broken, never more rows than there are."""
    assert answer.status_code in (200, 400), (sent, answer.text[:300])
    assert "theirs" not in answer.text
    assert "root:x" not in answer.text
    if answer.status_code == 200:
        assert len(answer.json()["items"]) <= 3, sent
    else:
        assert set(answer.json()["error"]) <= {"code", "message", "hint"}
        assert "Code:" not in answer.text, sent


def test_injection_strings_in_parameters(guarded: TestClient) -> None:
    every = list(queries())
    for name, text in itertools.islice(every, 0, None, 10):
        check(guarded.get("/api/v1/exchanges", params={name: text}), (name, text))


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_every_injection_string_in_every_parameter(guarded: TestClient) -> None:
    for name, text in itertools.product(NAMES, strings()):
        check(guarded.get("/api/v1/exchanges", params={name: text}), (name, text))
    for name, text in queries():
        check(guarded.get("/api/v1/exchanges", params={name: text}), (name, text))


def test_injection_strings_in_paths_and_keys(guarded: TestClient, api: Api) -> None:
    for text in strings()[::12]:
        for path in ("exchanges", "traces", "sessions"):
            answer = guarded.get(f"/api/v1/{path}/{quote(text, safe='')}")
            # A path may be cut short by "?" and "#", or end before its last part: then it is the list, or nothing.
            assert answer.status_code in (404, 405) or "theirs" not in answer.text, (path, text)
            assert answer.status_code < 500, (path, text, answer.text)
        key = text.encode("ascii", "ignore").decode().translate(dict.fromkeys((*range(32), 127)))
        assert api.opened(f"hs_{key}").get("/api/v1/exchanges").status_code == 401


def test_files_and_addresses_cannot_be_reached_and_nothing_can_be_written(warehouse: Warehouse) -> None:
    for sql in (
        "CREATE TABLE stolen (a UInt8) ENGINE = Memory",
        "INSERT INTO spans (project) VALUES ('x')",
        "DROP TABLE spans",
    ):
        with pytest.raises(Exception, match="readonly"):
            warehouse.ask(sql)
    text = "file('/etc/passwd', 'LineAsString')"
    assert warehouse.ask("SELECT {text:String} AS told", {"text": text}) == [{"told": text}]


FACTS = re.compile(r"\bFROM (?:spans|exchanges|signals|scores)\b")
CANARIES = (
    "name",
    "model",
    "requested_model",
    "provider",
    "user_id",
    "session_id",
    "release",
    "environment",
    "prompt_name",
    "prompt_version",
    "finish_reason",
    "error",
    "input",
    "output",
    "response_id",
)


def planted(project: str, mark: str, trace: str) -> dict[str, Any]:
    """Rows of a project in which every text is a canary; ids are the same in both projects."""
    texts = {name: f"{mark}-{name}" for name in CANARIES}
    row = exchange_row(
        project,
        trace_id=trace,
        span_id=trace[:16],
        tags=[f"{mark}-tag"],
        tools=[f"{mark}-tool"],
        flags=[f"{mark}-flag"],
        **texts,
    )
    about = {"trace_id": trace, "span_id": trace[:16]}
    span = span_row(
        project,
        **about,
        attributes={f"{mark}-key": f"{mark}-value"},
        resource={"service": f"{mark}-service"},
        events=f'[{{"name":"{mark}-event"}}]',
        documents=f'[{{"text":"{mark}-document"}}]',
        tool_calls=f'["{mark}-call"]',
        input=texts["input"],
        output=texts["output"],
        response_id=texts["response_id"],
        op="call",
    )
    return {
        "exchanges": [row],
        "spans": [span],
        "signals": [
            signal_row(
                project,
                id=f"{mark}-signal",
                name=f"{mark}-thumbs",
                comment=f"{mark}-comment",
                label=f"{mark}-label",
                **about,
            ),
            signal_row(project, id=f"{mark}-s", session_id=texts["session_id"], user_id=texts["user_id"]),
        ],
        "scores": [
            score_row(
                project,
                id=f"{mark}-score",
                name=f"{mark}-relevance",
                reason=f"{mark}-reason",
                label=f"{mark}-low",
                **about,
            )
        ],
    }


def crawl(mark: str, trace: str) -> Iterator[str]:
    """Every path and filter, asked for what the other project has."""
    wanted = {name: quote(f"{mark}-{name}") for name in CANARIES}
    span = trace[:16]
    yield from (
        f"exchanges/{trace}-{span}",
        f"traces/{trace}",
        f"sessions/{wanted['session_id']}",
        f"exchanges/{trace}-{'0' * 16}",
    )
    yield from (
        "exchanges",
        "exchanges?kind=all&limit=1000",
        "accounting",
        "keys",
        "projects",
        "status",
        "nothing",
        f"exchanges/{mark}",
        f"traces/{mark}",
    )
    pairs = [f"{name}={value}" for name, value in wanted.items() if name not in ("input", "output", "prompt_name")]
    pairs += [
        f"{name}.contains={mark}"
        for name in ("input", "output", "error", "model", "tag", "tool", "flag", "user", "session")
    ]
    pairs += [
        f"q={mark}",
        f"q={wanted['input']}",
        f"q={trace}",
        f"id={trace}-{span}",
        f"trace={trace}",
        f"tag={mark}-tag",
        f"label={mark}-label",
        f"attribute.{mark}-key={mark}-value",
        f"attribute.{mark}-key.exists=true",
        f"attribute.service.contains={mark}",
        f"score.{mark}-relevance.gte=0",
        f"score.{mark}-relevance.exists=true",
        f"signal.{mark}-thumbs={mark}-label",
        f"signal.{mark}-thumbs.exists=true",
        f"user={wanted['user_id']}",
        f"prompt={wanted['prompt_name']}",
    ]
    for pair in pairs:
        name, _, value = pair.partition("=")
        yield f"exchanges?{pair}"
        yield f"exchanges?kind=all&{pair}&{pair}x"
        yield f"exchanges/export?{pair}"
        yield f"measures?measure=count&from=7d&by=model,user&{pair}"
        yield f"exchanges?{name}.not={value}"
        yield f"exchanges?from=7d&to=2030-01-01&limit=1&{pair}"
    dimensions = ("model", "user", "session", "tag", "status", f"attribute.{mark}-key", "attribute.service")
    yield from (f"measures?measure=count,unique(user)&from=7d&by={name}" for name in dimensions)
    yield from (f"exchanges/export?format={form}&kind=all" for form in ("jsonl", "csv", "parquet"))


def isolation(api: Api, warehouse: Warehouse, rounds: int) -> int:
    """Crawl as one project for the other's things, both ways; tells how many answers were looked at."""
    answers = 0
    for _ in range(rounds):
        trace = secrets.token_hex(16)
        marks = [f"canary{secrets.token_hex(8)}" for _ in range(2)]
        names = [f"p{secrets.token_hex(6)}" for _ in range(2)]
        for name, mark in zip(names, marks, strict=True):
            store(warehouse, **planted(name, mark, trace))
        for (own, other), name in zip((marks, marks[::-1]), names, strict=True):
            client = api.client(name, "read", "admin")
            seen = client.get("/api/v1/exchanges").text
            assert own in seen  # the crawler would see a canary if it were there
            for path in crawl(other, trace):
                answer = client.get(f"/api/v1/{path}")
                # What was asked is repeated: the path, and the dimension that points are told by.
                body = answer.text.replace(quote(path), "").replace(f'"attribute.{other}-key":', "")
                answers += 1
                asked_back = (
                    answer.status_code == 400 or answer.status_code == 404
                )  # an error may repeat the name of a filter
                assert asked_back or other not in body, path
                assert answer.status_code < 500, (path, answer.text)
                if asked_back:
                    assert f"{other}-value" not in body, path
    return answers


def test_no_project_sees_anothers(api: Api, warehouse: Warehouse) -> None:
    assert isolation(api, warehouse, 1) >= 300


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_no_project_sees_anothers_in_thousands_of_answers(api: Api, warehouse: Warehouse) -> None:
    assert isolation(api, warehouse, 140) >= 50_000


def test_every_question_names_its_project(api: Api, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked: each reading of a table of facts is bound to the visitor's project."""
    asked: list[str] = []
    ask = warehouse.ask

    def record(sql: str, parameters: Any = None) -> Any:
        asked.append(sql)
        return ask(sql, parameters)

    project, mark, trace = f"p{secrets.token_hex(6)}", "mark", secrets.token_hex(16)
    store(warehouse, **planted(project, mark, trace))
    client = api.client(project, "read", "admin")
    monkeypatch.setattr(warehouse, "ask", record)
    for path in crawl(mark, trace):
        client.get(f"/api/v1/{path}")
    reads = [sql for sql in asked if FACTS.search(sql)]
    assert len(reads) > 200
    for sql in reads:
        if "AS last FROM exchanges" not in sql:  # the ends of all time, which nobody is shown
            assert len(FACTS.findall(sql)) == sql.count("project = {project:String}"), sql


def test_signals_of_a_like_named_user_stay_at_home(api: Api, warehouse: Warehouse) -> None:
    mine, theirs = (f"p{secrets.token_hex(6)}" for _ in range(2))
    row = exchange_row(mine, user_id="anna", session_id="1")
    store(
        warehouse,
        exchanges=[row],
        signals=[
            signal_row(theirs, user_id="anna", session_id="1", trace_id=row["trace_id"], at=NOON + timedelta(minutes=1))
        ],
    )
    assert api.client(mine).get(f"/api/v1/exchanges/{exchange_id(row)}").json()["signals"] == []
