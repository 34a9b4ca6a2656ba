"""From a call to an answer that is worth giving: one deadline, one retry loop, a chain of releases, a breaker each.

Nothing is tried again once a byte of an answer has come. See design/0006-steering.md and the gateway's promises there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from homeostat.config import Settings
from homeostat.gateway import body, generate, headers
from homeostat.gateway.apis import Api
from homeostat.gateway.call import Call
from homeostat.gateway.retry import RETRIED, UNWELL, Backoff, Breaker, Budget
from homeostat.gateway.upstream import Answer, Client, Unreachable
from homeostat.gateway.upstreams import DEFAULT, Upstream, Upstreams
from homeostat.gateway.wire import Broken
from homeostat.records.release import Release

#: A wait before another attempt is worth it only when this much of the deadline is left after it.
_MARGIN: Final = 0.05
#: The loop's timers count whole milliseconds and may be early by as much.
_EARLY: Final = 0.005


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer: what the client hears instead."""

    status: int
    code: str
    message: str
    retry_after: int = 0
    again: bool = False
    """The same upstream may be asked once more: it has not read the request."""
    elsewhere: bool = True
    """Another release may do better."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What is known of an upstream from earlier calls."""

    upstream: Upstream
    breaker: Breaker
    budget: Budget


class Proxy:
    """Asks upstreams."""

    def __init__(self, settings: Settings, upstreams: Upstreams, client: Client) -> None:
        self.client = client
        self._upstreams = upstreams
        self._retries = settings.gateway_retries
        self._backoff = Backoff(settings.gateway_retry_after)
        self._lines = {
            name: _Line(one, Breaker(settings.breaker_failures, settings.breaker_seconds), Budget())
            for name, one in upstreams.known.items()
        }

    async def ask(self, call: Call) -> Answer | Failure:
        """The first answer of the chain that is worth giving, else the last."""
        chain: tuple[Release | None, ...] = call.plan.chain or (None,)
        try:
            async with asyncio.timeout_at(call.deadline):
                for release in chain[:-1]:
                    result = await self._in_half_the_time(call, release)
                    if not _worth_another(result):
                        return result
                    if isinstance(result, Answer):
                        result.close()
                call.until = call.deadline
                return await self._release(call, chain[-1], self._retries)
        except TimeoutError:
            return _TOO_LATE

    async def _in_half_the_time(self, call: Call, release: Release | None) -> Answer | Failure:
        """An upstream that hangs must leave time for the next one."""
        call.until = (asyncio.get_running_loop().time() + call.deadline) / 2
        try:
            async with asyncio.timeout_at(call.until):
                return await self._release(call, release, 0)
        except TimeoutError:
            return _TOO_LATE

    async def _release(self, call: Call, release: Release | None, retries: int) -> Answer | Failure:
        """One release, tried again at its upstream as often as budget and time allow."""
        line = self._line(release, call.api)
        if line is None:
            return _no_upstream(release)
        call.release, call.upstream, call.provider = release, line.upstream.name, line.upstream.kind
        call.secret = line.upstream.key
        line.budget.earn()
        tried = 0
        while True:
            if not line.breaker.allows():
                return Failure(503, "upstream_down", "This upstream keeps failing.", line.breaker.seconds_left)
            result = await self._once(call, release, line)
            wait = self._wait(call, result, tried) if tried < retries else None
            if wait is None or not line.budget.spend():
                return result
            if isinstance(result, Answer):
                result.close()
            await asyncio.sleep(wait)
            tried += 1

    def _line(self, release: Release | None, api: Api) -> _Line | None:
        endpoint = release.endpoint if release is not None else ""
        upstream = self._upstreams.find(endpoint, api.family)
        return self._lines[upstream.name] if upstream is not None else None

    def _wait(self, call: Call, result: Answer | Failure, tried: int) -> float | None:
        """Seconds until it is worth trying again; None: it is not."""
        told = b""
        if isinstance(result, Failure):
            if not result.again:
                return None
        elif result.status not in RETRIED:
            return None
        else:
            told = next((value for name, value in result.headers if name == b"retry-after"), b"")
        wait = self._backoff.seconds(tried + 1, told)
        if wait is None or asyncio.get_running_loop().time() + wait + _MARGIN > call.deadline:
            return None
        return wait

    async def _once(self, call: Call, release: Release | None, line: _Line) -> Answer | Failure:
        """One attempt; the breaker learns from it."""
        head, sent = self._request(call, release, line.upstream)
        call.attempts += 1
        try:
            answer = await self.client.ask(line.upstream, head, sent)
        except Unreachable as error:
            if error.why == "overloaded":
                line.breaker.forgot()
                return Failure(503, "overloaded", str(error), 1)
            line.breaker.failed()
            return Failure(502, error.why, str(error), again=True)
        except Broken:
            line.breaker.failed()
            return Failure(502, "upstream_broken", "The upstream ended the connection without an answer.")
        except asyncio.CancelledError:
            # The client left, or time ran out: only the second speaks against the upstream.
            hung = asyncio.get_running_loop().time() >= call.until - _EARLY
            line.breaker.failed() if hung else line.breaker.forgot()
            raise
        if answer.status in UNWELL:
            line.breaker.failed()
        else:
            line.breaker.worked()
        if 300 <= answer.status < 400:
            answer.close()
            return Failure(502, "upstream_redirects", "The upstream answers with a redirect; correct its URL.")
        return answer

    def _request(self, call: Call, release: Release | None, upstream: Upstream) -> tuple[bytes, bytes]:
        wire, raw, path = call.api, call.body, call.path
        if call.api.family == "plain":
            wire, raw = generate.request(upstream.kind, call.body)
            path = wire.path
        call.wire = wire
        call.sent = body.applied(wire, raw, call.ask, release) if wire.method == "POST" else b""
        # A stream may get an error at its end, and a guard reads what it lets through: both must be plain.
        plain = call.ask.stream or call.api.family == "plain" or bool(call.plan.guards)
        packed = not plain and headers.accepts_gzip(call.headers)
        head = headers.request_head(
            wire, path, upstream, call.headers, default=upstream.name == DEFAULT, traceparent=call.place.header,
            length=len(call.sent), gzip=packed,
        )  # fmt: skip
        return head, call.sent


_TOO_LATE: Final = Failure(504, "deadline", "The upstream did not answer in time.")


def _worth_another(result: Answer | Failure) -> bool:
    return result.elsewhere if isinstance(result, Failure) else result.status in RETRIED


def _no_upstream(release: Release | None) -> Failure:
    if release is not None and release.endpoint:
        message = f"Release {release.name} names the upstream {release.endpoint}, which no setting describes."
        return Failure(502, "unknown_endpoint", message)
    return Failure(404, "no_upstream", "No upstream is configured: set HOMEOSTAT_UPSTREAM and start again.")
