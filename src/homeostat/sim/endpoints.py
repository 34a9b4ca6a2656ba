"""The simulated providers on loopback: chat (also streamed), embeddings, `/generate`, the judge, fine-tuning."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from homeostat.sim.judge import Judge
from homeostat.sim.model import Completion, Model, embedded
from homeostat.sim.refused import refused
from homeostat.sim.tuning import Tuning

#: Header by which the application says which planned answer it is about; gateways let it through.
PLAN: Final = "x-brightleaf-request"
_LIMIT: Final = 32 << 20
_KINDS: Final = {400: "invalid_request_error", 404: "invalid_request_error", 429: "rate_limit_error"}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Providers:
    """What answers at the address: under `/v1` the model, under `/judge/v1` the judge."""

    model: Model
    judge: Judge
    tuning: Tuning


@contextmanager
def listening(providers: Providers, port: int = 0) -> Iterator[str]:
    """The address, until the end of the context."""
    handler = type("Handler", (_Handler,), {"providers": providers})
    server = _Server(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="providers", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients leave in the middle of things; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    providers: Providers

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in ("/v1/models", "/judge/v1/models"):
            names = {one.model for one in self.providers.model.world.scenario.releases} | set(
                self.providers.model.tuned
            )
            return self._json({"object": "list", "data": [{"id": name, "object": "model"} for name in sorted(names)]})
        job = re.fullmatch(r"/v1/fine_tuning/jobs/([\w-]+)", path)
        found = self.providers.tuning.look(job[1]) if job else None
        return self._json(found) if found else self._error(404, f"nothing at {path}")

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("content-length") or 0), _LIMIT))
        path = self.path.partition("?")[0]
        if path == "/v1/files":
            return self._json(self.providers.tuning.upload(*_uploaded(body, self.headers.get("content-type", ""))))
        try:
            said = json.loads(body)
        except ValueError:
            return self._error(400, "the body is not JSON")
        routes: Mapping[str, Callable[[Json], None]] = {
            "/v1/chat/completions": self._chat,
            "/judge/v1/chat/completions": self._judge,
            "/v1/embeddings": self._embeddings,
            "/generate": self._generate,
            "/v1/fine_tuning/jobs": self._tune,
        }
        if path not in routes:
            return self._error(404, f"nothing at {path}")
        wrong = refused(path, said)
        return self._error(400, wrong) if wrong else routes[path](said)

    def _chat(self, said: Json) -> None:
        trace = self.headers.get(PLAN, "")
        most = said.get("max_completion_tokens") or said.get("max_tokens")
        made = self.providers.model.complete(str(said.get("model", "")), said["messages"], most=most, trace=trace)
        if made.finish == "error":
            return self._error(429, "too many requests")
        if said.get("stream"):
            return self._stream(made, usage=bool((said.get("stream_options") or {}).get("include_usage")))
        time.sleep(made.seconds)
        choice = {"index": 0, "finish_reason": made.finish, "message": {"role": "assistant", "content": made.text}}
        return self._json(_head(made, "chat.completion") | {"choices": [choice], "usage": _usage(made)})

    def _stream(self, made: Completion, *, usage: bool) -> None:
        """Server-sent events: the first after the time to first token, the others evenly."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        words = re.findall(r"\S+\s*", made.text)
        pause = (made.seconds - made.ttft) / max(1, len(words))
        time.sleep(made.ttft)
        head = _head(made, "chat.completion.chunk")
        self._event(
            head | {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]}
        )
        for word in words:
            self._event(head | {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]})
            time.sleep(pause)
        self._event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": made.finish}]})
        if usage:
            self._event(head | {"choices": [], "usage": _usage(made)})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _judge(self, said: Json) -> None:
        messages = said["messages"]
        system, user = (
            "\n".join(str(one.get("content", "")) for one in messages if (one.get("role") == "user") is wanted)
            for wanted in (False, True)
        )
        form = ((said.get("response_format") or {}).get("json_schema") or {}).get("schema")
        verdict = self.providers.judge.answer(system, user, form)
        time.sleep(verdict.seconds)
        if verdict.status != 200:
            return self._error(verdict.status, "the model is overloaded")
        made = Completion(verdict.text, str(said.get("model", "")), input_tokens=len(system + user) // 4,
                          output_tokens=len(verdict.text) // 4 + 1)  # fmt: skip
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": verdict.text}}
        return self._json(_head(made, "chat.completion") | {"choices": [choice], "usage": _usage(made)})

    def _embeddings(self, said: Json) -> None:
        asked = said["input"]
        texts = asked if isinstance(asked, list) else [asked]
        rows = [{"object": "embedding", "index": at, "embedding": embedded(str(text))} for at, text in enumerate(texts)]
        tokens = sum(len(str(text)) for text in texts) // 4
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return self._json({"object": "list", "data": rows, "model": said.get("model", ""), "usage": usage})

    def _generate(self, said: Json) -> None:
        messages = [{"role": "user", "content": said["prompt"]}]
        if said.get("system_message"):
            messages.insert(0, {"role": "system", "content": said["system_message"]})
        made = self.providers.model.complete("", messages, most=said.get("max_tokens"))
        time.sleep(made.seconds)
        return self._json({"generated_text": made.text})

    def _tune(self, said: Json) -> None:
        job = self.providers.tuning.start(said)
        return self._json(job) if job else self._error(400, "training_file is not a file that was uploaded")

    # Answers

    def _json(self, said: Json, status: int = 200) -> None:
        content = json.dumps(said, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _error(self, status: int, message: str) -> None:
        self._json(
            {
                "error": {
                    "message": message,
                    "type": _KINDS.get(status, "server_error"),
                    "param": None,
                    "code": str(status),
                }
            },
            status,
        )

    def _event(self, said: Json) -> None:
        self._chunk(b"data: " + json.dumps(said, ensure_ascii=False).encode() + b"\n\n")

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the world tells its own story."""


def _head(made: Completion, kind: str) -> Json:
    created = int(time.time())
    return {"id": f"chatcmpl-{time.time_ns():x}", "object": kind, "created": created, "model": made.model}


def _usage(made: Completion) -> Json:
    return {
        "prompt_tokens": made.input_tokens, "completion_tokens": made.output_tokens,
        "total_tokens": made.input_tokens + made.output_tokens,
        "completion_tokens_details": {"reasoning_tokens": made.reasoning_tokens},
    }  # fmt: skip


def _uploaded(body: bytes, content_type: str) -> tuple[str, bytes]:
    """Name and content of the file in a multipart form."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    for part in body.split(b"--" + boundary) if boundary else ():
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'filename="([^"]*)"', head)
        if name:
            return name[1].decode("utf-8", "replace"), content.removesuffix(b"\r\n")
    return "training.jsonl", body
