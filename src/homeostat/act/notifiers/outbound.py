"""The one door through which notifiers reach other machines.

Whoever names an address could make this machine speak to places that only it can reach. So: addresses of our own net
are refused unless the operator's settings name them, a host is looked up once and spoken to at the address that was
checked, nothing is redirected, no proxy of the environment is used, and answers are bounded in size and time.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx2

_MOST_BYTES: Final = 1 << 20
_PORTS: Final = frozenset((25, 80, 443, 465, 587))
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class Unsent:
    """Nobody answered, or nobody was asked. `retry`: asking again could help."""

    error: str
    retry: bool = True


class Door(Protocol):
    """The way out."""

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Answer | Unsent:
        """One HTTP request."""

    def place(self, host: str, port: int) -> str | Unsent:
        """The checked address of a host, for protocols that are not HTTP."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """`allowed`: names, addresses and networks inside our own net that may be reached (the setting `notify_allow`)."""

    allowed: frozenset[str] = frozenset()
    seconds: float = 20.0
    setting: str = "notify_allow"

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Answer | Unsent:
        """One HTTP request to a checked address."""
        wrong = bad_url(url)
        if wrong:
            return Unsent(wrong, retry=False)
        parts = urlsplit(url)
        host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        place = self.place(host, port)
        if isinstance(place, Unsent):
            return place
        name = f"[{place}]" if ":" in place else place
        target = parts._replace(netloc=f"{name}:{port}").geturl()
        said = {**(headers or {}), "host": parts.netloc}
        return self._asked(method, target, said, content, host)

    def place(self, host: str, port: int) -> str | Unsent:
        """The address to speak to, if every address that the name has may be spoken to."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return Unsent(f"the name {host} cannot be found")
        addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
        if host not in self.allowed:
            wrong = [each for each in addresses if not self._may(each)]
            if wrong:
                return Unsent(f"{host} lies inside our own net; the setting {self.setting} must name it", retry=False)
            if port not in _PORTS and port < 1024:
                return Unsent(f"port {port} is not one that messages go to", retry=False)
        return str(addresses[0]) if addresses else Unsent(f"the name {host} has no address")

    def _may(self, address: Address) -> bool:
        return public(address) or any(_within(address, each) for each in self.allowed)

    def _asked(self, method: str, url: str, headers: dict[str, str], content: bytes, host: str) -> Answer | Unsent:
        client = _client(self.seconds / 2)
        options: dict[str, Any] = {"headers": headers, "content": content, "extensions": {"sni_hostname": host}}
        end = time.monotonic() + self.seconds
        try:
            with client.stream(method, url, **options) as response:
                body = b""
                for part in response.iter_raw():
                    body += part
                    if len(body) > _MOST_BYTES or time.monotonic() > end:
                        return Unsent("the receiver does not come to an end")
                return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Unsent(f"the receiver cannot be reached ({type(error).__name__})")


@lru_cache(maxsize=8)
def _client(timeout: float) -> httpx2.Client:
    """Made once: its certificates take long to read. No connection is kept: one that was proven to be with a host must
    not serve another host of the same address."""
    limits = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False, limits=limits)


def bad_url(url: str) -> str:
    """Why this is not an address to send to; empty: it is one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "this is not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return "a URL begins with https:// or http:// and names a host"
    if parts.username is not None or parts.password is not None or "\\" in url or any(ord(each) <= 32 for each in url):
        return "a URL has neither a user nor a password in it, and no spaces"
    return ""


def public(address: Address) -> bool:
    """An address of the open net, also when it is dressed up as another one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return public(inner)
    return address.is_global and not address.is_multicast


def allowed(told: Iterable[str]) -> frozenset[str]:
    """What the operator's setting names, in small letters."""
    return frozenset(each.strip().lower() for each in told if each.strip())


def _within(address: Address, named: str) -> bool:
    try:
        return address in ipaddress.ip_network(named, strict=False)
    except ValueError:
        return False
