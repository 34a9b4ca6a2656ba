"""A webhook of your own, signed."""

from __future__ import annotations

import hmac
import time
from dataclasses import asdict, dataclass
from typing import ClassVar

from homeostat.act.notifiers.notifier import Delivery, Message, setting
from homeostat.act.notifiers.outbound import Door
from homeostat.act.notifiers.reading import content, delivery


@dataclass(frozen=True, slots=True)
class Webhook:
    """JSON to a URL of yours. `Idempotency-Key` is the same for the same message; the signature covers time and body.

    >>> signature("secret", 1772546400, b"{}")
    'v1=f6ffb0801e325620e2d96527d95b75e4d40493bee1e996baea618373fc205825'
    """

    kind: ClassVar[str] = "webhook"
    settles: ClassVar[tuple[str, ...]] = ()
    url: str = setting("Where it goes.")
    secret: str = setting("What the signature is made with.", secret=True)

    def tell(self, message: Message, door: Door) -> Delivery:
        """Post it."""
        body = content({
            "key": message.key, "project": message.project, "subject": message.subject,
            "events": [asdict(each) for each in message.told],
        })  # fmt: skip
        at = int(time.time())
        headers = {
            "content-type": "application/json", "idempotency-key": message.key, "x-homeostat-timestamp": str(at),
            "x-homeostat-signature": signature(self.secret, at, body),
        }  # fmt: skip
        return delivery(door.send("POST", self.url, headers=headers, content=body))


def signature(secret: str, at: int, body: bytes) -> str:
    """`v1=` and the HMAC-SHA-256 of `<unix seconds>.<body>`."""
    return f"v1={hmac.digest(secret.encode(), b'%d.%b' % (at, body), 'sha256').hex()}"
