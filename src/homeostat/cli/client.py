"""How commands talk to a server: its address, our key, and what goes wrong in words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from homeostat.doors import keys


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


@contextmanager
def connect(timeout: float = 60.0) -> Iterator[httpx2.Client]:
    """A client with our key."""
    key = os.environ.get("HOMEOSTAT_KEY", "") or operator()
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx2.Client(base_url=url(), headers=headers, timeout=timeout, trust_env=False) as client:
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
        return f"{error['message']} {error.get('hint', '')}".strip()
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} from {response.request.url.path}"
