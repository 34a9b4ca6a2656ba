"""What the examples share: a Homeostat that is there for a minute, and a model that is none."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

#: What this run asks has a session of its own, so that it finds its answers on a server that has others, too.
RUN = f"example-{secrets.token_hex(4)}"
ANSWERS = {
    "return": "You have 30 days, for any reason.",
    "ship": "We ship within two days, everywhere in Europe.",
    "": "I do not know. Shall I ask a colleague?",
}


@contextlib.contextmanager
def homeostat_server(*, own: bool = False) -> Iterator[str]:
    """The address of a server: yours, if HOMEOSTAT_URL names one; else one that is started, and gone afterwards. `own`:
    never yours, for the example sets what answers there."""
    yours = os.environ.get("HOMEOSTAT_URL", "")
    if yours and not own:
        yield yours
        return
    if yours:
        print(f"{yours} is left as it is: this example steers a server of its own")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sys.executable).parent / "homeostat"
        command = [str(program), "up", "--port", "0", "--data", f"{folder}/data"]  # 0: any that is free
        quiet, pipe = subprocess.DEVNULL, subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=quiet, stdin=quiet, text=True, start_new_session=True)
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[2]  # homeostat at http://127.0.0.1:4400 ...
            _wait_for(url)
            os.environ["HOMEOSTAT_URL"] = url
            yield url
        finally:
            os.environ.pop("HOMEOSTAT_URL", None)
            os.environ |= {"HOMEOSTAT_URL": yours} if yours else {}
            process.send_signal(signal.SIGTERM)
            process.wait(120)


def _wait_for(url: str) -> None:
    end = time.monotonic() + 240
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError, KeyError, http.client.HTTPException):
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
            connection.request("GET", "/readyz")
            if json.loads(connection.getresponse().read())["core"] == "ok":
                return
        time.sleep(0.1)
    raise SystemExit("Homeostat does not start. Is homeostat[server] installed?")


def answer_to(question: str) -> str:
    """What our model says."""
    return next(text for word, text in ANSWERS.items() if word in question.lower())


@contextlib.contextmanager
def fake_model() -> Iterator[str]:
    """The base URL of an OpenAI-compatible model that needs no key and knows two answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            text = answer_to(str(asked["messages"][-1]["content"]))
            body = json.dumps({
                "id": f"chatcmpl-{time.time_ns()}", "object": "chat.completion", "created": 1, "model": asked["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
                "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29},
            }).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()


def arrived(url: str, count: int, query: str = "") -> list[dict[str, object]]:
    """The newest exchanges, once there are so many: loading takes a second."""
    key = os.environ.get("HOMEOSTAT_KEY")
    at, headers = urlsplit(url), {"authorization": f"Bearer {key}"} if key else {}
    kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    end = time.monotonic() + 120
    while time.monotonic() < end:
        connection = kind(at.netloc, timeout=60)
        connection.request("GET", f"{at.path.rstrip('/')}/api/v1/exchanges?limit=50{query}", headers=headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(f"{url} answers {answer.status}: {told['error']['message']}")
        if len(told["items"]) >= count:
            return list(told["items"])
        time.sleep(0.2)
    raise SystemExit(f"What was sent did not arrive at {url}: homeostat doctor says why.")
