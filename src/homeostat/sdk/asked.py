"""Questions to the server: lazy, and the same object answers plain code and async code.

A question is written once, as a generator that yields requests and is given answers; `Line` drives it either way.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import httpx2

from homeostat.sdk.settings import DEFAULT_URL
from homeostat.sdk.tables import Row, Rows

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

T = TypeVar("T")
_UNREACHABLE: Final = "no answer from {url} ({error}). Is `homeostat up` running? HOMEOSTAT_URL names another place."


class ClientError(Exception):
    """The server cannot be asked, or says no: `status` is 0 when nobody answered."""

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request."""

    method: str
    path: str
    parameters: Sequence[tuple[str, str]] = ()
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Line:
    """The way to the server, for plain code and for async code."""

    def __init__(self, url: str | None, key: str | None, timeout: float) -> None:
        self.url = (url or os.environ.get("HOMEOSTAT_URL") or DEFAULT_URL).rstrip("/")
        key = os.environ.get("HOMEOSTAT_KEY", "") if key is None else key
        self._headers = {"user-agent": "homeostat-sdk"} | ({"authorization": f"Bearer {key}"} if key else {})
        self._timeout = timeout
        self._plain: httpx2.Client | None = None

    def ask(self, wanted: Wanted) -> Any:
        """The answer's JSON."""
        if self._plain is None:
            self._plain = httpx2.Client(base_url=self.url, headers=self._headers, timeout=self._timeout)
        try:
            return _checked(self._plain.request(**_arguments(wanted)))
        except httpx2.TransportError as error:
            raise ClientError(_UNREACHABLE.format(url=self.url, error=error)) from error

    def open(self) -> httpx2.AsyncClient:
        """A connection for the length of one question: event loops come and go, connections belong to one."""
        return httpx2.AsyncClient(base_url=self.url, headers=self._headers, timeout=self._timeout)

    async def aask(self, client: httpx2.AsyncClient, wanted: Wanted) -> Any:
        """The answer's JSON."""
        try:
            return _checked(await client.request(**_arguments(wanted)))
        except httpx2.TransportError as error:
            raise ClientError(_UNREACHABLE.format(url=self.url, error=error)) from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._plain is not None:
            self._plain.close()
            self._plain = None


def _arguments(wanted: Wanted) -> dict[str, Any]:
    told: dict[str, Any] = {"method": wanted.method, "url": wanted.path, "headers": wanted.headers}
    if wanted.parameters:
        told["params"] = list(wanted.parameters)
    if wanted.body is not None:
        told["json"] = wanted.body
    return told


def _checked(response: httpx2.Response) -> Any:
    """The JSON of an answer; else the server's own words for what is wrong."""
    if response.status_code < 400:
        return response.json() if response.content else None
    try:
        said = response.json()["error"]
        message = f"{said['message']} {said.get('hint') or ''}".strip()
        code = str(said.get("code", ""))
    except (ValueError, KeyError, TypeError):
        message, code = f"HTTP {response.status_code} from {response.request.url.path}", ""
    raise ClientError(message, response.status_code, code)


class Asked(Generic[T]):
    """A question with one answer: `.get()` in plain code, `await` in async code."""

    def __init__(self, line: Line, wanted: Wanted, read: Any = None) -> None:
        self._line = line
        self._wanted = wanted
        self._read = read or (lambda answer: answer)

    def get(self) -> T:
        """Ask, and wait for the answer."""
        return self._read(self._line.ask(self._wanted))  # type: ignore[no-any-return]

    def __await__(self) -> Generator[Any, None, T]:
        return self._ask().__await__()

    async def _ask(self) -> T:
        async with self._line.open() as client:
            return self._read(await self._line.aask(client, self._wanted))  # type: ignore[no-any-return]


Steps = Generator[Wanted, Any, None]


class Listed:
    """A question with many answers: iterate, or take them all as a table; in async code `async for`, or `await` it."""

    def __init__(
        self, line: Line, path: str, parameters: Sequence[tuple[str, str]], most: int | None, page: int
    ) -> None:
        self._line = line
        self._path = path
        self._parameters = list(parameters)
        self._most = most
        self._page = page

    def _steps(self, into: list[Row]) -> Steps:
        """Page after page; what comes is put into `into`."""
        left, cursor = self._most, ""
        while left is None or left > 0:
            limit = self._page if left is None else min(self._page, left)
            more = [("limit", str(limit)), *([("cursor", cursor)] if cursor else [])]
            answer = yield Wanted("GET", self._path, [*self._parameters, *more])
            into += answer["items"]
            left = None if left is None else left - len(answer["items"])
            cursor = answer.get("next") or ""
            if not cursor:
                return

    def __iter__(self) -> Iterator[Row]:
        rows: list[Row] = []
        steps = self._steps(rows)
        wanted = next(steps, None)
        while wanted is not None:
            try:
                following = steps.send(self._line.ask(wanted))
            except StopIteration:
                following = None
            yield from rows
            rows.clear()
            wanted = following

    async def __aiter__(self) -> AsyncIterator[Row]:
        rows: list[Row] = []
        steps = self._steps(rows)
        wanted = next(steps, None)
        async with self._line.open() as client:
            while wanted is not None:
                try:
                    following = steps.send(await self._line.aask(client, wanted))
                except StopIteration:
                    following = None
                for row in rows:
                    yield row
                rows.clear()
                wanted = following

    def __await__(self) -> Generator[Any, None, Rows]:
        return self._all().__await__()

    async def _all(self) -> Rows:
        return Rows([row async for row in self])

    def get(self) -> Rows:
        """All of them."""
        return Rows(list(self))

    def to_dicts(self) -> list[Row]:
        """All of them, as the API tells them."""
        return self.get().to_dicts()

    def to_polars(self) -> polars.DataFrame:
        """All of them, as a polars DataFrame."""
        return self.get().to_polars()

    def to_pandas(self) -> pandas.DataFrame:
        """All of them, as a pandas DataFrame."""
        return self.get().to_pandas()

    def to_arrow(self) -> pyarrow.Table:
        """All of them, as an Arrow table."""
        return self.get().to_arrow()
