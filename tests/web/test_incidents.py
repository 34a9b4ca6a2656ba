"""Incidents and channels over HTTP: by whom, in which words, and what never goes out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from homeostat.act import incidents
from homeostat.records import words
from homeostat.records.action import Action, Expectation
from homeostat.records.verdict import Verdict
from homeostat.store.ledger import Ledger, actions, audit, outbox, projects, verdicts
from homeostat.web import live
from tests.act.found import DAY, HOUR, T0, finding, kept
from tests.act.notifiers.receivers import receiving
from tests.web.conftest import Api

CANARY = "canary-7d1e"


@pytest.fixture
def own(make_api: Callable[..., Api], project: str) -> Api:
    """An application of this test alone, which may send to this machine."""
    made = make_api(notify_allow=["127.0.0.1"])
    projects.ensure(made.core.ledger, project, at=datetime.now(UTC))
    return made


@pytest.fixture
def admin(own: Api, project: str) -> TestClient:
    return own.client(project, "read", "admin")


@pytest.fixture
def operator(own: Api) -> TestClient:
    """The operator of this machine, whose project is `default`."""
    assert own.core.operator is not None
    return own.opened(own.core.operator.text)


def fire(ledger: Ledger, project: str, *measures: str, onset: int = T0, **values: Any) -> int:
    found = [finding(each, project=project, onset=onset, **values) for each in measures or ("mean(score.relevance)",)]
    return incidents.take(ledger, project, kept(ledger, *found), at=onset + HOUR)[0].id


def test_a_list_in_pages(own: Api, admin: TestClient, project: str) -> None:
    ledger = own.core.ledger
    ids = [fire(ledger, project, f"mean(score.s{n})", onset=T0 + n * 2 * DAY) for n in range(5)]
    fire(ledger, "default", "mean(score.foreign)")
    first = admin.get("/api/v1/incidents", params={"limit": 3}).json()
    assert [item["id"] for item in first["items"]] == ids[:1:-1]
    rest = admin.get("/api/v1/incidents", params={"limit": 3, "cursor": first["next"]}).json()
    assert [item["id"] for item in rest["items"]] == ids[1::-1] and rest["next"] is None
    item = first["items"][0]
    assert (item["opened"], item["opened_at"]) == (T0 + 8 * DAY + HOUR, "2026-03-11T15:00:00.000000Z")
    assert (item["severity"], item["state"], item["title"]) == (
        "warning", "open", "S4 fell since Wed 11 Mar 14:00",
    )  # fmt: skip


def test_a_list_by_state_severity_and_time(own: Api, admin: TestClient, project: str) -> None:
    ledger = own.core.ledger
    one = fire(ledger, project, "mean(score.a)")
    two = fire(ledger, project, "mean(score.b)", onset=T0 + 3 * DAY, severity="critical")
    incidents.close(ledger, project, one, by="key:a", at=T0 + 2 * HOUR)

    def found(**asked: str) -> list[int]:
        return [item["id"] for item in admin.get("/api/v1/incidents", params=asked).json()["items"]]

    assert found(state="open,acknowledged") == [two]
    assert found(state="closed") == [one]
    assert found(severity="critical") == [two]
    assert found(since="2026-03-05T00:00:00Z") == [two]
    for wrong in ({"state": "odd"}, {"severity": "loud"}, {"cursor": "x"}, {"limit": "0"}, {"since": "soon"}):
        assert admin.get("/api/v1/incidents", params=wrong).status_code == 400, wrong


def test_what_a_person_says_counts_and_is_audited(own: Api, admin: TestClient, project: str) -> None:
    id = fire(own.core.ledger, project)
    path = f"/api/v1/incidents/{id}"
    assert admin.patch(path, json={"state": "acknowledged"}).json()["state"] == "acknowledged"
    said = admin.patch(path, json={"owner": "ann", "silenced_until": "4h"}).json()
    assert said["owner"] == "ann"
    assert said["silenced_until"] == int(own.core.clock.at.timestamp()) * 1_000_000 + 4 * HOUR
    assert admin.post(f"{path}/comments", json={"text": "the new prompt, I think"}).status_code == 200
    closed = admin.patch(path, json={"state": "closed", "reason": "rolled back"}).json()
    assert (closed["state"], closed["timeline"][-1]["text"].partition(": ")[2]) == ("closed", "rolled back")
    assert admin.patch(path, json={"state": "closed"}).status_code == 409
    assert admin.patch(path, json={"state": "open"}).json()["reopened"] == 1
    kept_entries = audit.entries(own.core.ledger, project=project)
    found = [entry.action for entry in kept_entries if entry.action.startswith("incident.")]
    assert found == ["incident.change", "incident.change", "incident.comment", "incident.change", "incident.change"]


@pytest.mark.parametrize("day", ["2200-01-01", "22000101", "2200-W01-3", " 2200-01-01T00:00:00Z"])
def test_silent_until_a_day_however_it_is_spelled(own: Api, admin: TestClient, project: str, day: str) -> None:
    path = f"/api/v1/incidents/{fire(own.core.ledger, project)}"
    assert admin.patch(path, json={"silenced_until": day}).json()["silenced_until"] == 7_258_118_400_000_000
    assert admin.get(path).json()["standing"] == "open, silenced until Wed 1 Jan 00:00"
    assert "open, silenced until Wed 1 Jan 00:00\n" in admin.get(f"{path}/story").text
    after = admin.patch(path, json={"silenced_until": "2026-01-01"}).json()
    assert after["silenced_until"] == 0 and after["timeline"][-1]["text"].startswith("no longer silenced")
    assert admin.get(f"{path}/story").text.splitlines()[0].endswith("· open")


def test_a_closed_incident_cannot_be_silenced(own: Api, admin: TestClient, project: str) -> None:
    """But opened again in silence; and one that is open can be closed in silence."""
    path = f"/api/v1/incidents/{fire(own.core.ledger, project)}"
    assert admin.patch(path, json={"state": "closed", "silenced_until": "1h"}).status_code == 200
    no = admin.patch(path, json={"silenced_until": "2h"})
    assert no.status_code == 409 and "is closed" in no.json()["error"]["message"]
    assert admin.patch(path, json={"state": "open", "silenced_until": "2h"}).json()["standing"].startswith("open")
    assert admin.patch(path, json={"silenced_until": ""}).status_code == 200


@pytest.mark.parametrize(
    "given", [{"state": "odd"}, {"silenced_until": "soon"}, {"unknown": 1}, {"owner": "a\0b"}, {"reason": "x" * 1001}]
)
def test_what_cannot_be_said(own: Api, admin: TestClient, project: str, given: dict[str, Any]) -> None:
    id = fire(own.core.ledger, project)
    assert admin.patch(f"/api/v1/incidents/{id}", json=given).status_code == 400


@pytest.mark.parametrize("refused", ["closed", "acknowledged"])
def test_what_is_refused_changes_nothing(own: Api, admin: TestClient, project: str, refused: str) -> None:
    id = fire(own.core.ledger, project)
    path = f"/api/v1/incidents/{id}"
    admin.patch(path, json={"state": "closed"})
    before, entries = admin.get(path).json(), len(audit.entries(own.core.ledger, project=project))
    answer = admin.patch(path, json={"state": refused, "owner": "mallory", "silenced_until": "2d"})
    assert answer.status_code == 409
    assert admin.get(path).json() == before
    assert len(audit.entries(own.core.ledger, project=project)) == entries


def test_merge_and_split(own: Api, admin: TestClient, project: str) -> None:
    ledger = own.core.ledger
    one, two = fire(ledger, project, "mean(score.a)"), fire(ledger, project, "mean(score.b)", onset=T0 + DAY)
    merged = admin.post(f"/api/v1/incidents/{one}/merge", json={"incident": two}).json()
    assert len(merged["findings"]) == 2
    assert admin.get(f"/api/v1/incidents/{two}").json()["merged_into"] == one
    again = admin.post(f"/api/v1/incidents/{one}/merge", json={"incident": two})
    assert again.status_code == 409
    assert again.json()["error"]["message"] == f"Incident {two} was merged into {one} already."
    assert admin.post(f"/api/v1/incidents/{one}/merge", json={"incident": 99}).status_code == 404
    made = admin.post(f"/api/v1/incidents/{one}/split", json={"findings": merged["findings"][1:]}).json()
    assert made["id"] not in (one, two) and made["findings"] == merged["findings"][1:]
    assert admin.post(f"/api/v1/incidents/{one}/split", json={"findings": [99]}).status_code == 409


def test_others_see_and_change_nothing(own: Api, admin: TestClient, project: str) -> None:
    id = fire(own.core.ledger, "default")
    path = f"/api/v1/incidents/{id}"
    for answer in (
        admin.get(path), admin.get(f"{path}/story"), admin.patch(path, json={"state": "closed"}),
        admin.post(f"{path}/comments", json={"text": "hm"}), admin.post(f"{path}/merge", json={"incident": id}),
    ):  # fmt: skip
        assert answer.status_code == 404
    reader = own.client(project)
    assert reader.patch(path, json={"state": "closed"}).status_code == 403
    for odd in ("x", "-1", "0", "9" * 12, "１"):
        assert admin.get(f"/api/v1/incidents/{odd}").status_code == 404


def test_the_story_says_what_the_record_says(own: Api, admin: TestClient, project: str) -> None:
    ledger = own.core.ledger
    id = fire(ledger, project, release="B", against="release")
    expects = Expectation("mean(score.relevance)", "up", 0.05, T0 + DAY, "canary", low=0.8)
    done = actions.make(ledger, Action(0, project, "rollback", "rollback", {"to": "A"}, expects, "done", "rule:m",
                                       incident=id, proposed=T0 + HOUR, started=T0 + HOUR))  # fmt: skip
    came = Verdict(done.id, project, T0 + 9 * HOUR, "worked", "randomised", "mean(score.relevance)", 0.12, 0.08, 0.16,
                   640, "caused")  # fmt: skip
    verdicts.add(ledger, came)
    page = admin.get(f"/api/v1/incidents/{id}/story")
    assert page.headers["content-type"].startswith("text/plain")
    flat = " ".join(page.text.split())
    for part in (
        f"Incident #{id} · warning · open", "What was seen", "Since when", "Why we think so", "What was done",
        "What came of it", "0.84 → 0.71 (0.67 to 0.75), 812 users", "chance alone would do this about once in 10 years",
        "a release of ours (B)", words.action(done), words.expectation(expects),
        "WORKED: relevance rose by 0.12 (0.08 to 0.16), 640 users. Randomised", "The action caused it.",
    ):  # fmt: skip
        assert part in flat, f"{part!r} is not in\n{page.text}"
    told = admin.get(f"/api/v1/incidents/{id}").json()
    assert told["actions"][0]["sentence"] == words.action(done)
    assert told["verdicts"][0]["sentence"] == words.verdict(came)


def test_a_comment_keeps_its_lines(own: Api, admin: TestClient, project: str) -> None:
    path = f"/api/v1/incidents/{fire(own.core.ledger, project)}"
    admin.post(f"{path}/comments", json={"text": "seen twice:\n- in Bonn\r\n\n- " + "far " * 40 + "away\n"})
    lines = admin.get(f"{path}/story").text.splitlines()
    place = next(n for n, line in enumerate(lines) if line.endswith("  seen twice:"))
    indent = " " * 20
    assert [*lines[place + 1 : place + 3], lines[place + 3][:26]] == [f"{indent}- in Bonn", "", f"{indent}- far "]
    assert lines[-1].startswith(indent) and lines[-1].endswith("away") and max(map(len, lines[place:])) <= 100


async def heard(events: AsyncIterator[bytes]) -> str:
    """The next event that says something."""
    async with asyncio.timeout(120):
        while (event := await anext(events)).startswith(b": "):
            pass
    return event.decode()


def test_listeners_hear_of_incidents_and_verdicts(own: Api, project: str) -> None:
    news = live.Live(own.core, anyio.CapacityLimiter(1))  # type: ignore[arg-type]

    async def run() -> None:
        events = live._events(news, project, None)
        assert (await anext(events)).startswith(b"retry:")
        id = fire(own.core.ledger, project)
        event = await heard(events)
        assert event.startswith("event: incident\n")
        assert json.loads(event.partition("data: ")[2])["id"] == id
        expects = Expectation("mean(score.relevance)", "up", 0.1, T0 + HOUR, "before")
        done = actions.make(own.core.ledger, Action(0, project, "rollback", "rollback", {"to": "A"}, expects, "done",
                                                    "rule:m", incident=id, proposed=T0, started=T0))  # fmt: skip
        said = Verdict(done.id, project, T0 + HOUR, "worked", "randomised", "mean(score.relevance)", 0.12, 0.08, 0.16,
                       640, "caused")  # fmt: skip
        verdicts.add(own.core.ledger, said)
        event = await heard(events)
        assert event.startswith("event: verdict\n")
        told = json.loads(event.partition("data: ")[2])
        assert (told["action"], told["outcome"], told["said"]) == (done.id, "worked", words.verdict(said))
        await events.aclose()

    asyncio.run(run())


# Channels


def test_a_channel_from_making_to_removing(own: Api, operator: TestClient) -> None:
    with receiving() as there:
        body = {"kind": "webhook", "settings": {"url": there.url, "secret": CANARY}, "severity": "critical"}
        made = operator.put("/api/v1/notifiers/hook", json=body)
        assert made.status_code == 200, made.text
        assert operator.post("/api/v1/notifiers/hook/test", json={}).json() == {"ok": True, "error": ""}
        assert there.seen[0].json["events"][0]["kind"] == "test"
        there.always = "500"
        assert operator.post("/api/v1/notifiers/hook/test", json={}).json() == {
            "ok": False, "error": "the receiver answered 500",
        }  # fmt: skip
        nobody = operator.put("/api/v1/notifiers/nobody", json={"quiet": None})
        assert nobody.status_code == 400 and "which kind" in nobody.json()["error"]["message"]
        quiet = operator.put("/api/v1/notifiers/hook", json={"quiet": {"since": "22:00", "until": "07:00"}}).json()
        assert (quiet["kind"], quiet["settings"], quiet["severity"]) == ("webhook", {"url": there.url}, "critical")
        assert operator.put("/api/v1/notifiers/hook", json={"quiet": None}).json()["quiet"] is None
        # A secret that is left out stays.
        again = operator.put("/api/v1/notifiers/hook", json={"kind": "webhook", "settings": {"url": there.url}})
        assert again.status_code == 200
        there.always = "ok"
        assert operator.post("/api/v1/notifiers/hook/test", json={}).json()["ok"]
    (item,) = operator.get("/api/v1/notifiers").json()["items"]
    assert item["sent"] is not None and item["waiting"] == 0
    assert (item["name"], item["kind"], item["secrets"], item["severity"]) == (
        "hook",
        "webhook",
        ["secret"],
        "critical",
    )
    assert operator.delete("/api/v1/notifiers/hook").status_code == 200
    assert operator.delete("/api/v1/notifiers/hook").status_code == 404
    assert operator.post("/api/v1/notifiers/hook/test", json={}).status_code == 404


def test_a_secret_is_never_seen_again(own: Api, operator: TestClient) -> None:
    for kind, settings in {
        "webhook": {"url": "https://example.org/x", "secret": CANARY}, "slack": {"url": f"https://example.org/{CANARY}"},
        "pagerduty": {"routing_key": CANARY}, "github": {"repository": "o/r", "token": CANARY},
        "email": {"host": "mail.example.org", "sender": "a@example.org", "to": "b@example.org", "password": CANARY},
        "apprise": {"urls": [f"json://user:{CANARY}@example.org"]},
    }.items():  # fmt: skip
        answer = operator.put(f"/api/v1/notifiers/{kind}", json={"kind": kind, "settings": settings})
        assert answer.status_code == 200 and CANARY not in answer.text, answer.text
    said = operator.get("/api/v1/notifiers").text + operator.get("/api/v1/audit").text
    assert CANARY not in said
    own.core.ledger.close()
    raw = b"".join(path.read_bytes() for path in own.core.folder.root.rglob("*") if path.is_file())
    assert CANARY.encode() not in raw


def test_only_the_operator_says_where_things_are_sent(own: Api, admin: TestClient) -> None:
    body = {"kind": "webhook", "settings": {"url": "https://example.org", "secret": "s"}}
    assert admin.put("/api/v1/notifiers/hook", json=body).status_code == 403
    assert admin.delete("/api/v1/notifiers/hook").status_code == 403
    assert admin.get("/api/v1/notifiers/kinds").json()["slack"]["settings"]["url"]["secret"] is True


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "pigeon"}, {"settings": {}}, {"settings": {"url": "ftp://example.org", "secret": "s"}},
        {"settings": {"url": "https://u:p@example.org", "secret": "s"}}, {"settings": {"url": "x", "secret": "s"}},
        {"settings": {"url": "https://example.org", "secret": "s", "more": "x"}}, {"severity": "loud"}, {"every": -1},
        {"escalate_to": "nobody", "escalate_after": 5}, {"escalate_after": 5}, {"escalate_to": "hook"},
        {"quiet": {"since": "25:00", "until": "07:00"}}, {"quiet": {"since": "22:00", "until": "7:00"}},
        {"quiet": {"since": "22:00", "until": "07:00", "zone": "Mars"}},
        {"quiet": {"since": "22:00", "until": "22:00"}}, {"settings": {"url": "https://example.org", "secret": 5}},
    ],
)  # fmt: skip
def test_what_is_no_channel(operator: TestClient, given: dict[str, Any]) -> None:
    body = {"kind": "webhook", "settings": {"url": "https://example.org", "secret": "s"}} | given
    answer = operator.put("/api/v1/notifiers/hook", json=body)
    assert answer.status_code == 400 and answer.json()["error"]["message"], answer.text
    assert operator.get("/api/v1/notifiers").json()["items"] == []


def test_what_is_left_out_stays(operator: TestClient) -> None:
    settings = {"host": "mail.example.org", "sender": "a@example.org", "to": ["b@example.org", "c@example.org"],
                "port": 25, "security": "none", "password": CANARY}  # fmt: skip
    quiet = {"since": "22:00", "until": "07:00", "zone": "Europe/Berlin"}
    rules = {"severity": "watch", "every": 5, "quiet": quiet, "escalate_to": "boss", "escalate_after": 15}
    operator.put("/api/v1/notifiers/boss", json={"kind": "slack", "settings": {"url": "https://example.org"}})
    first = operator.put(
        "/api/v1/notifiers/mail", json={"kind": "email", "settings": settings, "state": "off", **rules}
    )
    assert first.status_code == 200, first.text

    def put(**more: Any) -> Any:
        answer = operator.put("/api/v1/notifiers/mail", json={"kind": "email", **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert put() == first.json()
    said = put(severity="critical", settings={"port": 26})
    assert said == first.json() | {
        "severity": "critical", "settings": first.json()["settings"] | {"port": 26},
    }  # fmt: skip
    said = put(quiet=None, escalate_to="", state="on")
    assert (said["quiet"], said["escalate_to"], said["escalate_after"], said["state"]) == (None, "", 0.0, "on")
    assert (said["severity"], said["every"]) == ("critical", 5.0)
    other = {"kind": "webhook", "settings": {"secret": "s"}}
    assert operator.put("/api/v1/notifiers/mail", json=other).status_code == 400, "of another kind nothing is kept"


def test_a_channel_that_others_escalate_to_stays(operator: TestClient) -> None:
    slack = {"kind": "slack", "settings": {"url": "https://example.org"}}
    operator.put("/api/v1/notifiers/boss", json=slack)
    operator.put("/api/v1/notifiers/team", json={**slack, "escalate_to": "boss", "escalate_after": 5})
    no = operator.delete("/api/v1/notifiers/boss")
    assert no.status_code == 409 and "team escalates to boss" in no.json()["error"]["message"]
    operator.put("/api/v1/notifiers/team", json={"kind": "slack", "escalate_to": ""})
    assert operator.delete("/api/v1/notifiers/boss").status_code == 200


def test_what_waits_is_shown(own: Api, operator: TestClient) -> None:
    body = {"kind": "webhook", "settings": {"url": "https://example.org", "secret": "s"}}
    operator.put("/api/v1/notifiers/hook", json=body)
    fire(own.core.ledger, "default")
    assert operator.get("/api/v1/notifiers").json()["items"][0]["waiting"] == 1
    assert outbox.counts(own.core.ledger, "default")["default", "hook"]["waiting"] == 1
