"""Examples that a reader runs first: each by itself, without a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HOMEOSTAT_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        capture_output=True,
        text=True,
        timeout=850,
        env=env,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in SAID[name]:
        assert said in done.stdout, done.stdout + done.stderr
