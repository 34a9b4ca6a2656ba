"""Shadow calls: a copy of a request for a release that is on trial. Its answer is stored and never returned.

It is sent when the client's call is over and within bounds of its own, so it can neither delay nor break one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Final

from homeostat.gateway.call import Call
from homeostat.gateway.capture import Capture
from homeostat.gateway.proxy import Failure, Proxy
from homeostat.gateway.routing import Plan
from homeostat.gateway.trace import place
from homeostat.gateway.upstream import Answer
from homeostat.gateway.wire import Broken

_AT_ONCE: Final = 16
_SECONDS: Final = 120.0


class Shadows:
    """The shadow calls under way."""

    def __init__(self, proxy: Proxy, capture: Capture) -> None:
        self.dropped = 0
        self._proxy = proxy
        self._capture = capture
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, call: Call) -> None:
        """Send the copy of a call that was answered, if its plan asks for one."""
        shadow = call.plan.shadow
        if shadow is None or call.outcome != "ok" or not call.api.captured:
            return
        if len(self._tasks) >= _AT_ONCE:
            self.dropped += 1
            return
        loop = asyncio.get_running_loop()
        copy = Call(
            api=call.api, path=call.path, project=call.project, key=call.key, place=place(), ask=call.ask,
            plan=Plan(call.plan.route, (dataclasses.replace(shadow, fallbacks=()),), "shadow"), headers=call.headers,
            body=call.body, started_ns=call.started_ns, begun=call.begun, deadline=loop.time() + _SECONDS,
            shadow_of=call.place.exchange_id,
        )  # fmt: skip
        task = loop.create_task(self._run(copy))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        call.started_ns += int((loop.time() - call.begun) * 1e9)
        call.begun = loop.time()
        result = await self._proxy.ask(call)
        if isinstance(result, Failure):
            call.status = result.status
            call.failed(f"{result.code}: {result.message}")
        else:
            try:
                await _read(call, result)
            except (Broken, TimeoutError):
                call.failed("upstream_broken: The upstream broke off its answer.")
            finally:
                result.close()
        self._capture.put(call)


async def _read(call: Call, answer: Answer) -> None:
    call.status = answer.status
    said = dict(answer.headers)
    call.packed = b"content-encoding" in said
    call.streaming = said.get(b"content-type", b"").lower().startswith(b"text/event-stream")
    async with asyncio.timeout_at(call.deadline):
        while piece := await answer.piece():
            call.note(piece)
