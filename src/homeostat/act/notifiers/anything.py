"""Everything that Apprise speaks: Teams, Discord, Telegram, Matrix, ntfy, SMS and a hundred others."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

from homeostat.act.notifiers.notifier import Delivery, Message, setting
from homeostat.act.notifiers.outbound import Door


@dataclass(frozen=True, slots=True)
class Anything:
    """One or more Apprise URLs. Apprise makes its own connections: the rules of `notify_allow` do not hold for it.

    Reference: https://github.com/caronc/apprise
    """

    kind: ClassVar[str] = "apprise"
    settles: ClassVar[tuple[str, ...]] = ()
    urls: tuple[str, ...] = setting("Apprise URLs.", secret=True)

    def tell(self, message: Message, door: Door) -> Delivery:
        """Tell all of them; where one fails all are told again."""
        try:
            import apprise
        except ImportError:
            return Delivery(False, retry=True, error="Apprise is not installed: pip install 'homeostat[apprise]'")
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs URLs, and those are secrets
        way = apprise.Apprise()
        if not all(way.add(url) for url in self.urls):
            return Delivery(False, error="one of the URLs is none that Apprise knows")
        kinds = {"critical": "failure", "warning": "warning", "watch": "info"}
        kind = "success" if message.told[0].kind == "closed" else kinds.get(message.told[0].severity, "warning")
        done = way.notify(title=message.subject, body="\n".join(message.lines), notify_type=kind, body_format="text")
        return Delivery(bool(done), retry=True, error="" if done else "Apprise could not deliver it")
