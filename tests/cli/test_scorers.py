"""`homeostat scorer` against a running server that has no endpoint for judges."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.live.harness import HOMEOSTAT, Server, serving

pytestmark = pytest.mark.live
REFUSED = 2


class Typed:
    """The command line of the machine's owner."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def run(self, *arguments: str, code: int = 0, typed: str = "") -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
        env |= {"HOMEOSTAT_URL": self.server.url, "HOMEOSTAT_DATA": str(self.server.data)}
        done = subprocess.run(
            [HOMEOSTAT, "scorer", *arguments],
            capture_output=True, text=True, check=False, timeout=240, env=env, input=typed,
        )  # fmt: skip
        assert done.returncode == code, (arguments, done.returncode, done.stdout[-500:], done.stderr[-2000:])
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    with serving(tmp_path_factory.mktemp("scorers") / "data") as server:
        yield Typed(server)


def test_waiting_for_history_that_nobody_scores_ends(scorer: Typed) -> None:
    scorer.run("add", "polite", "--kind", "civil")
    scorer.run("pause", "polite")
    assert "resume polite" in scorer.run("backfill", "polite", "--yes", "--wait", code=REFUSED).stderr
    added = scorer.run("add", "judged", "--kind", "judge", "--set", "dimension=relevance")
    assert "is on" in added.stdout and "judge_url" in added.stderr
    assert "judge_url" in scorer.run("backfill", "judged", "--yes", "--wait", code=REFUSED).stderr
    scorer.run("resume", "polite")
    scorer.run("backfill", "polite", "--yes", "--wait")
    assert "done, 100%" in scorer.run("show", "polite").stdout


def test_history_as_json_tells_the_estimate_and_asks_nothing(scorer: Typed) -> None:
    scorer.run("add", "kind", "--kind", "civil")
    for more, started in (((), False), (("--yes",), True)):
        told = json.loads(scorer.run("backfill", "kind", "--json", *more).stdout)
        assert told["started"] is started and told["estimate"]["exchanges"] == 0
    asked = scorer.run("backfill", "kind", "--since", "2h", typed="n\n")
    assert "0 of 0 exchanges" in asked.stdout and "Begin?" in asked.stdout
    assert len(json.loads(scorer.run("show", "kind", "--json").stdout)["history"]) == 1
