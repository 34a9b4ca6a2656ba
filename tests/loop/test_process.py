"""Edge and core are told to end at any moment, also while they start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from homeostat.config import Settings
from homeostat.loop import process
from homeostat.store.folder import Folder

#: The signal comes at the worst moment: when the server is about to run, and does not listen to signals yet.
WORST = """
import os, runpy, signal, sys
import uvicorn

run = uvicorn.Server.run

def told_just_before(self, sockets=None):
    os.kill(os.getpid(), signal.{signal})
    run(self, sockets=sockets)

uvicorn.Server.run = told_just_before
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("module", ["homeostat.loop.serve_edge", "homeostat.web.serve"])
def test_told_to_end_while_it_starts(tmp_path: Path, module: str, told: signal.Signals) -> None:
    Folder(tmp_path).prepare()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun = subprocess.Popen(
            [sys.executable, "-c", WORST.format(signal=told.name), module, str(listener.fileno())],
            env={**os.environ, process.SETTINGS: Settings(data=tmp_path).model_dump_json()},
            pass_fds=[listener.fileno()],
        )
        try:
            assert begun.wait(300) == 0
        finally:
            begun.kill()
