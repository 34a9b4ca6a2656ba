"""How commands talk to a server: its address, our key, and what goes wrong in words."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from homeostat.doors import keys

_OTHER_DATA: Final = (
    "The operator's token in HOMEOSTAT_DATA (or ./homeostat-data) is another server's: "
    "set HOMEOSTAT_DATA to this server's data directory, or HOMEOSTAT_KEY to a key."
)


class Unreachable(Exception):
    """Nobody answers at the address."""


class Refused(Exception):
    """The server says no; the message is its own."""


def url() -> str:
    """Where the server is."""
    return os.environ.get("HOMEOSTAT_URL", "http://127.0.0.1:4400").rstrip("/")


def operator() -> str:
    """The operator's token: on the server's own machine its owner needs no other key."""
    data = Path(os.environ.get("HOMEOSTAT_DATA", "homeostat-data")) / "control"
    if urlsplit(url()).hostname not in ("127.0.0.1", "localhost", "::1"):
        return ""
    try:
        return keys.operator((data / "pepper").read_bytes(), (data / "operator").read_text()).text
    except OSError:
        return ""


class _Credential(httpx2.Auth):
    """Our key; without one, the operator's token of the data directory, which may be another server's."""

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Ask with it; where the token is refused, ask as anybody may."""
        chosen = os.environ.get("HOMEOSTAT_KEY", "")
        key = chosen or operator()
        if key:
            request.headers["authorization"] = f"Bearer {key}"
        answer = yield request
        if answer.status_code == 401 and key and not chosen:
            del request.headers["authorization"]
            again = yield request
            if again.status_code == 401:
                again.extensions["hint"] = _OTHER_DATA


@contextmanager
def connect(timeout: float = 60.0) -> Iterator[httpx2.Client]:
    """A client with our key."""
    with httpx2.Client(base_url=url(), auth=_Credential(), timeout=timeout, trust_env=False) as client:
        try:
            yield client
        except httpx2.TransportError as error:
            raise Unreachable(
                f"no answer from {url()} ({error}). Is `homeostat up` running? HOMEOSTAT_URL names another place."
            ) from error


def get(path: str, parameters: Mapping[str, Any] | list[tuple[str, Any]] | None = None) -> Any:
    """The JSON answer of a GET."""
    with connect() as client:
        return checked(client.get(path, params=parameters))


def post(path: str, body: object) -> Any:
    """The JSON answer of a POST."""
    with connect() as client:
        return checked(client.post(path, json=body))


def patch(path: str, body: object) -> Any:
    """The JSON answer of a PATCH."""
    with connect() as client:
        return checked(client.patch(path, json=body))


def delete(path: str) -> Any:
    """The JSON answer of a DELETE."""
    with connect() as client:
        return checked(client.delete(path))


def checked(response: httpx2.Response) -> Any:
    """The JSON of an answer, or the server's own words for what is wrong."""
    if response.status_code == 503:
        raise Unreachable(said(response))
    if response.status_code >= 400:
        raise Refused(said(response))
    return response.json() if response.content else None


def said(response: httpx2.Response) -> str:
    """The message of an error answer."""
    try:
        error = json.loads(response.read())["error"]
        hint = response.extensions.get("hint") or error.get("hint", "")
        return f"{error['message']} {hint}".strip()
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} from {response.request.url.path}"
