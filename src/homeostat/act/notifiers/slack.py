"""Slack, by an incoming webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from homeostat.act.notifiers.notifier import Delivery, Message, setting
from homeostat.act.notifiers.outbound import Door
from homeostat.act.notifiers.reading import content, delivery


@dataclass(frozen=True, slots=True)
class Slack:
    """A message in a Slack channel. Slack knows no idempotency key: after a crash while sending one may come twice.

    Reference: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    """

    kind: ClassVar[str] = "slack"
    settles: ClassVar[tuple[str, ...]] = ()
    url: str = setting("The incoming webhook.", secret=True)

    def tell(self, message: Message, door: Door) -> Delivery:
        """Post it."""
        text = "\n".join([f"*{_plain(message.subject)}*", *(f"• {_plain(line)}" for line in message.lines)])
        body = content({"text": text, "unfurl_links": False})
        return delivery(door.send("POST", self.url, headers={"content-type": "application/json"}, content=body))


def _plain(text: str) -> str:
    """Slack reads <…> as commands: a release called <!channel> must not wake everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
