"""Pages that the operator's list of addresses names, through the one guarded way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from homeostat.act.notifiers.outbound import Outbound, Unsent, allowed

_READABLE: Final = ("text/", "application/json", "application/xhtml", "application/xml", "application/markdown")
_HEADERS: Final = {
    "accept": "text/html, text/plain, text/markdown", "accept-encoding": "identity",
    "user-agent": "homeostat-documents",
}  # fmt: skip


class NoPage(OSError):
    """The address gave no text, and why."""


def way_out(inside: Iterable[str]) -> Callable[[str], str]:
    """Reads one page. `inside`: what of our own net it may reach (the setting `documents_allow`)."""
    door = Outbound(allowed(inside), setting="documents_allow")

    def read(address: str) -> str:
        said = door.send("GET", address, headers=_HEADERS)
        if isinstance(said, Unsent):
            raise NoPage(said.error)
        if 300 <= said.status < 400:
            raise NoPage(f"it points elsewhere ({said.status}); name the last address, nothing is followed")
        if said.status != 200:
            raise NoPage(f"it answered {said.status}")
        if not said.headers.get("content-type", "text/plain").startswith(_READABLE):
            raise NoPage(f"it is {said.headers['content-type'][:60]}, no text")
        return said.body.decode("utf-8", errors="replace")

    return read
