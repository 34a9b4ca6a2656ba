"""What happens around a process: forks, ends, providers that are there already, switched off, a server that is away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import pytest

from tests.ports import free_port
from tests.sdk.listener import Listener, listening


def run(code: str, url: str, seconds: float = 250, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HOMEOSTAT_", "OTEL_"))}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**inherited, "HOMEOSTAT_URL": url, **env}, capture_output=True, text=True, timeout=seconds,
    )  # fmt: skip


def names(listener: Listener) -> list[str]:
    return sorted(span.name for span in listener.spans)


def test_what_waits_is_sent_when_the_program_ends(listener: Listener) -> None:
    done = run(
        """
        import homeostat
        homeostat.init(exit_seconds=60); homeostat.init()
        for number in range(1000):
            homeostat.observe(name=f"n{number}")(lambda: None)()
        homeostat.signal("thumbs", 1, user_id="anna")
        """,
        listener.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(listener.spans) == len(set(names(listener))) == 1000
    assert [fact["user_id"] for _, fact in listener.facts] == ["anna"]
    assert listener.resources[0]["telemetry.sdk.language"] == "python"


def test_the_end_does_not_wait_for_a_server_that_is_away() -> None:
    done = run(
        """
        import homeostat, time
        homeostat.init(exit_seconds=0.5)
        homeostat.observe(lambda: None)()
        began = time.monotonic()
        import atexit
        atexit._run_exitfuncs()
        assert time.monotonic() - began > 0.4
        """,
        "http://127.0.0.1:9",
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"does not take what is sent .*\(1 waiting, 0 dropped\)", done.stderr)


@pytest.mark.parametrize("end", ["sys.exit(0)", "os._exit(0)"])
def test_workers_that_are_forked_after_init_send_their_own(listener: Listener, end: str) -> None:
    """As gunicorn does it: the application is loaded, then workers are forked, each with requests of its own."""
    done = run(
        f"""
        import os, sys, homeostat
        monitor = homeostat.init(exit_seconds=60)

        @homeostat.observe
        def before(): ...

        @homeostat.observe
        def request(worker, number): ...

        before()                          # the parent's thread runs, and something may wait in its queue
        children = []
        for worker in range(4):
            pid = os.fork()
            if pid == 0:
                for number in range(50):
                    request(worker, number)
                counts = monitor.counts()
                assert counts.produced == 50, counts
                if "_exit" in {end!r}:
                    assert monitor.flush(60)
                {end}
            children.append(pid)
        for pid in children:
            assert os.waitpid(pid, 0)[1] == 0
        """,
        listener.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert names(listener) == ["before"] + ["request"] * 200
    assert len({span.span_id for span in listener.spans}) == 201


def test_forking_while_others_observe_never_hangs(listener: Listener) -> None:
    done = run(
        """
        import os, threading, homeostat
        homeostat.init()
        stop = threading.Event()

        @homeostat.observe
        def busy(): ...

        def work():
            while not stop.is_set():
                busy()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads: thread.start()
        for _ in range(30):
            pid = os.fork()
            if pid == 0:
                busy()
                homeostat.init().flush(0.01)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for thread in threads: thread.join()
        """,
        listener.url,
    )
    assert done.returncode == 0, done.stderr


def test_children_of_multiprocessing_send_what_they_have(listener: Listener) -> None:
    done = run(
        """
        import multiprocessing, homeostat
        homeostat.init(exit_seconds=60)

        @homeostat.observe
        def child(): ...

        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=child) for _ in range(3)]
        for process in processes: process.start()
        for process in processes: process.join()
        """,
        listener.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert names(listener) == ["child"] * 3


def test_a_provider_that_is_there_is_used_and_keeps_its_own_exporters(listener: Listener) -> None:
    done = run(
        """
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        memory = InMemorySpanExporter()
        provider = TracerProvider(resource=Resource.create({"service.name": "theirs"}))
        provider.add_span_processor(SimpleSpanProcessor(memory))
        trace.set_tracer_provider(provider)

        import homeostat
        homeostat.init(service="ours", capture="redacted", exit_seconds=60)
        assert trace.get_tracer_provider() is provider
        with homeostat.context(user_id="anna"), trace.get_tracer("theirs").start_as_current_span("theirs"):
            homeostat.observe(name="ours")(lambda mail: mail)("anna@example.org")
        ours, theirs = memory.get_finished_spans()
        assert ours.attributes["input.value"] == "anna@example.org", "others get what they got before"
        assert theirs.attributes["user.id"] == "anna"
        """,
        listener.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert names(listener) == ["ours", "theirs"]
    assert listener.named("ours")["input.value"] == "[email]"
    assert listener.resources[0]["service.name"] == "theirs"


def test_switched_off_nothing_is_loaded_and_nothing_is_sent(listener: Listener) -> None:
    done = run(
        """
        import sys, homeostat
        monitor = homeostat.init()
        assert homeostat.observe(lambda: 1)() == 1
        with homeostat.context(user_id="a"), homeostat.exchange("answer") as ex: pass
        homeostat.signal("thumbs", 1, exchange=ex.id)
        assert homeostat.instrument() == []
        assert homeostat.release("chat", default="a").name == "a"
        assert not monitor.enabled and monitor.flush() and monitor.counts().produced == 0
        assert not [name for name in sys.modules if name.startswith(("opentelemetry", "httpx"))]
        """,
        listener.url,
        HOMEOSTAT_DISABLED="1",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert listener.requests == []


def test_init_never_raises_whatever_it_is_given() -> None:
    done = run(
        """
        import homeostat
        homeostat.init("not a url at all", key="\\u1234", capture="sometimes", sample=7, exit_seconds=0.2)
        assert homeostat.observe(lambda: 1)() == 1
        """,
        "",
        HOMEOSTAT_SAMPLE="many",
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_importing_costs_nothing_and_brings_nothing_of_the_server() -> None:
    """With everything refused that is no base dependency: the extras need not be there."""
    done = run(
        """
        import importlib.abc, sys

        SERVER = ("chdb", "clickhouse_connect", "fastapi", "starlette", "sqlalchemy", "alembic", "uvicorn", "msgspec",
                  "numpy", "pandas", "pyarrow", "pydantic", "typer", "rich", "prometheus_client", "openai", "anthropic")

        class Refuse(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in SERVER:
                    raise ImportError(f"{name} is no base dependency")

        sys.meta_path.insert(0, Refuse())
        before = len(sys.modules)
        import homeostat
        print(len(sys.modules) - before)
        assert not [name for name in sys.modules if name.startswith("homeostat.")]
        homeostat.init(exit_seconds=0)
        homeostat.observe(lambda: 1)()
        homeostat.Client().exchanges(where="model = a")
        homeostat.release("chat")
        rooms = {name.split(".")[1] for name in sys.modules if name.startswith("homeostat.")}
        assert rooms == {"sdk", "records"}, rooms
        """,
        "http://127.0.0.1:9",
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50


def test_a_server_that_comes_late_gets_everything_that_there_was_room_for() -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent("""
            import homeostat, time
            monitor = homeostat.init(queue_items=300)
            for number in range(500):
                homeostat.observe(name="early")(lambda: None)()
            print("away", flush=True)
            assert monitor.flush(120)
            homeostat.observe(name="late")(lambda: None)()
            assert monitor.flush(60)
            counts = monitor.counts()
            assert counts.produced == 501 == counts.delivered + counts.dropped["full"], counts
            print(counts.dropped["full"])
        """)],
        env={**os.environ, "HOMEOSTAT_URL": f"http://127.0.0.1:{port}"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "away\n"
    with listening(port) as listener:
        dropped = int(process.stdout.readline())
        assert process.wait(120) == 0
        assert len(listener.spans) == 501 - dropped
        told = [each for span in listener.spans for each in span.attributes if each.key == "homeostat.dropped"]
        assert sum(each.value.int_value for each in told) == dropped == 200
