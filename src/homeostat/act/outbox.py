"""What is to be told to whom, written in the transaction of what it tells of. Sending is `loop/watching/telling.py`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final

from homeostat.act.notifiers import NOTIFIERS
from homeostat.records.channel import Channel
from homeostat.records.incident import Incident
from homeostat.records.instant import iso
from homeostat.store.ledger import Ledger, channels, outbox
from homeostat.store.ledger.outbox import Waiting

_RANK: Final = {"watch": 0, "warning": 1, "critical": 2}
_BEGINS: Final = ("opened", "worse", "reopened", "unsilenced")
_MINUTE: Final = 60_000_000
#: What a test opened at a receiver is closed after so long.
_TESTED: Final = 5 * _MINUTE


def tell(ledger: Ledger, incident: Incident, kind: str, title: str, text: str, *, at: int, made: int = 0) -> int:
    """Write a row for each channel that hears of this; tells how many. `at`: event clock; `made`: machine clock.

    That it is over only to those who have heard of it. About a silenced incident nothing but what settles an alert that
    is open at a receiver.
    """
    silent = incident.silenced_until > at
    if silent and kind in _BEGINS:
        return 0
    made = made or machine_now()
    body = _body(incident, title, text, at)
    written = 0
    heard = None if kind in _BEGINS else outbox.told(ledger, incident.project, incident.id)
    for channel in channels.listed(ledger, incident.project):
        if channel.state != "on" or (heard is not None and channel.name not in heard):
            continue
        if silent and kind not in settles(channel):
            continue
        if heard is None and (channel.rules.only_escalations or not _grave(incident, channel)):
            continue
        outbox.add(ledger, _row(incident, channel.name, kind, body, made, made))
        written += 1
        if kind in _BEGINS and channel.rules.escalate_after > 0 and channel.rules.escalate_to:
            due = made + int(channel.rules.escalate_after * _MINUTE)
            outbox.add(ledger, _row(incident, channel.rules.escalate_to, "escalated", body, made, due))
    return written


def hush(ledger: Ledger, project: str, incident: int) -> None:
    """It was silenced: what waits to be told of it, escalations too, goes to nobody, but for what settles an alert."""
    kept = {channel.name: settles(channel) for channel in channels.listed(ledger, project)}
    gone = [row.key for row in outbox.waiting(ledger, project, incident) if row.kind not in kept.get(row.channel, ())]
    outbox.end(ledger, gone, "dropped", now=machine_now(), error="the incident is silenced")


def tried(ledger: Ledger, channel: Channel, *, at: int) -> None:
    """A test arrived: it was told as anything else is, and what it opened at the receiver is closed after a while."""
    now, said = machine_now(), {"title": "The test is over", "text": "", "at": iso(at), "cause": ""}
    test = Waiting(channel.project, channel.name, 0, "test", "warning", said, now, now)
    with ledger.begin():
        before = [row.key for row in outbox.waiting(ledger, channel.project, 0) if row.channel == channel.name]
        outbox.end(ledger, before, "dropped", now=now, error="another test came")
        outbox.end(ledger, [outbox.add(ledger, test)], "sent", now=now)
        if "closed" in settles(channel):
            outbox.add(ledger, replace(test, kind="closed", due=now + _TESTED))


def settles(channel: Channel) -> tuple[str, ...]:
    """What this channel is told in silence too."""
    plugin = NOTIFIERS.get(channel.kind)
    return () if plugin is None else plugin.settles


def machine_now() -> int:
    """People live on the machine's clock, whatever the world's clock says."""
    return time.time_ns() // 1000


def _grave(incident: Incident, channel: Channel) -> bool:
    return _RANK[incident.severity] >= _RANK[channel.rules.severity]


def _row(incident: Incident, channel: str, kind: str, body: dict[str, Any], made: int, due: int) -> Waiting:
    return Waiting(incident.project, channel, incident.id, kind, incident.severity, body, made, due)


def _body(incident: Incident, title: str, text: str, at: int) -> dict[str, Any]:
    return {
        "title": title, "text": text, "at": iso(at), "opened": iso(incident.opened), "onset": iso(incident.onset),
        "cause": incident.cause, "state": incident.state,
    }  # fmt: skip
