"""A provider that answers at once, or fails as it is told: `python -m tests.gateway.fake PORT`, or a thread.

It speaks OpenAI's chat, responses, embeddings and models, and Anthropic's messages. A request says in the header
`x-fake` (JSON) how it wants to be treated: `fault`, `delay` before the answer, `gap` between events, `many` words.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

WORDS = (
    "The", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "and",
    "sleeps", "under", "the", "old", "oak", "tree",
)  # fmt: skip
USAGE = {
    "prompt_tokens": 21,
    "completion_tokens": 9,
    "total_tokens": 30,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


@dataclass
class Seen:
    """A request as it arrived, and when its connection was found closed."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float
    closed: float = 0.0
    sent: bytes = b""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Fake:
    """The provider, on a port of its own in a thread of its own."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    faults: list[str] = field(default_factory=list)
    """Faults of the next requests, whatever they ask for."""
    always: str = ""
    """The fault of every request that names none."""
    _loop: Any = None
    _server: Any = None
    _thread: Any = None
    _number: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> Fake:
        ready = threading.Event()

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]
            ready.set()
            with contextlib.suppress(asyncio.CancelledError):
                await self._server.serve_forever()

        self._thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
        self._thread.start()
        assert ready.wait(60)
        return self

    def stop(self) -> None:
        def end() -> None:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()

        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(end)
            self._thread.join(60)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, UnicodeDecodeError):
            pass
        finally:
            self.connections -= 1
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = await reader.readline()
        if not line:
            return False
        method, path, _ = line.decode().split(" ", 2)
        headers = []
        while (raw := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = raw.decode("latin-1").partition(":")
            headers.append((name.lower(), value.strip()))
        length = int(dict(headers).get("content-length", "0"))
        seen = Seen(method, path, headers, await reader.readexactly(length), time.monotonic())
        self.seen.append(seen)
        script = json.loads(seen.header("x-fake") or "{}")
        fault = self.faults.pop(0) if self.faults else script.get("fault", self.always)
        if script.get("delay"):
            await asyncio.sleep(script["delay"])
        answer = Answer(self, seen, script, fault, reader, writer)
        return await answer.give()


class Answer:
    def __init__(
        self, fake: Fake, seen: Seen, script: dict[str, Any], fault: str, reader: Any, writer: asyncio.StreamWriter
    ) -> None:
        self.fake, self.seen, self.script, self.fault = fake, seen, script, fault
        self.reader, self.writer = reader, writer
        fake._number += 1
        self.id = f"{fake._number:08d}"
        self.words = ["word"] * script["many"] if "many" in script else WORDS

    async def give(self) -> bool:
        """Answer; says whether the connection lives on."""
        if self.fault == "close":
            return False
        if self.fault == "reset":
            self._reset()
            return False
        if self.fault == "hang":
            await self._until_left()
            return False
        if self.fault == "not_http":
            self.writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")
            await self.writer.drain()
            return False
        if self.fault.isdigit():
            return await self._status(int(self.fault))
        if self.fault == "error_200":
            return await self._json(200, {"error": {"message": "We are overloaded", "type": "server_error"}})
        body = self.seen.json if self.seen.body else {}
        if self.fault in ("cut_json", "cut_sse", "reset_sse", "garbage_sse"):
            return await (self._json(200, self._whole(body)) if self.fault == "cut_json" else self._stream(body))
        if body.get("stream"):
            return await self._stream(body)
        return await self._json(200, self._whole(body))

    async def _status(self, status: int) -> bool:
        more = {"retry-after": str(self.script["retry_after"])} if "retry_after" in self.script else {}
        if 300 <= status < 400:
            more["location"] = "http://127.0.0.1:1/elsewhere"
        key = self.seen.header("authorization") if self.script.get("echo_key") else ""
        error = {"message": f"This is {status}. {key}".strip(), "type": "fake_error", "code": "fake"}
        return await self._json(status, {"error": error}, more)

    async def _json(self, status: int, value: Any, more: dict[str, str] | None = None) -> bool:
        text = json.dumps(value, indent=1, ensure_ascii=False).encode()
        head = {"content-type": "application/json", "content-length": str(len(text)), "x-request-id": "req_1"}
        head |= {"x-homeostat-release": "forged", "connection": "keep-alive, x-secret-hop", "x-secret-hop": "1"}
        head |= {"set-cookie": "a=b", **(more or {})}
        self._head(status, head)
        if self.fault in ("cut_json", "hang_body"):
            self.writer.write(text[: len(text) // 2])
            await self.writer.drain()
            if self.fault == "hang_body":
                await self._until_left()
            return False
        self.seen.sent = text
        self.writer.write(text)
        await self.writer.drain()
        return True

    def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())

    async def _stream(self, body: Any) -> bool:
        self._head(200, {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"})
        events = self._events(body)
        if self.fault == "garbage_sse":
            events = [b"\x00\xff garbage \r\n", b"data: {not json}\n\n", b"more garbage"]
        watch = asyncio.create_task(self._until_left())
        try:
            for number, event in enumerate(events):
                if self.fault in ("cut_sse", "reset_sse", "hang_body") and number == 4:
                    await self._chunk(event[: len(event) // 2])
                    if self.fault == "hang_body":
                        await watch
                    if self.fault == "reset_sse":
                        self._reset()
                    return False
                # Two chunks an event: boundaries of chunks are no boundaries of events.
                self.seen.sent += event
                await self._chunk(event[:7])
                await self._chunk(event[7:])
                if self.script.get("gap"):
                    done, _ = await asyncio.wait((watch,), timeout=self.script["gap"])
                    if done:
                        return False
            self.writer.write(b"0\r\n\r\n")
            await self.writer.drain()
            return False
        except OSError:  # the writing side may learn it first
            self.seen.closed = self.seen.closed or time.monotonic()
            raise
        finally:
            watch.cancel()

    async def _chunk(self, data: bytes) -> None:
        if data:
            self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
            await self.writer.drain()

    async def _until_left(self) -> None:
        with contextlib.suppress(OSError):
            await self.reader.read(1)
        self.seen.closed = time.monotonic()

    def _reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    # What a provider says

    def _whole(self, body: Any) -> Any:
        text, path = " ".join(self.words), self.seen.path
        model = body.get("model", "fake-1")
        if path.endswith("/embeddings"):
            usage = {"prompt_tokens": 8, "total_tokens": 8}
            data = [{"object": "embedding", "index": 0, "embedding": [0.1, 1.0, -2.5e-7]}]
            return {"object": "list", "data": data, "model": model, "usage": usage}
        if path.endswith("/responses"):
            return self._response(model, text)
        if path.endswith("/count_tokens"):
            return {"input_tokens": 14}
        if path.endswith("/messages"):
            content = [{"type": "text", "text": text}]
            usage = {"input_tokens": 16, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 2,
                     "output_tokens": 9}  # fmt: skip
            return {"id": f"msg_{self.id}", "type": "message", "role": "assistant", "model": model, "content": content,
                    "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}  # fmt: skip
        if "/models" in path:
            one = {"id": "fake-1", "object": "model", "created": 1, "owned_by": "fake"}
            return one if path.endswith("fake-1") else {"object": "list", "data": [one]}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if body.get("tools"):
            call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"where": "tür"}'}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        finish = "tool_calls" if body.get("tools") else "stop"
        return {"id": f"chatcmpl-{self.id}", "object": "chat.completion", "created": 1700000000,
                "model": f"{model}-2026", "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": USAGE}  # fmt: skip

    def _response(self, model: str, text: str) -> Any:
        part = {"type": "output_text", "text": text, "annotations": []}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        usage = {"input_tokens": 21, "input_tokens_details": {"cached_tokens": 5}, "output_tokens": 9,
                 "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 30}  # fmt: skip
        return {"id": f"resp_{self.id}", "object": "response", "created_at": 1700000000, "model": model,
                "status": "completed", "error": None, "incomplete_details": None, "instructions": None,
                "output": [message], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
                "usage": usage}  # fmt: skip

    def _events(self, body: Any) -> list[bytes]:
        path = self.seen.path
        if path.endswith("/responses"):
            return self._responses_events(body)
        if path.endswith("/messages"):
            return self._anthropic_events(body)
        return self._chat_events(body)

    def _chat_events(self, body: Any) -> list[bytes]:
        def chunk(delta: Any, finish: str | None = None, **more: Any) -> bytes:
            value = {"id": f"chatcmpl-{self.id}", "object": "chat.completion.chunk", "created": 1700000000,
                     "model": body.get("model", "fake-1") + "-2026",
                     "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}  # fmt: skip
            return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"

        found = [chunk({"role": "assistant", "content": ""})]
        if body.get("tools"):
            first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": ""}}
            found.append(chunk({"tool_calls": [first]}))
            for piece in ('{"where":', ' "tür"}'):
                found.append(chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}))
        else:
            found += [chunk({"content": word + " "}) for word in self.words]
        found.append(chunk({}, "tool_calls" if body.get("tools") else "stop"))
        if (body.get("stream_options") or {}).get("include_usage"):
            found.append(chunk({}, None, usage=USAGE))
        return [*found, b"data: [DONE]\n\n"]

    def _responses_events(self, body: Any) -> list[bytes]:
        model = body.get("model", "fake-1")
        whole = self._response(model, " ".join(self.words))
        number = iter(range(10_000))

        def event(kind: str, **more: Any) -> bytes:
            value = {"type": kind, "sequence_number": next(number), **more}
            return f"event: {kind}\r\ndata: {json.dumps(value)}\r\n\r\n".encode()

        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        words = [event("response.output_text.delta", delta=word + " ", logprobs=[], **at) for word in self.words]
        return [event("response.created", response=begun), *words, event("response.completed", response=whole)]

    def _anthropic_events(self, body: Any) -> list[bytes]:
        def event(kind: str, **more: Any) -> bytes:
            return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()

        usage = {"input_tokens": 16, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 1}
        message = {"id": f"msg_{self.id}", "type": "message", "role": "assistant", "model": body.get("model"),
                   "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}  # fmt: skip
        words = [event("content_block_delta", index=0, delta={"type": "text_delta", "text": word + " "})
                 for word in self.words]  # fmt: skip
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        return [
            event("message_start", message=message),
            event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
            event("ping"),
            *words,
            event("content_block_stop", index=0),
            event("message_delta", delta=end, usage={"output_tokens": 9}),
            event("message_stop"),
        ]


def main() -> None:
    fake = Fake(int(sys.argv[1])).start()
    print(fake.port, flush=True)
    sys.stdin.read()  # lives as long as whoever started it


if __name__ == "__main__":
    main()
