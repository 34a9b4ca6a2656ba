"""A server of our own for a story: `homeostat up` on a fresh directory, ended at the end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import httpx2

_SECONDS: Final = 90.0
_PR_SET_PDEATHSIG: Final = 1
#: On the world clock little is gained by collecting requests, the world waits for every segment: just long enough for
#: what one window brings, which then takes one load.
_WORLD: Final = {"HOMEOSTAT_SEGMENT_SECONDS": "0.08", "HOMEOSTAT_SPOOL_SYNC": "os"}


class NoServer(Exception):
    """The server did not start; the message has its last words."""


@contextmanager
def serving(*, clock: str = "world", port: int = 0, settings: Mapping[str, str] | None = None,
            data: Path | None = None) -> Iterator[str]:  # fmt: skip
    """The address of a server. `settings`: further environment, such as where its model is."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    with _told_to_end(), tempfile.TemporaryDirectory(prefix="homeostat-world-", ignore_cleanup_errors=True) as folder:
        place = data or Path(folder) / "data"
        env = {name: value for name, value in os.environ.items() if not name.startswith(("HOMEOSTAT_", "OTEL_"))}
        env |= _WORLD if clock == "world" else {}
        env |= dict(settings or {})
        command = [str(Path(sys.executable).parent / "homeostat"), "up", "--port", str(port), "--data", str(place)]
        if clock == "world":
            command += ["--clock", "world"]
        log = Path(folder) / "server.log"
        with log.open("wb") as out:
            # In a group of its own: Ctrl-C is for the story, which then ends its server.
            process = subprocess.Popen(
                command, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL, preexec_fn=_ends_with_us,
                process_group=0,
            )  # fmt: skip
        try:
            _ready(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Whoever is told to end, or loses the terminal, leaves no server and no folder behind. Under nohup nobody does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    ours = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _ends_with_us() -> None:
    """Whoever kills the story shall not find its server running afterwards (on Linux; elsewhere we stop it)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until edge and core answer."""
    end = time.monotonic() + _SECONDS
    with httpx2.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < end and process.poll() is None:
            try:
                if client.get(f"{url}/api/v1/status").status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
    raise NoServer(f"The server did not become ready:\n{log.read_text(errors='replace')[-2000:]}")
