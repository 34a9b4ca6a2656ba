"""Examples that a reader runs first: each by itself, without a key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.harness import Server, serving

pytestmark = pytest.mark.live
EXAMPLES = Path(__file__).parents[2] / "examples"
SAID = {
    "generate_with_requests": [
        "Can I return my shoes? -> You have 30 days, for any reason.",
        "kept: Do you ship to Norway? -> We ship within two days, everywhere in Europe. (tiny-1, ",
    ],
    "openai_through_gateway": [
        "of 40 users",
        "is unhappy; after the rollback careful answers them",
        "thumbs down: chatty, Can I return it? -> You have 30 days, for any reason.",
    ],
    "fastapi_with_sdk": [
        "anna: Can I return it? -> You have 30 days",
        "thumbs down from ben: Is it vegan? -> I do not know",
    ],
    "existing_opentelemetry": ["gpt-4o-mini  Can I return it? -> You have 30 days, for any reason.  $0.0"],
    "framework_by_instrumentor": [
        "tells itself: anthropic, langchain, openai",
        "Can I return it? -> You have 30 days, for any reason.  (1 call, gpt-4o-mini)",
    ],
}


@pytest.mark.parametrize("name", SAID)
def test_an_example_says_what_it_should(name: str, tmp_path: Path) -> None:
    said_of(name, tmp_path)


def said_of(name: str, folder: Path, **given: str) -> str:
    """What an example says; it must say its words, and end well."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HOMEOSTAT_", "OTEL_"))} | given
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        timeout=850,
        env=env,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in SAID[name]:
        assert said in done.stdout, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that serves somebody: answers without a cost, thumbs down, of the users that examples have, too."""
    with serving(tmp_path_factory.mktemp("used") / "data") as server:
        rows = [{"id": f"theirs-{n}", "input": "theirs", "output": "theirs", "user_id": "anna"} for n in range(60)]
        said = [{"name": "thumbs", "value": -1, "exchange_id": row["id"]} for row in rows]
        headers = {"content-type": "application/json"}
        for path, told in (("exchanges", rows), ("signals", said)):
            assert server.request("POST", f"/api/v1/{path}", json.dumps(told).encode(), headers)[0] == 202
        server.drain()
        yield server


@pytest.mark.parametrize("name", SAID)
def test_an_example_leaves_a_server_that_serves_somebody_as_it_is(name: str, used: Server, tmp_path: Path) -> None:
    """It tells of its own answers only, and steers nothing there."""
    assert "theirs" not in said_of(name, tmp_path, HOMEOSTAT_URL=used.url)
    for what in ("policies", "releases"):
        answer = json.loads(used.request("GET", f"/api/v1/{what}")[1])
        assert [item for item in answer["items"] if not item.get("implicit")] == [], what
