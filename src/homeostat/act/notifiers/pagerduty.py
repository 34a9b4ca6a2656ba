"""PagerDuty, by its Events API v2: triggers, acknowledges and resolves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from homeostat.act.notifiers.notifier import Delivery, Message, Told, setting
from homeostat.act.notifiers.outbound import Door
from homeostat.act.notifiers.reading import content, delivery

_ACTIONS: Final = {"acknowledged": "acknowledge", "closed": "resolve"}
_QUIET: Final = ("action", "verdict")
_SEVERITY: Final = {"critical": "critical", "warning": "warning", "watch": "info"}


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """One alert an incident, resolved when it is closed. The alert's key is the incident's, so that none comes twice.

    Reference: https://developer.pagerduty.com/docs/send-alert-event
    """

    kind: ClassVar[str] = "pagerduty"
    settles: ClassVar[tuple[str, ...]] = ("acknowledged", "closed")
    routing_key: str = setting("The integration key of the service.", secret=True)
    url: str = setting("Where events go.", default="https://events.pagerduty.com/v2/enqueue")

    def tell(self, message: Message, door: Door) -> Delivery:
        """One event for each incident: of several things about one, the last word counts."""
        last = {each.incident: each for each in message.told if each.kind not in _QUIET}
        for each in last.values():
            action = _ACTIONS.get(each.kind, "trigger")
            # While the alert of the test before is open, another test would wake nobody.
            for one in ("resolve", action) if each.kind == "test" else (action,):
                body = content(self._event(message.project, each, one))
                done = delivery(door.send("POST", self.url, headers={"content-type": "application/json"}, content=body))
                if not done.ok:
                    return done
        return Delivery(True)

    def _event(self, project: str, told: Told, action: str) -> dict[str, Any]:
        said: dict[str, Any] = {
            "routing_key": self.routing_key,
            "event_action": action,
            "dedup_key": f"homeostat-{project}-{told.incident}",
        }
        if said["event_action"] == "trigger":
            said["payload"] = {
                "summary": told.title[:1024], "source": f"homeostat/{project}", "timestamp": told.at,
                "severity": _SEVERITY.get(told.severity, "warning"), "class": told.cause,
                "custom_details": {"what": told.text[:4000]},
            }  # fmt: skip
            if told.link:
                said |= {"links": [{"href": told.link, "text": f"Incident #{told.incident}"}]}
        return said
