"""A provider that is none: OpenAI's and Anthropic's APIs with one fixed answer, whole or as a stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {
    "prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 1},
}  # fmt: skip
TOOL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"q": "returns"}'}}
WORDS = ("30 ", "days", ".")


class Model:
    def __init__(self) -> None:
        self.fail = 0
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                model.asked.append(body)
                model.headers.append({name.lower(): value for name, value in self.headers.items()})
                if model.fail:
                    self.answer(model.fail, {"error": {"message": "too bad", "type": "x"}})
                elif self.path.endswith("/chat/completions"):
                    self.events(chat_chunks(body)) if body.get("stream") else self.answer(200, chat(body))
                elif self.path.endswith("/responses"):
                    self.events(response_events(body)) if body.get("stream") else self.answer(200, response(body))
                elif self.path.endswith("/embeddings"):
                    self.answer(200, embedding(body))
                elif self.path.endswith("/messages"):
                    self.events(message_events(body)) if body.get("stream") else self.answer(200, message(body))
                else:
                    self.answer(404, {})

            def answer(self, status: int, value: object) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def events(self, events: list[dict[str, Any]]) -> None:
                lines = [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" if "type" in each
                         else f"data: {json.dumps(each)}\n\n" for each in events]  # fmt: skip
                if "type" not in events[0]:
                    lines.append("data: [DONE]\n\n")
                body = "".join(lines).encode()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def chat(body: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "assistant", "content": "30 days."}
    if body.get("tools"):
        said = {"role": "assistant", "content": None, "tool_calls": [TOOL]}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024", "usage": USAGE,
        "choices": [{"index": 0, "finish_reason": "stop", "message": said}],
    }  # fmt: skip


def chat_chunks(body: dict[str, Any]) -> list[dict[str, Any]]:
    top = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024"}

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {**top, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    pieces: list[dict[str, Any]] = [{"content": word} for word in WORDS]
    if body.get("tools"):
        first: dict[str, object] = {**TOOL, "index": 0, "function": {"name": "look", "arguments": ""}}
        pieces = [{"tool_calls": [first]}] + [
            {"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in ('{"q": ', '"returns"}')
        ]
    last = [{**top, "choices": [], "usage": USAGE}] if (body.get("stream_options") or {}).get("include_usage") else []
    return [chunk({"role": "assistant", "content": ""}), *map(chunk, pieces), chunk({}, "stop"), *last]


def response(body: dict[str, Any]) -> dict[str, Any]:
    usage = {
        "input_tokens": 11, "output_tokens": 4, "total_tokens": 15,
        "input_tokens_details": {"cached_tokens": 3}, "output_tokens_details": {"reasoning_tokens": 1},
    }  # fmt: skip
    text = {"type": "output_text", "text": "30 days.", "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-4o-mini-2024", "status": "completed",
        "output": [item], "usage": usage, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    }  # fmt: skip


def response_events(body: dict[str, Any]) -> list[dict[str, Any]]:
    whole = response(body)
    item = whole["output"][0]
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "output": [], "usage": None, "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": part},
        *({"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in WORDS),
        {"type": "response.completed", "response": whole},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def embedding(body: dict[str, Any]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return {"object": "list", "model": "text-embedding-3-small", "data": data, "usage": usage}


def message(body: dict[str, Any]) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": "30 days."}]
    if body.get("tools"):
        content.append({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": "returns"}})
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content,
        "stop_reason": "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": 8, "cache_read_input_tokens": 3, "output_tokens": 4,
                  "cache_creation_input_tokens": 2},
    }  # fmt: skip


def message_events(body: dict[str, Any]) -> list[dict[str, Any]]:
    whole = message(body)
    start = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    events.append({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    for word in WORDS:
        delta = {"type": "text_delta", "text": word}
        events.append({"type": "content_block_delta", "index": 0, "delta": delta})
    events.append({"type": "content_block_stop", "index": 0})
    if body.get("tools"):
        block = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
        events.append({"type": "content_block_start", "index": 1, "content_block": block})
        for part in ('{"q": ', '"returns"}'):
            delta = {"type": "input_json_delta", "partial_json": part}
            events.append({"type": "content_block_delta", "index": 1, "delta": delta})
        events.append({"type": "content_block_stop", "index": 1})
    last = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": last, "usage": {"output_tokens": 4}})
    return [*events, {"type": "message_stop"}]


@contextmanager
def modelling() -> Iterator[Model]:
    model = Model()
    thread = threading.Thread(target=model.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.server.shutdown()
        model.server.server_close()
