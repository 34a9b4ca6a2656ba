"""Bad and odd input: stored and visible, or refused in words; never lost, never somebody else's."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from homeostat.doors import keys
from tests.live.harness import Server, conserved, serving
from tests.live.spans import SECOND, body, call, send
from tests.loop.serving import within_a_second

pytestmark = pytest.mark.live
JSON = {"content-type": "application/json"}
MIB = 1 << 20


def operator(server: Server) -> str:
    """The token of the machine's owner, made from two files of the data directory."""
    control = server.data / "control"
    return keys.operator((control / "pepper").read_bytes(), (control / "operator").read_text()).text


class Project:
    """A project, and a key that opens it."""

    def __init__(self, server: Server) -> None:
        self.server, self.name = server, f"p-{secrets.token_hex(4)}"
        wanted = {"name": "tests", "scopes": ["ingest", "read"], "project": self.name}
        headers = JSON | {"authorization": f"Bearer {operator(server)}"}
        status, answer = server.request("POST", "/api/v1/keys", json.dumps(wanted).encode(), headers)
        assert status == 201, answer
        self.key = json.loads(answer)["key"]
        self._accepted()

    def _accepted(self) -> None:
        within_a_second(lambda: self.get("/api/v1/accounting")[0] == 200)

    def get(self, path: str) -> tuple[int, Any]:
        status, answer = self.server.request("GET", path, headers={"authorization": f"Bearer {self.key}"}, timeout=60)
        return status, json.loads(answer) if answer else None

    def json(self, path: str) -> Any:
        status, answer = self.get(path)
        assert status == 200, (path[:200], status, answer)
        return answer

    def send(self, *spans: dict[str, Any]) -> bytes:
        return send(self.server, body(*spans), key=self.key)

    def drain(self) -> dict[str, Any]:
        """All of it loaded, and every item accounted for (T18)."""
        end = time.monotonic() + 120
        while (told := self.json("/api/v1/accounting"))["waiting"]:
            assert time.monotonic() < end, told
            time.sleep(0.05)
        conserved(told)
        return dict(told)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data: Path = tmp_path_factory.mktemp("hostile") / "data"
    with serving(data, auth="required") as started:
        yield started
        assert "Traceback" not in started.log()


@pytest.fixture
def project(server: Server) -> Project:
    return Project(server)


def test_ids_that_collide_across_projects(server: Server) -> None:
    one, other = Project(server), Project(server)
    trace, span = secrets.token_bytes(16), secrets.token_bytes(8)
    identity = f"{trace.hex()}-{span.hex()}"
    for project, text in ((one, "mine alone"), (other, "yours alone")):
        project.send({"trace": trace, "span": span, "attributes": call(text, user__id=text, session__id="s")})
        signal = {"name": "thumbs", "value": 1 if project is one else -1, "exchange_id": identity}
        status, _ = server.request(
            "POST", "/api/v1/signals", json.dumps(signal).encode(), JSON | {"authorization": f"Bearer {project.key}"}
        )
        assert status == 202
    for project, text, foreign in ((one, "mine alone", "yours"), (other, "yours alone", "mine")):
        assert project.drain()["stored"] == 2
        for path in (
            f"/api/v1/exchanges/{identity}",
            f"/api/v1/traces/{trace.hex()}",
            "/api/v1/sessions/s",
            "/api/v1/exchanges?kind=all",
            "/api/v1/measures?measure=count&by=user",
        ):
            told = json.dumps(project.json(path))
            assert text in told
            assert foreign not in told, path
        whole = project.json(f"/api/v1/exchanges/{identity}")
        assert [signal["value"] for signal in whole["signals"]] == [1 if project is one else -1]


def test_a_body_that_is_half_valid(project: Project) -> None:
    good, bad = {"attributes": call("good")}, {"span": b"\x01" * 3, "attributes": call("bad")}
    answer = ExportTraceServiceResponse.FromString(project.send(good, bad, {"trace": bytes(16)}))
    assert answer.partial_success.rejected_spans == 2
    assert answer.partial_success.error_message
    told = project.drain()
    assert told["stored"] == 1
    assert told["rejected"] == {"invalid_id": 2}
    assert [item["input"] for item in project.json("/api/v1/exchanges?kind=all")["items"]] == ["good"]


def test_prompts_of_ten_megabytes(project: Project) -> None:
    text = "Ten megabytes äß " * (10 * MIB // 20)
    trace, span = secrets.token_bytes(16), secrets.token_bytes(8)
    project.send({"trace": trace, "span": span, "attributes": call(text)})
    assert project.drain()["stored"] == 1
    whole = project.json(f"/api/v1/exchanges/{trace.hex()}-{span.hex()}")
    assert whole["input"] == text
    [item] = project.json("/api/v1/exchanges?kind=all")["items"]
    assert item["input_chars"] == len(text)
    assert len(item["input"]) <= 200
    assert item["input_chars"] > len(item["input"])


def test_a_user_id_of_a_hundred_kilobytes(project: Project) -> None:
    user = "u" * 100_000
    trace = secrets.token_bytes(16)
    project.send({"trace": trace, "attributes": call("who?", user__id=user)})
    assert project.drain()["stored"] == 1
    [item] = project.json("/api/v1/exchanges?kind=all")["items"]
    assert item["user_id"]
    assert user.startswith(item["user_id"])
    [span] = project.json(f"/api/v1/traces/{trace.hex()}")["spans"]
    assert len(span["attributes"]["user.id"]) >= 64 * 1024  # kept up to the limit for attributes, and flagged when cut
    assert span["attributes"]["user.id"] == user or span["flags"]


ODD_NAMES = (
    "it's",
    'say "hi"',
    "a.b.c.gt",
    "'; DROP TABLE spans; --",
    "back\\slash",
    "nul\x00inside",
    "{value:String}",
    "%s %(x)s",
    "`tick`",
    "new\nline",
    "ключ 🔑",
    "x" * 900,
    "",
)


def test_attribute_names_with_everything_in_them(project: Project) -> None:
    trace = secrets.token_bytes(16)
    odd = {name: f"value {number} of 'it' \x00" for number, name in enumerate(ODD_NAMES)}
    shown = {name.replace("\0", "\ufffd"): value.replace("\0", "\ufffd") for name, value in odd.items()}
    project.send({"trace": trace, "attributes": call("odd") | odd}, {"attributes": call("plain")})
    assert project.drain()["stored"] == 2
    [span] = project.json(f"/api/v1/traces/{trace.hex()}")["spans"]
    assert {name: span["attributes"].get(name) for name in shown} == shown
    assert span["flags"]  # no text of ours holds a NUL; that one was replaced is told
    for name, value in shown.items():
        if not name:
            continue
        asked = f"attribute.{name}" + (".contains" if name.endswith(".gt") else "")
        found = project.json(f"/api/v1/exchanges?kind=all&{quote(asked, safe='')}={quote(value, safe='')}")
        assert [item["input"] for item in found["items"]] == ["odd"], name
        nothing = project.json(f"/api/v1/exchanges?kind=all&{quote(asked, safe='')}=other")
        assert nothing["items"] == [], name


def year(number: int) -> int:
    return int(datetime(number, 1, 2, tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize("start", [1000, year(1970), year(2100), 2**64 - 2 * SECOND])
def test_times_that_cannot_be(project: Project, start: int) -> None:
    """A clock that nobody set, or set wrong: kept as it was sent, and shown where people look."""
    trace = secrets.token_bytes(16)
    project.send({"trace": trace, "start": start})
    told = project.drain()
    assert told["stored"] == 1, told
    [span] = project.json(f"/api/v1/traces/{trace.hex()}")["spans"]
    assert span["start_ns"] == str(start)
    assert abs(datetime.fromisoformat(span["at"]) - datetime.now(UTC)) < timedelta(hours=25)
    assert span["flags"]
    [item] = project.json("/api/v1/exchanges?kind=all&from=2d")["items"]
    # What lasted a second in 2100 lasted a second; of the others nobody knows how long they took.
    assert item["latency_ms"] == (1000 if start == year(2100) else None)
    assert [point["value"] for point in project.json("/api/v1/measures?measure=count&from=2d")["points"]] == [1]


def test_what_is_older_than_the_retention_is_refused_in_words(project: Project) -> None:
    answer = ExportTraceServiceResponse.FromString(project.send({"start": year(2015)}, {}))
    assert answer.partial_success.rejected_spans == 1
    assert "expired" in answer.partial_success.error_message
    told = project.drain()
    assert (told["stored"], told["expired"]) == (1, 1)


def test_a_list_of_facts_is_taken_whole_or_not_at_all(project: Project) -> None:
    headers = JSON | {"authorization": f"Bearer {project.key}"}
    good = {"name": "thumbs", "value": -1, "session_id": "odd ' \x00 ; --"}
    for facts, expected, kept in (([good, {"name": "about nothing"}], 422, 0), ([good], 202, 1)):
        status, answer = project.server.request("POST", "/api/v1/signals", json.dumps(facts).encode(), headers)
        assert status == expected, answer
        assert project.drain()["stored"] == kept
