"""Answers, as frameworks tell of them: one question of a user is one answer, with the words of both and all its calls.

Recorded on 2026-11-22 against a provider that answers `A:` and the question, after a tool call where tools are offered.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from homeostat.observe.otlp.check import check
from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.warehouse.client import Warehouse

from .segments import Room

FOLDER: Final = Path(__file__).parents[1] / "fixtures" / "frameworks"
RECEIVED: Final = 1_795_352_400 * 1_000_000_000
LOST: Final = ""
#: Set -> question -> calls, and what came where that was not `A:` and the question.
ASKED: Final[dict[str, list[tuple[str, int] | tuple[str, int, str]]]] = {
    "agent_framework": [("af plain question", 1), ("af tool question", 2)],
    "agents_js": [
        ("agjs plain question", 1),
        ("agjs chat question", 1),
        ("agjs stream question", 1),
        ("agjs tool question", 2),
    ],
    "agno": [("agno plain question", 1), ("agno tool question", 2), ("agno FAIL question", 1, "bad thing happened")],
    "autogen": [
        ("autogen tool question", 2),
        ("autogen team question", 2, "A:A:autogen team question"),  # what the second of two agents said to the first
    ],
    "bedrock": [
        ("bedrock plain question", 1),
        ("bedrock tool question", 1, LOST),  # the tool's answer was not sent back
        ("bedrock FAIL question", 1, LOST),
    ],
    "dotnet_ai": [  # written by hand, as Microsoft.Extensions.AI names things
        ("dotnet plain question", 1),
        ("dotnet tool question", 2),
        ("dotnet log question", 1),
        ("dotnet FAIL question", 1, LOST),
    ],
    "dspy": [("dspy direct question", 1), ("dspy plain question", 2, LOST)],  # it could not parse the answer, twice
    "genkit": [
        ("gk plain question", 1),
        ("gk stream question", 1),
        ("gk tool question", 2),
        ("gk flow question", 1),
        ("gk FAIL question", 1, LOST),
    ],
    "google_adk": [("adk tool question", 2)],
    "google_adk_hidden": [(LOST, 2, LOST)],  # texts were not captured
    "google_genai": [
        ("gemini plain question", 1),
        ("gemini tool question", 1),
        ("gemini stream question", 1, "A:"),  # every chunk is told as a choice of its own
        ("gemini FAIL question", 1, LOST),
    ],
    "groq_mistral": [
        ("groq plain question", 1),
        ("groq stream question", 1, LOST),  # told is where the stream lies in memory
        ("groq FAIL question", 1, LOST),
        ("mistral plain question", 1),
        ("mistral stream question", 1),
        ("mistral FAIL question", 1, LOST),
    ],
    "haystack": [
        ("haystack Where is Rome?", 1, "A:Docs: Rome is in Italy. Question: haystack Where is Rome?"),
        ("haystack FAIL question", 1, LOST),
    ],
    "langfuse_3": [("lf30 plain question", 1), ("lf30 tool question", 2), ("lf30 FAIL question", 1, LOST)],
    "langfuse_js": [
        ("lfjs plain question", 1),
        ("lfjs stream question", 1),
        ("lfjs traced question", 1),
        ("lflc plain question", 1),
        ("lfjs FAIL question", 1, LOST),
    ],
    "langsmith": [
        ("lang plain question", 1),
        ("lang stream question", 1),
        ("lang tool question", 2),
        ("lang chain question", 1, "A:Docs: x. Q: lang chain question"),
        ("lang FAIL question", 1, LOST),
    ],
    "langsmith_js": [("lsjs plain question", 1), ("lsjs traced question", 1), ("lsjs FAIL question", 1, LOST)],
    "langtrace": [
        ("ltjs plain question", 1),
        ("ltjs root question", 1),
        (
            "ltjs tool question",
            1,
            LOST,
        ),  # two requests of one trace each: the tool's answer was sent back in the second
        ("ltjs tool question", 1),
    ],
    "litellm": [
        ("litellm plain question", 1),
        ("litellm stream question", 1),
        ("litellm tool question", 1, LOST),  # the tool's answer was not sent back
        ("litellm FAIL question", 1, LOST),
    ],
    "mastra": [
        ("mas plain question", 1),
        ("mas stream question", 1),
        ("mas tool question", 2),
        ("mas FAIL question", 1, LOST),
    ],
    "openai_agents": [
        ("agents plain question", 1),
        ("agents chat question", 1),
        ("agents tool question", 2),
        (LOST, 1, LOST),  # two that failed: their questions were not sent
        (LOST, 1, LOST),
    ],
    "openai_js": [
        ("jsgenai plain question", 1),
        ("jsgenai tool question", 1, LOST),
        ("jsgenai tool question", 1),
        ("jsgenai responses question", 1),
        ("jsgenai FAIL question", 1, LOST),
    ],
    "openllmetry_js": [  # LangChain's spans stand beside those of its client
        ("tlw plain question", 1),
        ("tlw chain question", 1),
        ("tlw tool question", 2),
        ("tlw FAIL question", 1, LOST),
    ],
    "openllmetry_langchain": [
        ("lc plain question", 1),
        ("lc stream question", 1),  # the chain's span was not told what it was asked
        ("lc tool question", 2),
    ],
    "semantic_kernel": [("sk plain question", 1), ("sk prompt question", 1)],
    "smolagents": [("smol plain question", 1, "final New task:\nsmol plain question")],
    "spring_ai": [  # written by hand; texts are events of the spans, as in its milestones, or lines of the log
        ("spring plain question", 1),
        ("spring log question", 1),
        ("spring tool question", 2),
        ("spring FAIL question", 1, LOST),
    ],
    "strands": [
        ("strands plain question", 1, "A:strands plain question\n"),
        ("strands tool question", 2, "A:strands tool question\n"),
        ("strands FAIL question", 1, LOST),
    ],
    "vercel_4": [
        ("ai plain question", 1),
        ("ai tool question", 2),
        ("ai FAIL question", 1, LOST),
    ],
    "vercel_7": [
        ("ai plain question", 1),
        ("ai stream question", 1),
        ("ai tool question", 2),
        ("ai FAIL question", 1, LOST),
    ],
}

#: What the provider said to every call but the failed ones, as far as the payloads hold it.
CALL: Final[dict[str, Any]] = {
    "model": "gpt-4o-2026",
    "requested_model": "gpt-4o",
    "provider": "openai",
    "input_tokens": 100,
    "output_tokens": 20,
    "cached_tokens": 64,
    "reasoning_tokens": 8,
}
ANNA: Final = {"user_id": "anna", "session_id": "s1"}
#: Set -> what is not so, and what else every call of the set says.
SAID: Final[dict[str, dict[str, Any]]] = {
    "dotnet_ai": {"reasoning_tokens": None, "cached_tokens": 64},
    "genkit": {"requested_model": "openai/gpt-4o", "provider": ""},
    "langfuse_3": {"requested_model": "", "provider": "", **ANNA},
    "langsmith_js": ANNA,
    "langtrace": {"cached_tokens": None, "reasoning_tokens": None},
    "mastra": ANNA,
    "openai_js": {"cached_tokens": None, "reasoning_tokens": None},
    "openllmetry_js": {"cached_tokens": None, "reasoning_tokens": None, **ANNA},
    "spring_ai": {"cached_tokens": None, "reasoning_tokens": None, "session_id": "s1"},
    "vercel_4": ANNA,
    "vercel_7": {"reasoning_tokens": None},
}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, warehouse: Warehouse) -> Room:
    return Room(Path(tmp_path_factory.mktemp("frameworks")), warehouse)


def recorded(name: str) -> list[Envelope]:
    """The requests of a set, as the edge writes them."""
    found = []
    for told in json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes())):
        body = base64.b64decode(told["body"])
        part = Part.LOGS if told["part"] == "logs" else Part.TRACES
        items = check(told["part"], body, 0).items
        found.append(Envelope(received=RECEIVED, project=name, items=items, body=body, part=part))
    return found


def test_every_recording_is_checked() -> None:
    assert sorted(ASKED) == sorted(path.name.removesuffix(".json.gz") for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", sorted(ASKED))
def test_one_question_is_one_answer(room: Room, name: str) -> None:
    room.put(*recorded(name))
    room.load()
    rows = room.exchanges(name, "is_answer, input_start, output_start, calls")
    told = sorted((row["input_start"], row["calls"], row["output_start"]) for row in rows if row["is_answer"])
    assert told == sorted((asked, calls, came[0] if came else f"A:{asked}") for asked, calls, *came in ASKED[name])


@pytest.mark.parametrize("name", sorted(SAID))
def test_calls_say_what_the_provider_said(room: Room, name: str) -> None:
    project = f"{name}-calls"
    room.put(*(replace(one, project=project) for one in recorded(name)))
    room.load()
    wanted = {**CALL, **SAID[name]}
    rows = [
        row
        for row in room.exchanges(project, f"status, op, error, finish_reason, {', '.join({**CALL, **ANNA})}")
        if row["op"] == "call"
    ]
    for row in rows:
        if row["status"] == "ok":
            assert {column: row[column] for column in wanted} == wanted
        else:
            assert "bad thing happened" in row["error"] or row["finish_reason"] == "error"
    assert "ok" in {row["status"] for row in rows}


def test_a_failed_call_that_says_it_went_well(room: Room) -> None:
    room.put(*(replace(one, project="threw") for one in recorded("langsmith_js")))
    room.load()
    rows = room.exchanges("threw", "input_start, status, error, input_tokens")
    told = {row["input_start"]: row for row in rows}
    assert told["lsjs FAIL question"]["status"] == "error"
    assert told["lsjs FAIL question"]["error"] == "Error: 400 bad thing happened"
    assert told["lsjs FAIL question"]["input_tokens"] is None


def test_tools_that_ran_are_called_what_they_are(room: Room) -> None:
    room.put(*(replace(one, project="ran") for one in recorded("spring_ai")))
    room.load()
    rows = room.exchanges("ran", "is_answer, input_start, tools")
    told = {row["input_start"]: row["tools"] for row in rows if row["is_answer"]}
    assert told["spring tool question"] == ["weather"]
