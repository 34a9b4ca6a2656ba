"""The SDK's one door to the network: a request, and what its answer means for what was sent."""

from __future__ import annotations

import encodings.idna  # noqa: F401 (loaded with the first look-up of a name otherwise, in a thread, while others fork)
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx2

from homeostat.sdk.settings import Settings

_AGAIN: Final = (408, 429, 500, 502, 503, 504)
_LONGEST_WAIT: Final = 60.0
_LARGE: Final = 1024
_TIMEOUT: Final = httpx2.Timeout(10.0, connect=5.0)
PROTOBUF: Final = "application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Answer:
    """`done`: it is there. `again`: later, after `wait` seconds if the server said so. `never`: it is of no use."""

    said: Literal["done", "again", "never"]
    status: int = 0
    wait: float | None = None
    body: bytes = b""
    problem: str = ""


class Post:
    """A connection to the server, kept open. One thread uses it."""

    def __init__(self, settings: Settings) -> None:
        headers = {"user-agent": "homeostat-sdk"}
        if settings.key:
            headers["authorization"] = f"Bearer {settings.key}"
        self._problem = ""
        try:
            self._client = httpx2.Client(base_url=settings.url, headers=headers, timeout=_TIMEOUT)
        except Exception as error:  # an address or a key that cannot be one
            self._problem = f"{type(error).__name__}: {error}"

    def send(self, path: str, body: bytes, kind: str, timeout: float | None = None) -> Answer:
        """POST it; never raises."""
        if self._problem:
            return Answer("never", problem=self._problem)
        headers = {"content-type": kind}
        if len(body) > _LARGE:
            body = gzip.compress(body, 1)
            headers["content-encoding"] = "gzip"
        limit = httpx2.USE_CLIENT_DEFAULT if timeout is None else timeout
        try:
            response = self._client.post(path, content=body, headers=headers, timeout=limit)
        except Exception as error:  # whatever the network or the address does, it is no reason to end
            return Answer("again", problem=f"{type(error).__name__}: {error}")
        return _read(response)

    def get(self, path: str, parameters: Mapping[str, Any], timeout: float) -> Answer:
        """GET it; never raises."""
        if self._problem:
            return Answer("never", problem=self._problem)
        try:
            return _read(self._client.get(path, params=parameters, timeout=timeout))
        except Exception as error:  # as above
            return Answer("again", problem=f"{type(error).__name__}: {error}")


def _read(response: httpx2.Response) -> Answer:
    status = response.status_code
    if status < 300 or status == 304:
        return Answer("done", status, body=response.content)
    if status in _AGAIN:
        return Answer("again", status, _retry_after(response), problem=f"HTTP {status}")
    return Answer("never", status, body=response.content, problem=f"HTTP {status}: {_message(response)}")


def _retry_after(response: httpx2.Response) -> float | None:
    try:
        return min(_LONGEST_WAIT, max(0.0, float(response.headers.get("retry-after", ""))))
    except ValueError:
        return None


def _message(response: httpx2.Response) -> str:
    """The server's own words, short. Bodies of OTLP answers are no JSON."""
    try:
        return str(json.loads(response.content)["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return ""
