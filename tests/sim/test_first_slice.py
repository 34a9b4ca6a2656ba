"""The story of a bad prompt, from traffic to scoreboard, through the real doors and by the real command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from homeostat.sim.scenario import ACTIONS, CAUSES, VERDICTS
from tests.live.harness import HOMEOSTAT

pytestmark = [pytest.mark.live, pytest.mark.timeout(1800)]
#: An eighth of the story, its quiet beginning too: enough to see every field filled, or null.
SIZE = 1_000


def headless(scenario: str, size: int, *more: str) -> tuple[subprocess.CompletedProcess[bytes], dict[str, Any]]:
    """`homeostat demo --headless --json`, and its report."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
    command = [HOMEOSTAT, "demo", "--scenario", scenario, "--headless", "--json", "--size", str(size), *more]
    done = subprocess.run(command, env=env, capture_output=True, timeout=1700)
    assert done.returncode in (0, 1), done.stderr.decode()[-2000:]
    return done, json.loads(done.stdout)


def test_a_bad_prompt_from_traffic_to_scoreboard(tmp_path: Path) -> None:
    """A tenth of the users gets B, and the scoreboard knows what was true."""
    done, told = headless("bad-prompt-release", SIZE, "--truth", str(tmp_path / "truth.jsonl"))
    (row,) = told["scenarios"]
    assert told["totals"]["scenarios"] == 1
    assert (row["name"], row["seed"], row["exchanges"]) == ("bad-prompt-release", 7, SIZE)
    assert (row["cause_truth"], row["action_truth"], row["verdict_truth"]) == ("release", "rollback", "worked")
    assert row["signals"] > 150
    first, second = row["policy"][:2]
    assert first["shares"] == {"A": 1.0}
    assert (second["exchange"], second["shares"]) == (SIZE // 4, {"A": 0.9, "B": 0.1})
    assert abs(row["quality_by_release"]["A"] - 0.85) < 0.05
    assert abs(row["quality_by_release"]["B"] - 0.60) < 0.22
    assert isinstance(row["detected"], bool) and isinstance(row["false_alarms"], int)
    assert row["cause"] in CAUSES and row["action"] in ACTIONS and row["verdict"] in VERDICTS
    assert done.returncode == (0 if told["totals"]["closed"] == 1 else 1)
    truth = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [one["number"] for one in truth] == list(range(SIZE))
    bad = next(one for one in truth if one["fault"] == "verbose")
    assert not bad["good"] and bad["dimensions"]["conciseness"] == 0.1 and bad["dimensions"]["safety"] == 1.0
    assert f"bad-prompt-release: {SIZE} exchanges" in done.stderr.decode(), "what goes on is said beside the report"


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", ["verbose", "silent-model-swap"])
def test_the_same_seed_is_the_same_report_to_the_byte(scenario: str) -> None:
    """World, incidents, actions, verdicts, and when: all but how long it took."""
    reports = [headless(scenario, 2_500)[1] for _ in range(2)]
    for report in reports:
        for row in (*report["scenarios"], report["totals"]):
            assert row.pop("seconds") > 0
    assert reports[0]["scenarios"][0]["detected"] and json.dumps(reports[0]) == json.dumps(reports[1])
