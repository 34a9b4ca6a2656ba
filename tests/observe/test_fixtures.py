"""Truth: what real SDKs sent, loaded as the server loads it, is what the provider saw, call by call.

Each set is loaded as it was recorded, and once more request by request in the opposite order: parents before
children, spans before the log records that hold their texts. The exchanges must be the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.observe.otlp.check import check
from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.warehouse.client import Warehouse

from .exact.recorded import SETS, envelopes, truth
from .exact.test_recorded import TOKENS, expected, holds
from .exact.unheld import UNHELD
from .segments import Room

#: Sets in which something else than a call of the provider is told as one: (case, how many).
MORE = {"e_langfuse": 1}  # an observation made by hand
COLUMNS = (
    "trace_id, span_id, op, is_answer, is_call, model, requested_model, provider, response_id, "
    "input_tokens, output_tokens, cached_tokens, "
    "cache_write_tokens, reasoning_tokens, cost, estimated, calls, status, error, streaming, finish_reason, user_id, "
    "session_id, tools, "
    "trace_key, input_row, output_row, input_start, output_start, members"
)


def requests(name: str, project: str) -> list[Envelope]:
    """The traces and logs requests of a set, as the edge writes them."""
    return [
        replace(one, project=project, items=check("logs" if one.part is Part.LOGS else "traces", one.body, 0).items)
        for one in envelopes(name)
    ]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, warehouse: Warehouse) -> Room:
    return Room(Path(tmp_path_factory.mktemp("fixtures")), warehouse)


@pytest.fixture(scope="module", params=["whole", "backwards"])
def loaded(request: pytest.FixtureRequest, room: Room) -> dict[str, list[dict[str, Any]]]:
    """The exchanges of every set, with their whole texts."""
    found = {}
    for name in SETS:
        project = f"{name}-{request.param}"
        sent = requests(name, project)
        if request.param == "whole":
            room.put(*sent)
        else:
            for one in reversed(sent):
                room.put(one)
        room.load()
        texts = {
            row["row_key"]: row
            for row in room.warehouse.ask(
                "SELECT row_key, input, output, tool_calls FROM spans WHERE project = {p:String}", {"p": project}
            )
        }
        found[name] = room.exchanges(project, COLUMNS)
        for row in found[name]:
            row["input"] = texts[row["input_row"]]["input"] if row["input_row"] else ""
            row["output"] = texts[row["output_row"]]["output"] if row["output_row"] else ""
            row["tool_calls"] = ""
    return found


def calls(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for case in truth(name)["cases"]:
        for number, call in enumerate(case.get("llm_calls", ())):
            if call["status"] != 500:  # retried inside the client: SDKs tell of the attempt that came through
                yield f"{case['case']}-{number}", call


@pytest.mark.parametrize("name", SETS)
def test_one_call_for_every_call(name: str, loaded: dict[str, list[dict[str, Any]]]) -> None:
    told = [row for row in loaded[name] if row["is_call"]]
    wire = list(calls(name))
    assert len(told) == len(wire) + MORE.get(name, 0)
    left = list(told)
    for case, call in wire:
        row = best(name, case, call, left)
        left.remove(row)
        assert wrong(name, case, call, row) == {}, case


def best(name: str, case: str, call: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The row that fits a call best: no two calls may share one."""
    return min(rows, key=lambda row: (len(wrong(name, case, call, row)), len(wrong("", case, call, row))))


def wrong(name: str, case: str, call: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """What a row says otherwise than the provider saw it, but for what the payload does not hold."""
    wanted = expected(call)
    wanted.pop("tool_calls", None)
    found = {column: (value, row[column]) for column, value in wanted.items() if not holds(row, column, value)}
    if call["usage_sent_in_stream"] is False and not row["estimated"] and not UNTOLD_BUT_GUESSED.get(name):
        found["estimated"] = (["tokens"], row["estimated"])
    if (row["status"] == "error") != (call["error"] is not None):
        found["status"] = (call["error"], row["status"])
    tools = [tool["name"] for tool in call["tool_calls"]]
    if row["tools"] != tools:
        found["tools"] = (tools, row["tools"])
    if (row["op"] == "embedding") != call["api"].endswith("embeddings"):
        found["op"] = (call["api"], row["op"])
    unheld = UNHELD.get(name, {})
    return {column: both for column, both in found.items() if not _excused(unheld.get(column), case)}


#: Openlit counts tokens itself where the provider sent none.
UNTOLD_BUT_GUESSED = {"j_openlit": True}


def _excused(cases: str | tuple[str, ...] | None, case: str) -> bool:
    return cases is not None and (cases == "all" or case in cases or case.rsplit("-", 1)[0] in cases)


@pytest.mark.parametrize("name", SETS)
def test_tokens_are_summed_once(name: str, loaded: dict[str, list[dict[str, Any]]]) -> None:
    """Over calls, and over answers with the calls that are in none (embeddings beside them)."""
    if name in ("e_langfuse", "j_openlit", "i_llamaindex_openinference", "g_mlflow"):
        pytest.skip("this SDK does not send all usage, or some of its own")
    told = [row for row in loaded[name] if row["is_call"] and not row["estimated"]]
    wire = [call["tokens"] for _, call in calls(name) if call["tokens"] and call["usage_sent_in_stream"] is not False]
    assert sum(row["input_tokens"] or 0 for row in told) == sum(
        t.get("input_with_cache") or t["input"] or 0 for t in wire
    )
    assert sum(row["output_tokens"] or 0 for row in told) == sum(t["output"] or 0 for t in wire)


@pytest.mark.parametrize("name", SETS)
def test_answers_sum_their_calls(name: str, loaded: dict[str, list[dict[str, Any]]]) -> None:
    rows = loaded[name]
    for answer in (row for row in rows if row["is_answer"] and not row["is_call"]):
        below = [
            row for row in rows if row["trace_key"] == answer["trace_key"] and row["is_call"] and not row["is_answer"]
        ]
        assert answer["calls"] <= len(below)
        if answer["calls"] == len(below) and below:
            for column in TOKENS.values():
                assert (answer[column] or 0) == sum(row[column] or 0 for row in below), column
            assert (answer["cost"] or 0) == pytest.approx(sum(row["cost"] or 0 for row in below))


@pytest.mark.parametrize("name", SETS)
def test_user_and_session_hold_for_the_whole_trace(name: str, loaded: dict[str, list[dict[str, Any]]]) -> None:
    if name == "g_mlflow":
        pytest.skip("the SDK loses them")
    told = {(row["user_id"], row["trace_key"]) for row in loaded[name] if row["is_answer"] or row["is_call"]}
    assert all(len({user for user, trace in told if trace == one}) == 1 for _, one in told)
    declared = {case["user"] for case in truth(name)["cases"] if case.get("user") and case.get("llm_calls")}
    assert {row["user_id"] for row in loaded[name] if row["is_call"]} - {""} == declared


def test_both_orders_make_the_same_exchanges(room: Room) -> None:
    for name in SETS:
        seen = []
        for order in ("whole", "backwards"):
            rows = room.exchanges(f"{name}-{order}", COLUMNS.replace("trace_key, input_row, output_row, ", ""))
            seen.append(json.dumps(rows, default=repr))
        assert seen[0] == seen[1], name
