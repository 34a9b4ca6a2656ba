"""Truth: what real SDKs sent, against what the provider saw on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from homeostat.observe.exact import Row

from .recorded import SETS, rows_of, truth
from .unheld import UNHELD

TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_tokens",
    "cache_write": "cache_write_tokens",
    "reasoning": "reasoning_tokens",
}


def calls() -> Iterator[Any]:
    for name in SETS:
        for case in truth(name)["cases"]:
            for number, call in enumerate(case.get("llm_calls", ())):
                if call["status"] == 500:
                    continue  # retried inside the client: SDKs tell of the attempt that came through
                yield pytest.param(name, f"{case['case']}-{number}", call, id=f"{name}-{case['case']}-{number}")


def members(name: str, call: dict[str, Any]) -> list[Row]:
    """The rows that tell of one call: by its id, else by its texts."""
    rows = [row for row in rows_of(name) if row["op"] in ("call", "embedding")]
    by_id = [row for row in rows if call["response_id"] and row["response_id"] == call["response_id"]]
    asked = call["input_last_user"]
    asked = "\n".join(asked) if isinstance(asked, list) else asked
    by_text = [
        row
        for row in rows
        if row["input"] == asked
        and row["output"] == (call["output_text"] or "")
        and not (row["response_id"] and call["response_id"] and row["response_id"] != call["response_id"])
        and _same_usage(row, call)
    ]
    by_usage = [  # no text told, or told in other words
        row
        for row in rows
        if (row["op"] == "embedding") == call["api"].endswith("embeddings")
        and bool(row["error"]) == bool(call["error"])
        and (row["op"] == "embedding" or row["error"])
        and row["requested_model"] in ("", call["model_requested"])
        and _same_usage(row, call)
    ]
    return by_id or by_text or by_usage


def _same_usage(row: Row, call: dict[str, Any]) -> bool:
    tokens = call["tokens"] or {}
    return row["input_tokens"] in (None, tokens.get("input"), tokens.get("input_with_cache")) and row[
        "output_tokens"
    ] in (None, tokens.get("output"))


def expected(call: dict[str, Any]) -> dict[str, Any]:
    """Columns that the truth knows; what the SDK was never told by the provider is left out."""
    asked = call["input_last_user"]
    found: dict[str, Any] = {
        "requested_model": call["model_requested"],
        "model": call["model_answered"],
        "provider": call["provider"],
        "response_id": call["response_id"],
        "input": "\n".join(asked) if isinstance(asked, list) else asked,
        "output": call["output_text"],
        "finish_reason": call["finish_reason"],
        "streaming": True if call["streaming"] else None,
        "tool_calls": call["tool_calls"] or None,
    }
    tokens = dict(call["tokens"] or {})
    if "input_with_cache" in tokens:
        tokens["input"] = tokens["input_with_cache"]
    if call["usage_sent_in_stream"] is not False:
        found |= {column: tokens.get(name) for name, column in TOKENS.items() if tokens.get(name)}
    return {column: value for column, value in found.items() if value is not None}


def holds(row: Row, column: str, value: Any) -> bool:
    if column == "tool_calls":
        told = json.loads(row["tool_calls"]) if row["tool_calls"] else []
        return [(c["name"], c["arguments"]) for c in told] == [(c["name"], c["arguments"]) for c in value]
    if column == "finish_reason":
        return row[column] in SAME_END.get(value, (value,))
    return bool(row[column] == value)


#: SDKs use their own words for why an answer ended.
SAME_END = {
    "tool_calls": ("tool_calls", "tool_call", "tool-calls", "tool_use"),
    "tool_use": ("tool_use", "tool_call", "tool_calls"),
    "completed": ("completed", "stop"),
    "stop": ("stop", "end_turn"),
    "end_turn": ("end_turn", "stop"),
}


@pytest.mark.parametrize(("name", "case", "call"), list(calls()))
def test_a_call_is_told_whole(name: str, case: str, call: dict[str, Any]) -> None:
    rows = members(name, call)
    assert rows, "no row tells of this call"
    spans = {row["span_id"] for row in rows}
    rows += [row for row in rows_of(name) if row["form"] == "log" and not row["op"] and row["span_id"] in spans]
    missing = {
        column: (value, [row[column] for row in rows])
        for column, value in expected(call).items()
        if not any(holds(row, column, value) for row in rows)
    }
    unheld = UNHELD.get(name, {})
    allowed = {column for column in missing if _excused(unheld.get(column), case)}
    assert missing.keys() - allowed == set(), missing


def _excused(cases: str | tuple[str, ...] | None, case: str) -> bool:
    return cases is not None and (cases == "all" or case in cases or case.rsplit("-", 1)[0] in cases)


@pytest.mark.parametrize(("name", "case", "call"), list(calls()))
def test_no_row_of_a_call_says_something_false(name: str, case: str, call: dict[str, Any]) -> None:
    told = expected(call)
    for row in members(name, call):
        for column in ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"):
            if row[column] and column in told:
                assert row[column] == told[column], (column, row["scope"])
        assert bool(row["error"]) == (call["error"] is not None) or not call["error"]
        assert row["streaming"] in (None, bool(call["streaming"])) or name == "h_langchain_openinference"


#: Sets whose application puts user and session where only other spans of the trace have them, or nowhere at all.
LOST_CONTEXT = ("g_mlflow",)
#: Declared by the script, but the SDK sends nothing of it.
LOST_TAGS = ("c2_genai_anthropic", "c_openinference_anthropic", "d_traceloop", "g_mlflow", "j_openlit")
#: d: the output of a task, which nothing calls a retriever.
LOST_DOCUMENTS = ("d_traceloop", "j_openlit", "m_vercel_ai")
#: LlamaIndex gives its nodes ids and scores of its own.
NEW_IDS = ("i_llamaindex_openinference",)
LOST_TOOLS = ("j_openlit",)


@pytest.mark.parametrize("name", SETS)
def test_user_session_and_tags_are_read_where_they_stand(name: str) -> None:
    declared = [case for case in truth(name)["cases"] if case.get("user")]
    rows = rows_of(name)
    if name in LOST_CONTEXT:
        assert not any(row["user_id"] or row["session_id"] for row in rows)
        return
    assert {row["user_id"] for row in rows} - {""} == {case["user"] for case in declared}
    assert {case["session"] for case in declared} <= {row["session_id"] for row in rows}
    assert not any("Scrubbed" in row["session_id"] for row in rows)
    tags = [case["tags"] for case in declared if case.get("tags")]
    assert not tags or name in LOST_TAGS or any(row["tags"] == tags[0] for row in rows)


@pytest.mark.parametrize("name", [name for name in SETS if name not in LOST_DOCUMENTS])
def test_documents_are_read(name: str) -> None:
    for case in truth(name)["cases"]:
        if not case.get("documents"):
            continue
        told = [json.loads(row["documents"]) for row in rows_of(name) if row["documents"]]
        assert any(same_documents(documents, case["documents"], name in NEW_IDS) for documents in told), told


def same_documents(told: list[dict[str, Any]], wanted: list[dict[str, Any]], new_ids: bool) -> bool:
    """Whether all was told of all documents; where they come from is not said in every dialect."""
    if [one["text"] for one in told] != [one["text"] for one in wanted]:
        return False
    return new_ids or all(
        (one["id"], one["score"]) == (other["id"], other["score"]) and one["source"] in ("", other["source"])
        for one, other in zip(told, wanted, strict=True)
    )


@pytest.mark.parametrize("name", [name for name in SETS if name not in LOST_TOOLS])
def test_tools_that_ran_are_tools(name: str) -> None:
    for case in truth(name)["cases"]:
        for run in case.get("tool_executions", ()):
            tools = [row for row in rows_of(name) if row["op"] == "tool"]
            assert any("KW-1042" in row["input"] and "shipped" in row["output"] for row in tools), case["case"]
            assert run["name"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("b_openinference_openai", ("", "v7")),
        ("d_traceloop", ("", "7")),
        ("e_langfuse", ("kettle-answer", "3")),
    ],
)
def test_prompts_are_read(name: str, wanted: tuple[str, str]) -> None:
    told = {(row["prompt_name"], row["prompt_version"]) for row in rows_of(name) if row["op"] == "call"}
    assert wanted in told


@pytest.mark.parametrize("name", SETS)
def test_only_calls_carry_usage(name: str) -> None:
    for row in rows_of(name):
        if row["op"] not in ("call", "embedding"):
            assert [row[column] for column in (*TOKENS.values(), "cost", "ttft_ms", "streaming")] == [None] * 8


@pytest.mark.parametrize("name", SETS)
def test_failed_calls_say_why(name: str) -> None:
    failed = [row for row in rows_of(name) if row["op"] == "call" and row["error"] and row["form"] == "span"]
    calls = [call for case in truth(name)["cases"] for call in case.get("llm_calls", ())]
    expect = ["refused" if call["status"] == 400 else "rate" for call in calls if call["status"] in (400, 429)]
    assert bool(failed) == bool(expect)
    assert not failed or any(expect[0] in row["error"].lower() for row in failed)


@pytest.mark.parametrize("name", SETS)
def test_release_and_environment(name: str) -> None:
    found = {(row["release"], row["environment"]) for row in rows_of(name)}
    assert found <= {("1.4.2", "prod"), ("1.4.2", ""), ("", "prod"), ("", "")}
