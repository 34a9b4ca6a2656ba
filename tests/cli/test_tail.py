"""What `homeostat tail` makes of the events that the server writes."""

from __future__ import annotations

import json

import pytest

from homeostat.cli import tail
from homeostat.records import words
from homeostat.records.incident import Incident
from homeostat.records.verdict import Verdict
from homeostat.records.verdict import as_json as verdict_json
from homeostat.web import live
from homeostat.web.incidents import told

EXCHANGE = {"id": "1-2", "at": "2026-11-20T12:00:01Z", "model": "m", "latency_ms": 0.0, "input": "why?", "status": "ok"}
VERDICT = Verdict(7, "p", 1, "worked", "before-after", "mean(x)", 0.1, 0.05, 0.15, 400, "back-inside-band")


@pytest.fixture
def written() -> list[str]:
    """A stream as the server writes it."""
    incident = Incident(3, "p", 1_795_176_000_000_000, 0, "warning", "open", "release", (), ())
    pieces = [
        b"retry: 1000\n\n",
        live.written("mark-1", EXCHANGE),
        b": alive\n\n",
        live.happened("incident", told(incident, [])),
        live.happened("verdict", {"id": 5, **verdict_json(VERDICT), "said": words.verdict(VERDICT)}),
        b"event: gap\ndata: {}\n\n",
        live.written("mark-2", EXCHANGE),
    ]
    return b"".join(pieces).decode().split("\n")


def test_everything_that_happens_is_shown(written: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for _, kind, item in tail.events(written):
        tail._show(kind, item)
    said = capsys.readouterr().out
    assert "12:00:01  m  –  0 ms" in said
    assert "incident 3  warning" in said
    assert "action 7: worked" in said
    assert said.count("why?") == 2
    assert "left out" in said


def test_as_json_every_line_says_what_happened(written: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ids = []
    for id, kind, item in tail.events(written):
        ids.append(id)
        tail._as_json(kind, item)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["exchange", "incident", "verdict", "gap", "exchange"]
    assert ids == ["mark-1", "", "", "", "mark-2"]
    assert (lines[0]["input"], lines[1]["severity"], lines[2]["outcome"]) == ("why?", "warning", "worked")
