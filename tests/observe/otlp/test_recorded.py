"""The odd and hostile requests of the recorded set, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeostat.observe.otlp.schema import TracesData
from homeostat.store.spool.envelope import Part
from tests.loop.serving import Running, running_edge

SETS = Path(__file__).parents[2] / "fixtures" / "otlp"
ODD = SETS / "n_handwritten"
CASES: list[dict[str, Any]] = json.loads((ODD / "expected.json").read_text())["cases"]


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_edge(tmp_path_factory.mktemp("edge")) as running:
        yield running


def replay(edge: Running, folder: Path, number: int, project: str = "odd") -> tuple[int, dict[str, str], bytes]:
    """Send one recorded request as it was; only the framing is the client's own."""
    meta = json.loads((folder / f"{number:03d}.meta.json").read_text())
    body = (folder / meta["body_file"]).read_bytes() if meta["body_file"] else b""
    skip = ("host", "content-length", "accept-encoding", "connection", "transfer-encoding")
    headers = {name: value for name, value in meta["headers"] if name not in skip}
    return edge.send(meta["method"], meta["path"], body, headers | {"x-test-project": project})


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_odd_request(edge: Running, case: dict[str, Any]) -> None:
    """The status is one that the case allows, and an accepted body holds the spans that it says."""
    before = len(edge.spool.envelopes)
    status, _, body = replay(edge, ODD, case["n"], case["case"])
    assert str(status) in case["expected_http"], (status, body)
    kept = edge.spool.envelopes[before:]
    if status != 200:
        assert not kept
        assert body, "a refusal says why"
        return
    duplicates = case["case"] == "duplicate_spans_in_one_request"
    wanted = case.get("spans_valid", case.get("spans", 0))
    count = sum(envelope.items for envelope in kept)
    if "spans_valid" in case:
        told = json.loads(body)["partialSuccess"]
        assert int(told["rejectedSpans"]) == count - wanted == 6
        assert "6 invalid ids" in told["errorMessage"]
    elif case["case"] == "odd_times":
        assert count == 6
    else:
        assert count == (3 if duplicates else wanted)
    assert all(envelope.part is Part.TRACES for envelope in kept)


def test_json_and_protobuf_of_one_request_are_stored_alike(edge: Running) -> None:
    start = len(edge.spool.envelopes)
    for number in (1, 2, 3, 4, 5, 7):
        replay(edge, ODD, number, f"alike-{number}")
    stored = [TracesData.FromString(envelope.body) for envelope in edge.spool.envelopes[start:]]
    assert len(stored) == 6
    assert all(one == stored[0] for one in stored)


@pytest.mark.parametrize("folder", sorted(p.name for p in SETS.iterdir() if p.is_dir() and p.name != "n_handwritten"))
def test_every_sdk_is_accepted(edge: Running, folder: str) -> None:
    for meta in sorted((SETS / folder).glob("*.meta.json")):
        told = json.loads(meta.read_text())
        if told["method"] == "POST":
            status, _, body = replay(edge, SETS / folder, told["n"])
            assert status in (200, 202), (meta.name, status, body)
