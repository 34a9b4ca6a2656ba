"""The story of a bad prompt, from traffic to scoreboard, through the real doors and by the real command."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tests.live.harness import HOMEOSTAT

pytestmark = pytest.mark.live


def test_a_bad_prompt_from_traffic_to_scoreboard() -> None:
    """`homeostat demo --headless --json`: a tenth of the users gets B, and the scoreboard knows what was true."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
    command = [HOMEOSTAT, "demo", "--scenario", "bad-prompt-release", "--headless", "--json", "--seed", "7"]
    done = subprocess.run(command, env=env, capture_output=True, timeout=240)
    assert done.returncode in (0, 1), done.stderr.decode()[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    (row,) = told["scenarios"]
    assert told["totals"]["scenarios"] == 1
    assert (row["name"], row["seed"], row["exchanges"]) == ("bad-prompt-release", 7, 6000)
    assert (row["cause_truth"], row["action_truth"], row["verdict_truth"]) == ("release", "rollback", "worked")
    assert row["signals"] > 1000
    first, second = row["policy"][:2]
    assert first["shares"] == {"A": 1.0}
    assert (second["exchange"], second["shares"]) == (2000, {"A": 0.9, "B": 0.1})
    assert abs(row["quality_by_release"]["A"] - 0.85) < 0.02
    assert abs(row["quality_by_release"]["B"] - 0.60) < 0.10
    # What later work fills is null until then, and never something else.
    for field in (
        "detected",
        "delay_events",
        "false_alarms",
        "cause",
        "cause_right",
        "action",
        "verdict",
        "verdict_right",
    ):
        assert field in row
    if row["detected"] is None:
        assert row["false_alarms"] is None and row["cause_right"] is None
        assert done.returncode == 0
