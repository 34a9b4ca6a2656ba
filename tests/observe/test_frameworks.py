"""Answers, as frameworks tell of them: one question of a user is one answer, with the words of both and all its calls.

Recorded on 2026-11-22 against a provider that answers `A:` and the question, after a tool call where tools are offered.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Final

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
    "dspy": [("dspy direct question", 1), ("dspy plain question", 2, LOST)],  # it could not parse the answer, twice
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
    "langsmith": [
        ("lang plain question", 1),
        ("lang stream question", 1),
        ("lang tool question", 2),
        ("lang chain question", 1, "A:Docs: x. Q: lang chain question"),
        ("lang FAIL question", 1, LOST),
    ],
    "litellm": [
        ("litellm plain question", 1),
        ("litellm stream question", 1),
        ("litellm tool question", 1, LOST),  # the tool's answer was not sent back
        ("litellm FAIL question", 1, LOST),
    ],
    "openai_agents": [
        ("agents plain question", 1),
        ("agents chat question", 1),
        ("agents tool question", 2),
        (LOST, 1, LOST),  # two that failed: their questions were not sent
        (LOST, 1, LOST),
    ],
    "openllmetry_langchain": [
        ("lc plain question", 1),
        ("lc stream question", 1),  # the chain's span was not told what it was asked
        ("lc tool question", 2),
    ],
    "semantic_kernel": [("sk plain question", 1), ("sk prompt question", 1)],
    "smolagents": [("smol plain question", 1, "final New task:\nsmol plain question")],
    "strands": [
        ("strands plain question", 1, "A:strands plain question\n"),
        ("strands tool question", 2, "A:strands tool question\n"),
        ("strands FAIL question", 1, LOST),
    ],
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
