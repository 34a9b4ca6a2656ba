"""The providers behind the gateway: the operator's settings and nothing else decide where calls may go."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from homeostat.config import Settings

Kind = Literal["openai", "anthropic"]
DEFAULT: Final = "default"
_PORTS: Final = {"http": 80, "https": 443}


class BadUpstream(ValueError):
    """The settings name an upstream that cannot be one; the message says why, never with a key in it."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """One provider: where it listens, which API it speaks, what opens it."""

    name: str
    kind: Kind
    host: str
    port: int
    tls: bool
    base: str
    """What stands before the path of a call, without a slash at its end."""
    key: str = field(default="", repr=False)
    """Empty: the client's own key goes on to it."""

    @property
    def authority(self) -> bytes:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == _PORTS["https" if self.tls else "http"]
        return (host if usual else f"{host}:{self.port}").encode()

    def target(self, path: str) -> bytes:
        """The path of a call (`/v1/messages`) as this provider wants it.

        Its base is spelled as its clients spell it: OpenAI's ends with the version, Anthropic's does not.
        """
        if self.kind == "anthropic" and not self.base.endswith("/v1"):
            return (self.base + path).encode()
        return (self.base + path.removeprefix("/v1")).encode()


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Every provider by name; the default one under `default` when there is one."""

    known: Mapping[str, Upstream]

    def find(self, endpoint: str, family: str) -> Upstream | None:
        """The one that a release names; without a name, the one for an API of that family."""
        if endpoint:
            return self.known.get(endpoint)
        default = self.known.get(DEFAULT)
        if family == "anthropic" and (default is None or default.kind != "anthropic"):
            return next((one for one in self.known.values() if one.kind == "anthropic"), default)
        if default is None and len(self.known) == 1:
            return next(iter(self.known.values()))
        return default


def read(settings: Settings, environ: Mapping[str, str] = os.environ) -> Upstreams:
    """The upstreams of these settings; raises `BadUpstream`."""
    known: dict[str, Upstream] = {}
    if settings.upstream:
        known[DEFAULT] = _upstream(DEFAULT, settings.upstream, _kind_of(settings.upstream), settings.upstream_key)
    for name, said in settings.upstreams.items():
        key = said.key or environ.get(said.key_env, "")
        if said.key_env and not key:
            raise BadUpstream(f"upstream {name}: the environment variable {said.key_env} is not set")
        known[name] = _upstream(name, said.url, said.kind, key)
    return Upstreams(known)


def _upstream(name: str, url: str, kind: Kind, key: str) -> Upstream:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadUpstream(f"upstream {name}: the URL cannot be read ({error})") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadUpstream(f"upstream {name}: the URL must begin with https:// (or http://) and a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise BadUpstream(f"upstream {name}: the URL has a host and a path only; keys belong into the key setting")
    if not (parts.path + parts.hostname + key).isascii() or not (parts.path + key).isprintable() or " " in parts.path:
        raise BadUpstream(f"upstream {name}: URL and key are printable ASCII")
    base = parts.path.rstrip("/")
    if kind == "openai" and not base:
        base = "/v1"
    tls = parts.scheme == "https"
    return Upstream(name, kind, parts.hostname, port or _PORTS[parts.scheme], tls, base, key.strip())


def _kind_of(url: str) -> Kind:
    host = urlsplit(url).hostname or ""
    return "anthropic" if host == "anthropic.com" or host.endswith(".anthropic.com") else "openai"
