"""Which names this server answers to, and which pages may ask: against DNS rebinding and forged requests.

A page on an evil site can make a browser ask 127.0.0.1 under the evil site's name; it cannot forge the Host header
that says so.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from homeostat.config import Settings

_LOOPBACK: Final = frozenset((b"localhost", b"127.0.0.1", b"::1"))
_REMEMBERED: Final = 256


class Hosts:
    """The host names of this server."""

    def __init__(self, settings: Settings) -> None:
        self._names = _LOOPBACK | {
            host.lower().strip("[]").encode() for host in (settings.host, *settings.allowed_hosts)
        }
        # A page cannot be served under a number that is not ours, so numbers are safe; a load balancer asks by number.
        self._numbers = not settings.loopback
        self._judged: dict[bytes, bool] = {}

    def allows(self, host: bytes) -> bool:
        """Whether a Host header names this server."""
        known = self._judged.get(host)
        if known is None:
            known = self._judge(host)
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            self._judged[host] = known
        return known

    def _judge(self, host: bytes) -> bool:
        host = host.lower()
        name = name_of(host)
        return name in self._names or host in self._names or (self._numbers and _is_number(name))


def name_of(host: bytes) -> bytes:
    """A Host header without its port."""
    if host.startswith(b"["):
        name, bracket, port = host[1:].partition(b"]")
        return name if bracket and (not port or (port[1:].isdigit() and port.startswith(b":"))) else b""
    name, colon, port = host.rpartition(b":")
    if not colon:
        name = host
    elif not port.isdigit():
        return b""
    return name.removesuffix(b".")


def same_page(origin: bytes, site: bytes, host: bytes) -> bool:
    """Whether a request was made by a page of this server, or by no page at all.

    Programs send neither header; browsers send them and do not let pages change them.
    """
    if site and site not in (b"same-origin", b"none"):
        return False
    return not origin or origin.partition(b"://")[2].lower() == host.lower()


def _is_number(name: bytes) -> bool:
    try:
        ipaddress.ip_address(name.decode("ascii"))
    except ValueError:
        return False
    return True
