"""Whatever stands in the table of notifiers must behave so. A new plugin needs a line in `BUILD` and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest

from homeostat.act.notifiers import NOTIFIERS, Message, Notifier, Outbound, Told
from homeostat.act.notifiers.building import checked, kinds, split
from tests.act.notifiers.receivers import Mailbox, Receiver, posting, receiving

DOOR = Outbound(frozenset({"127.0.0.1"}), seconds=120.0)
#: Where the answer never comes; elsewhere it may take its time.
HASTY = Outbound(frozenset({"127.0.0.1"}), seconds=2.0)
CANARY = "canary-0f3a"


def message(*kinds: str, key: str = "k" * 32, **more: Any) -> Message:
    told = [
        Told(42 + n, kind, "critical", "Relevance <fell> in B", "0.84 → 0.71", "2026-03-03T14:00:00.000000Z", "release")
        for n, kind in enumerate(kinds or ("opened",))
    ]
    return Message(key, "shop", tuple(told), **more)


BUILD: dict[str, Callable[[Receiver], dict[str, Any]]] = {
    "slack": lambda there: {"url": there.url},
    "pagerduty": lambda there: {"routing_key": CANARY, "url": there.url},
    "webhook": lambda there: {"url": there.url, "secret": CANARY},
    "github": lambda there: {"repository": "o/r", "token": CANARY, "url": f"http://127.0.0.1:{there.port}"},
    "apprise": lambda there: {"urls": [f"json://127.0.0.1:{there.port}/?rto=120&cto=120"]},
}
OVER_HTTP = sorted(BUILD)


def built(kind: str, there: Receiver) -> Notifier:
    return NOTIFIERS[kind](**checked(kind, BUILD[kind](there)))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as there:
        yield there


def test_every_plugin_is_under_this_contract() -> None:
    assert set(NOTIFIERS) == {*OVER_HTTP, "email"}


@pytest.mark.parametrize("kind", sorted(NOTIFIERS))
def test_it_says_what_its_settings_mean_and_hides_secrets(kind: str) -> None:
    plugin = NOTIFIERS[kind]
    assert (plugin.__doc__ or "").strip(), kind
    for each in fields(plugin):  # type: ignore[arg-type]
        assert each.metadata["says"], each.name
        if each.metadata["secret"]:
            assert not each.repr, f"{kind}.{each.name} shows itself"
    assert kinds()[kind]["means"]
    assert set(plugin.settles) <= {"acknowledged", "closed"}


@pytest.mark.parametrize("kind", OVER_HTTP)
def test_it_arrives(kind: str, receiver: Receiver) -> None:
    done = built(kind, receiver).tell(message("opened", "closed"), DOOR)
    assert (done.ok, done.error) == (True, "")
    sent = b"".join(each.body for each in receiver.seen).decode()
    assert "Relevance" in sent and "42" in sent


@pytest.mark.parametrize("kind", OVER_HTTP)
@pytest.mark.parametrize(
    ("answer", "retry"),
    [("500", True), ("503", True), ("429 after 7", True), ("400", False), ("401", False), ("404", False)],
)
def test_a_refusal_is_told_and_its_body_is_not(kind: str, answer: str, retry: bool, receiver: Receiver) -> None:
    receiver.always = answer
    done = built(kind, receiver).tell(message(), DOOR)
    assert not done.ok and done.error and "canary" not in done.error
    if kind != "apprise":  # Apprise tells no reasons: everything comes again, for a day
        assert done.retry is retry
        assert done.after == (7.0 if answer.endswith("7") else 0.0)


@pytest.mark.parametrize("kind", OVER_HTTP)
@pytest.mark.parametrize("what", ["hang", "reset"])
def test_who_does_not_answer_is_asked_again_later(kind: str, what: str, receiver: Receiver) -> None:
    receiver.always = what
    done = built(kind, receiver).tell(message(), HASTY)  # it comes back at all
    assert (done.ok, done.retry) == (False, True)


@pytest.mark.parametrize("kind", [kind for kind in OVER_HTTP if kind != "apprise"])
def test_no_answer_that_never_ends(kind: str, receiver: Receiver) -> None:
    receiver.always = "drip"
    done = built(kind, receiver).tell(message(), HASTY)  # it comes back at all
    assert (done.ok, done.retry) == (False, True)


@pytest.mark.parametrize("kind", OVER_HTTP)
def test_nonsense_breaks_nothing(kind: str, receiver: Receiver) -> None:
    receiver.always = "garbage"
    done = built(kind, receiver).tell(message(), DOOR)
    assert done.ok or done.retry


@pytest.mark.parametrize("kind", [kind for kind in OVER_HTTP if kind != "apprise"])
def test_no_redirect_is_followed(kind: str, receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.always = f"->http://127.0.0.1:{inside.port}/"
        done = built(kind, receiver).tell(message(), DOOR)
        assert (done.ok, done.retry) == (False, False)
        assert inside.seen == []


@pytest.mark.parametrize("kind", [kind for kind in OVER_HTTP if kind != "apprise"])
def test_our_own_net_needs_the_operators_word(kind: str, receiver: Receiver) -> None:
    done = built(kind, receiver).tell(message(), Outbound(seconds=1.0))
    assert (done.ok, done.retry) == (False, False) and "notify_allow" in done.error
    assert receiver.seen == []


@pytest.mark.parametrize("kind", OVER_HTTP)
def test_many_are_one_message(kind: str, receiver: Receiver) -> None:
    done = built(kind, receiver).tell(message(*["opened"] * 500), DOOR)
    assert done.ok
    if kind not in ("pagerduty", "github"):  # those keep one alert, one issue, an incident
        assert len(receiver.seen) == 1


def test_a_webhook_is_signed_and_keyed(receiver: Receiver) -> None:
    from homeostat.act.notifiers.webhook import signature

    began = int(time.time())
    assert built("webhook", receiver).tell(message(), DOOR).ok
    (seen,) = receiver.seen
    at = int(seen.headers["x-homeostat-timestamp"])
    assert began <= at <= time.time()
    assert seen.headers["x-homeostat-signature"] == signature(CANARY, at, seen.body)
    assert seen.headers["idempotency-key"] == "k" * 32 == seen.json["key"]
    assert CANARY.encode() not in seen.body
    assert seen.json["events"][0]["incident"] == 42


def test_pagerduty_resolves_what_it_triggered(receiver: Receiver) -> None:
    pagerduty = built("pagerduty", receiver)
    for kind in ("opened", "acknowledged", "verdict", "closed"):
        assert pagerduty.tell(message(kind), DOOR).ok
    said = [each.json for each in receiver.seen]
    assert [each["event_action"] for each in said] == ["trigger", "acknowledge", "resolve"]
    assert {each["dedup_key"] for each in said} == {"homeostat-shop-42"}
    assert said[0]["payload"]["severity"] == "critical"


def test_each_test_of_pagerduty_wakes_somebody(receiver: Receiver) -> None:
    pagerduty = built("pagerduty", receiver)
    said = Told(0, "test", "warning", "ann pressed the test button", "If you read this, it works.", "t")
    for key in ("a", "b"):
        assert pagerduty.tell(Message(key, "shop", (said,)), DOOR).ok
    assert [each.json["event_action"] for each in receiver.seen] == ["resolve", "trigger", "resolve", "trigger"]
    assert {each.json["dedup_key"] for each in receiver.seen} == {"homeostat-shop-0"}


def test_slack_is_not_commanded(receiver: Receiver) -> None:
    built("slack", receiver).tell(message(), DOOR)
    assert "<fell>" not in receiver.seen[0].json["text"] and "&lt;fell&gt;" in receiver.seen[0].json["text"]


def test_mail_arrives_and_has_its_key() -> None:
    with posting() as box:
        done = _mail(box).tell(message(), DOOR)
        assert (done.ok, done.error) == (True, "")
        (mail,) = box.mails
        assert f"Message-ID: <{'k' * 32}@homeostat>" in mail
        assert "To: ann@example.org, bob@example.org" in mail


@pytest.mark.parametrize(("answer", "retry"), [("451 later", True), ("550 no", False)])
def test_mail_that_is_refused(answer: str, retry: bool) -> None:
    with posting(answer) as box:
        done = _mail(box).tell(message(), DOOR)
        assert (done.ok, done.retry) == (False, retry) and box.mails == []


def test_mail_stays_out_of_our_own_net() -> None:
    with posting() as box:
        done = _mail(box).tell(message(), Outbound())
        assert (done.ok, done.retry, box.mails) == (False, False, [])


def test_no_header_is_smuggled_in() -> None:
    with posting() as box:
        said = Told(1, "opened", "critical", "Relevance\r\nBcc: eve@example.org", "x\r\n.\r\nMAIL FROM:<eve>", "t")
        assert _mail(box).tell(Message("k", "shop", (said,)), DOOR).ok
        (mail,) = box.mails
        head = mail.partition("\n\n")[0]
        assert "\nBcc:" not in head and "Bcc: eve" in head


def _mail(box: Mailbox) -> Notifier:
    settings = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "homeostat@example.org",
                "to": ["ann@example.org", "bob@example.org"]}  # fmt: skip
    return NOTIFIERS["email"](**checked("email", settings))


def test_secrets_are_told_from_settings() -> None:
    seen, hidden = split("webhook", {"url": "https://example.org", "secret": CANARY})
    assert (seen, hidden) == ({"url": "https://example.org"}, {"secret": CANARY})
