"""How people are told, one plugin a file. A new one: its file, its line here, and the contract suite tests it."""

from __future__ import annotations

from typing import Final

from homeostat.act.notifiers.anything import Anything
from homeostat.act.notifiers.email import Email
from homeostat.act.notifiers.github import GitHub
from homeostat.act.notifiers.notifier import Delivery, Message, Notifier, Told
from homeostat.act.notifiers.outbound import Door, Outbound
from homeostat.act.notifiers.pagerduty import PagerDuty
from homeostat.act.notifiers.slack import Slack
from homeostat.act.notifiers.webhook import Webhook

NOTIFIERS: Final[dict[str, type[Notifier]]] = {
    each.kind: each for each in (Slack, PagerDuty, Email, Webhook, GitHub, Anything)
}

__all__ = ["NOTIFIERS", "Delivery", "Door", "Message", "Notifier", "Outbound", "Told"]
