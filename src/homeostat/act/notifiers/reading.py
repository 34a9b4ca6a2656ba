"""What an HTTP answer means for a delivery: done, again later, or never."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from homeostat.act.notifiers.notifier import Delivery
from homeostat.act.notifiers.outbound import Answer, Unsent

_AGAIN: Final = (408, 409, 425, 429)
_LONGEST: Final = 3600.0


def delivery(answer: Answer | Unsent) -> Delivery:
    """2xx is done; 408, 409, 425, 429 and 5xx come again; everything else is a mistake of ours. Bodies are not told."""
    if isinstance(answer, Unsent):
        return Delivery(False, retry=answer.retry, error=answer.error)
    if 200 <= answer.status < 300:
        return Delivery(True)
    again = answer.status in _AGAIN or answer.status >= 500
    said = f"the receiver answered {answer.status}"
    if 300 <= answer.status < 400:
        said += ", and messages follow no redirect"
    return Delivery(False, retry=again, after=_after(answer.headers), error=said)


def as_json(answer: Answer) -> Any:
    """The body as JSON; None: it is none."""
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def content(said: Mapping[str, Any]) -> bytes:
    """A body to send."""
    return json.dumps(said, ensure_ascii=False, allow_nan=False).encode()


def _after(headers: Mapping[str, str]) -> float:
    told = headers.get("retry-after", "")
    return min(float(told), _LONGEST) if told.isascii() and told.isdigit() else 0.0
