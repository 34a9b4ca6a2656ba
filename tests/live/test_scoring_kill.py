"""T13: the core is killed again and again while a judge is at work: each exchange is judged once."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.analyze.judges.serving import completion, listening, verdict
from tests.live.harness import batch, serving
from tests.seeds import seeded

pytestmark = [pytest.mark.live, pytest.mark.nightly, pytest.mark.timeout(4000)]
JOBS = int(os.environ.get("HOMEOSTAT_TEST_JOBS", "10000"))
KILLS = int(os.environ.get("HOMEOSTAT_TEST_KILLS", "200"))
EVERY = 2.0
CONCURRENCY = 4
#: Those that passed; none fails here.
ANCHORS = 30


def test_every_exchange_is_judged_once_whoever_dies(tmp_path: Path) -> None:
    rng = random.Random(seeded(13))
    kills = 0

    def answer(body: dict[str, object], number: int) -> object:
        time.sleep(0.02)
        return completion(verdict(body))

    with listening(answer) as there:  # type: ignore[arg-type]
        settings = {
            "judge_url": there.url, "judge_model": "j", "judge_per_minute": "0", "judge_usd_per_day": "0",
            "judge_concurrency": str(CONCURRENCY), "scoring_cpu": "0.01",
        }  # fmt: skip
        with serving(tmp_path / "data", **settings) as server:
            wanted = {"name": "judged", "kind": "judge", "settings": {"dimension": "relevance"}}
            assert server.post("/api/v1/scorers", wanted)[0] == 201
            sent = 0
            while sent < JOBS:
                body, spans = batch(rng, min(500, JOBS - sent))
                status, _ = server.request("POST", "/v1/traces", body, {"content-type": "application/x-protobuf"})
                assert status == 200
                sent += len(spans)
            server.drain(300)
            end, judged = time.monotonic() + 3600, 0
            while judged < JOBS and time.monotonic() < end:
                time.sleep(EVERY + rng.random())
                if len(there.asked) < JOBS and there.asked and kills < KILLS:
                    server.kill("core")
                    kills += 1
                server.wait_ready(120)
                told = {each["name"]: each for each in server.json("/api/v1/scorers")["items"]}
                judged = told["judged"]["scored"]
            assert judged == JOBS, "each exactly once"
            assert told["judged"]["unscored"] == 0
            # The choice of anchors is judged once more, for them. A crash costs what was in flight: as many questions
            # as are asked at once.
            at_most = JOBS + ANCHORS + kills * CONCURRENCY
            print(f"{JOBS} exchanges, {kills} kills, {len(there.asked)} calls")
            assert len(there.asked) <= at_most
