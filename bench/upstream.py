"""A provider that answers at once, so that what a gateway costs is seen: `python -m bench.upstream PORT`.

The same canned chat completion, or 32 events with "stream": true; every answer has an id of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from typing import cast

import uvloop

TEXT = "The quick brown fox jumps over the lazy dog. " * 12
_IDS = itertools.count(1)
_NOBODY = b"000000000000"
_ABOUT = {"id": f"chatcmpl-{_NOBODY.decode()}", "created": 1700000000, "model": "gpt-4o-mini-2024-07-18"}
_ANSWER = json.dumps({
    **_ABOUT, "object": "chat.completion", "system_fingerprint": "fp_fake",
    "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None,
                 "message": {"role": "assistant", "content": TEXT}}],
    "usage": {"prompt_tokens": 120, "completion_tokens": 120, "total_tokens": 240},
}).encode()  # fmt: skip
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_ANSWER) + _ANSWER
_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = b"data: " + json.dumps({**_ABOUT, "object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


EVENTS = [
    _event({"role": "assistant", "content": ""}),
    *(_event({"content": word + " "}) for word in TEXT.split()[:30]),
    _event({}, "stop"),
    b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n",
]


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.buffer[:end]).lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            body = bytes(self.buffer[end + 4 : end + 4 + length])
            del self.buffer[: end + 4 + length]
            self._answer(b'"stream":true' in body.replace(b" ", b""))

    def _answer(self, stream: bool) -> None:
        number = b"%012d" % next(_IDS)
        if not stream:
            self.transport.write(WHOLE.replace(_NOBODY, number, 1))
            return
        self.transport.write(_STREAM + EVENTS[0].replace(_NOBODY, number))
        rest = [event.replace(_NOBODY, number) for event in EVENTS[1:]]
        asyncio.get_running_loop().call_later(0.005, self.transport.write, b"".join(rest))


async def serve(port: int) -> None:
    """Until it is ended."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
