"""The outbox at work: what waits is told, in each channel by a thread of its own, so that a slow one delays nobody.

A message is bound to its key in the ledger before it leaves. Whoever is killed between sending and writing down that it
was sent sends it again under the same key: told at least once, and once for receivers that know keys.
Times are microseconds of the machine clock: people live on it, whatever the world's clock says.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from homeostat.act.notifiers import Delivery, Door, Message, Told, building
from homeostat.act.outbox import machine_now
from homeostat.records.channel import Channel, Quiet
from homeostat.records.instant import EPOCH, as_datetime
from homeostat.store.ledger import Ledger, channels, incidents, outbox
from homeostat.store.ledger.outbox import Waiting

log: Final = logging.getLogger("homeostat.telling")
_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
#: Whoever has bound a message and is not heard of for so long is dead.
_HELD: Final = 180 * _SECOND
_FIRST, _LONGEST = 1.0, 300.0
_MOST_ROWS: Final = 5_000
_MOST_THREADS: Final = 32
_KEPT: Final = 30 * _DAY


@dataclass
class Teller:
    """Tells everything that waits in one ledger."""

    ledger: Ledger
    key: bytes = field(repr=False)
    door: Door
    link: str = ""
    busy: set[tuple[str, str]] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _forgot: float = 0.0

    def round(self, *, wait: float = 0.0) -> int:
        """Start a thread for each channel that has something to tell and none yet."""
        self._forget()
        started = []
        for place in outbox.due(self.ledger, machine_now()):
            with self._turn:
                if place in self.busy or len(self.busy) >= _MOST_THREADS:
                    continue
                self.busy.add(place)
            thread = threading.Thread(target=self._serve, args=place, name=f"telling-{place[1]}", daemon=True)
            thread.start()
            started.append(thread)
        end = time.monotonic() + wait
        for thread in started:
            thread.join(max(0.0, end - time.monotonic()))
        return len(started)

    def serve(self, project: str, name: str) -> int:
        """Tell one channel what is due now; tells how many messages left."""
        sent = 0
        while self._once(project, name):
            sent += 1
        return sent

    def _serve(self, project: str, name: str) -> None:
        try:
            self.serve(project, name)
        except Exception:  # the next round tries again; a broken channel must not end the others
            log.exception("telling %s/%s failed", project, name)
        finally:
            with self._turn:
                self.busy.discard((project, name))

    def _once(self, project: str, name: str) -> bool:
        """One message, if one may leave now; false: nothing more to do for now."""
        now = machine_now()
        channel = channels.get(self.ledger, project, name)
        if channel is None:
            outbox.drop_for(self.ledger, project, name, now=now)
            return False
        rows = self._chosen(channel, outbox.ready(self.ledger, project, name, now, limit=_MOST_ROWS), now)
        if not rows:
            return False
        batch = outbox.bind(self.ledger, rows, now=now, until=now + _HELD)
        if batch is None:
            return False
        delivery = self._told(channel, batch, rows)
        self._written(channel, rows, delivery)
        return delivery.ok

    def _chosen(self, channel: Channel, ready: Sequence[Waiting], now: int) -> list[Waiting]:
        """The rows of the next message. What may not be told now gets another time."""
        if channel.state != "on":
            outbox.again(self.ledger, [row.key for row in ready], due=now + 60 * _SECOND)
            return []
        begun = [row for row in ready if row.batch]
        if begun:  # after a crash or a failure: the same message again
            return outbox.of_batch(self.ledger, begun[0].batch)
        ready = self._worth(ready, now)
        grave = [row for row in ready if row.severity == "critical" or row.kind == "test"]
        plain = [row for row in ready if row not in grave]
        until = quiet_until(channel.rules.quiet, now)
        if until and plain:
            outbox.again(self.ledger, [row.key for row in plain], due=until)
            plain = []
        pause = int(channel.rules.every * _SECOND)
        if not pause:
            return (grave or plain)[:1]
        for rows, last in ((grave, channel.sent_critical), (plain, channel.sent)):
            if rows and now - last < pause:
                outbox.again(self.ledger, [row.key for row in rows], due=last + pause)
            elif rows:
                return rows
        return []

    def _worth(self, ready: Sequence[Waiting], now: int) -> list[Waiting]:
        """Without escalations of what somebody has seen meanwhile."""
        gone = []
        for row in ready:
            if row.kind == "escalated":
                incident = incidents.get(self.ledger, row.project, row.incident)
                if incident is None or incident.state != "open":
                    gone.append(row)
        outbox.end(self.ledger, [row.key for row in gone], "dropped", now=now, error="somebody has seen it")
        return [row for row in ready if row not in gone]

    def _told(self, channel: Channel, batch: str, rows: Sequence[Waiting]) -> Delivery:
        handles = {
            row.incident: handle
            for row in rows
            if (handle := channels.thread(self.ledger, channel.project, channel.name, row.incident))
        }
        message = Message(batch, channel.project, tuple(self._said(row) for row in rows), handles)
        try:
            return building.built(self.key, channel).tell(message, self.door)
        except building.BadChannel as problem:
            return Delivery(False, error=str(problem))
        except Exception as problem:  # a plugin's own fault is no reason to lose what waits
            log.exception("the notifier of %s/%s failed", channel.project, channel.name)
            return Delivery(False, retry=True, error=f"the notifier failed ({type(problem).__name__})")

    def _said(self, row: Waiting) -> Told:
        body = row.body
        link = f"{self.link}/incidents/{row.incident}" if self.link and row.incident else ""
        return Told(row.incident, row.kind, row.severity, body["title"], body["text"], body["at"], body["cause"], link)

    def _written(self, channel: Channel, rows: Sequence[Waiting], delivery: Delivery) -> None:
        now, keys = machine_now(), [row.key for row in rows]
        with self.ledger.begin():
            if delivery.ok:
                grave = any(row.severity == "critical" for row in rows)
                times = {"sent": now} | ({"sent_critical": now} if grave else {})
                outbox.end(self.ledger, keys, "sent", now=now, error=delivery.error)
                channels.remember(self.ledger, channel.project, channel.name, delivery.handles)
                channels.used(self.ledger, channel.project, channel.name, problem=delivery.error, **times)
                return
            channels.used(self.ledger, channel.project, channel.name, problem=delivery.error[:500])
            if not delivery.retry or now - rows[0].made > _DAY:
                outbox.end(self.ledger, keys, "dead", now=now, error=delivery.error)
                log.error("%s/%s could not be told: %s", channel.project, channel.name, delivery.error)
                return
            due = now + int(max(delivery.after, pause(rows[0].attempts)) * _SECOND)
            outbox.again(self.ledger, keys, due=due, error=delivery.error)
            # What came meanwhile would meet the same trouble.
            others = outbox.ready(self.ledger, channel.project, channel.name, now, limit=_MOST_ROWS)
            outbox.again(self.ledger, [row.key for row in others], due=due)

    def _forget(self) -> None:
        if time.monotonic() - self._forgot > 3600 or not self._forgot:
            self._forgot = time.monotonic()
            outbox.forget(self.ledger, machine_now() - _KEPT)


def pause(attempts: int) -> float:
    """Seconds until the next try: 1 s, doubling to 5 minutes, a little different each time."""
    return float(min(_LONGEST, _FIRST * 2 ** min(attempts, 12)) * random.uniform(0.75, 1.0))


def quiet_until(quiet: Quiet | None, now: int) -> int:
    """When the quiet hours that we are in end (µs); 0: we are in none."""
    if quiet is None:
        return 0
    try:
        zone = ZoneInfo(quiet.zone)
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    here = as_datetime(now).astimezone(zone)
    for day in (here - timedelta(days=1), here):
        begins, ends = _at(day, quiet.since), _at(day, quiet.until)
        if ends <= begins:
            ends = _at(day + timedelta(days=1), quiet.until)
        if begins <= here < ends:
            return int((ends - EPOCH) / timedelta(microseconds=1))
    return 0


def _at(day: datetime, clock: str) -> datetime:
    hours, _, minutes = clock.partition(":")
    return day.replace(hour=int(hours), minute=int(minutes or 0), second=0, microsecond=0)
