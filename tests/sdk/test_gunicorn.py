"""A real pre-fork server: the application is loaded once with the SDK switched on, then workers are forked and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

from tests.ports import free_port
from tests.sdk.listener import Listener
from tests.sdk.test_releasing import document

APPLICATION = """
import os
import homeostat

assert homeostat.init(service="shop", exit_seconds=60).steered(60)    # workers begin with what is known here
homeostat.observe(name="loaded")(lambda: None)()     # the parent sends something too, before it forks

@homeostat.observe
def answer(question):
    return f"{os.getpid()} {homeostat.release('chat', user_id=question, default='none').name}"

def app(environ, start_response):
    with homeostat.context(user_id=environ["QUERY_STRING"]):
        said = answer(environ["QUERY_STRING"]).encode()
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", str(len(said)))])
    return [said]
"""


def ask(port: int, number: int) -> str:
    end = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/?u{number}", timeout=120) as answer:
                return str(answer.read().decode())
        except OSError:  # not up yet
            assert time.monotonic() < end
            time.sleep(0.1)


def test_workers_that_gunicorn_forks_send_their_own_and_follow_the_policy(listener: Listener, tmp_path: Path) -> None:
    """Threads in each worker, workers that are replaced on the way, and an end by SIGTERM: every call arrives once."""
    listener.publish(document(1, A=1.0))
    (tmp_path / "shop.py").write_text(textwrap.dedent(APPLICATION))
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "shop:app", "--preload", "--workers", "2", "--threads", "2"]
    command += ["--max-requests", "40", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    # One that is being forked when all are told to end may not hear it: it has served nobody, and ends at that time.
    command += ["--timeout", "120", "--graceful-timeout", "60"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HOMEOSTAT_", "OTEL_"))}
    with subprocess.Popen(command, cwd=tmp_path, env={**env, "HOMEOSTAT_URL": listener.url}) as server:
        try:
            answers = [ask(port, 0)]
            threads = [threading.Thread(target=lambda: answers.extend(ask(port, n) for n in range(50))) for _ in "1234"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            server.send_signal(signal.SIGTERM)
            assert server.wait(300) == 0
        finally:
            server.kill()
    workers = Counter(answer.split()[0] for answer in answers)
    assert len(answers) == 201
    assert len(workers) > 2, "some were replaced on the way"
    assert {answer.split()[1] for answer in answers} == {"A"}
    spans = Counter(span.name for span in listener.spans)
    assert (spans["loaded"], spans["answer"]) == (1, 201)
    assert len({span.span_id for span in listener.spans}) == 202
