"""What doctor says of those who watch and tell."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typer.testing import CliRunner

from homeostat.cli.doctor import lines
from homeostat.cli.main import build

STEP = {"runs": 3, "took_seconds": 0.1, "error": "", "last_seconds_ago": 12.0}
CORE: dict[str, Any] = {
    "uptime_seconds": 10.0, "jobs": [], "clock": {"kind": "live", "now": "now"},
    "loader": {"alive": True, "error": "", "behind_seconds": 0, "segments_waiting": 0, "segments_loaded": 1},
    "watching": {
        "alive": True,
        "steps": [STEP | {"name": "ticker"}, STEP | {"name": "verifier", "error": "no such column"}],
        "monitors_refused": {"default/odd": "There is no field odd."},
        "telling": {
            "default/team": {"kind": "slack", "waiting": 0, "oldest_seconds": 0.0, "dead": 0, "problem": ""},
            "default/pager": {"kind": "pagerduty", "waiting": 4, "oldest_seconds": 900.0, "dead": 1, "problem": "500"},
        },
    },
}  # fmt: skip


def test_who_watches_and_who_is_told() -> None:
    told = {part: (state, said) for part, state, said in lines({"spool": "ok"}, CORE)}
    assert told["watching ticker"][0] == "alive"
    assert told["watching verifier"] == ("dead", "no such column")
    assert told["monitor default/odd"] == ("watch", "There is no field odd.")
    assert told["notifier default/team"][0] == "alive"
    assert told["notifier default/pager"] == ("watch", "pagerduty, 4 waiting, 1 given up: 500")


def test_documents_that_are_not_there() -> None:
    core = CORE | {"scoring": {"documents": {"error": "no"}}}
    told = {part: (state, said) for part, state, said in lines({"spool": "ok"}, core)}
    assert told["documents"] == ("watch", "no")


def test_without_a_thread_nothing_watches() -> None:
    dead = CORE | {"watching": CORE["watching"] | {"alive": False}}
    told = {part: state for part, state, _ in lines({"spool": "ok"}, dead)}
    assert told["watching ticker"] == "dead"


def test_what_is_switched_off_is_not_dead() -> None:
    off = CORE | {"watching": {"off": True}, "scoring": {"off": True}}
    told = {part: state for part, state, _ in lines({"spool": "ok"}, off)}
    assert (told["watching"], told["scoring"]) == ("watch", "watch")
    assert not [part for part in told if part.startswith(("watching ", "scoring "))]


@pytest.mark.parametrize(
    ("told", "state", "said"),
    [
        ({}, "alive", "60 calls, 0 failed"),
        ({"failed": 3, "error": "it is busy"}, "alive", "60 calls, 3 failed; the last: it is busy"),
        ({"failed": 60, "error": "no JSON", "failing": True}, "watch", "60 calls, 60 failed: no JSON"),
        (
            {"failed": 60, "error": "no JSON", "failing": True, "resting_seconds": 12.0}, "watch",
            "60 calls, 60 failed, left alone for 12 s more: no JSON",
        ),
    ],
)  # fmt: skip
def test_why_a_judge_fails(told: dict[str, Any], state: str, said: str) -> None:
    judge = {"configured": True, "calls": 60, "failed": 0, "error": "", "resting_seconds": 0.0, "failing": False}
    assert ("judges", state, said) in lines({"spool": "ok"}, CORE | {"scoring": {"judge": judge | told}})


def test_a_judge_that_has_nobody_to_ask() -> None:
    judge = {"configured": False, "idle": {"shop": ["tone@1"], "bank": []}}
    told = lines({"spool": "ok"}, CORE | {"scoring": {"judge": judge}})
    assert [row for row in told if row[0].startswith("scorer")] == [
        ("scorer tone@1", "watch", "no judge is configured for it in shop")
    ]


def test_an_edge_that_waits_for_its_core_longer_than_we_do_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    class Edge(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/readyz":
                over.wait(60)
            body = b'{"spool": "ok"}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Edge)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("homeostat.cli.doctor._PATIENCE", 3.0)
    monkeypatch.setenv("HOMEOSTAT_URL", f"http://127.0.0.1:{server.server_port}")
    found = CliRunner().invoke(build("doctor"), ["doctor", "--json"])
    over.set()
    server.shutdown()
    server.server_close()
    assert found.exit_code == 3, found.output
    parts = {part: state for part, state, _ in json.loads(found.stdout)["parts"]}
    assert parts == {"edge": "alive", "spool": "alive", "core": "dead"}
