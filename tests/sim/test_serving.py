"""The server of a story ends with the story, however that ends, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.live, pytest.mark.nightly]
_STORY = """
import os, time
from homeostat.sim.serving import serving
with serving(clock="live") as url:
    print(url, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_leaves_nothing_behind(told: signal.Signals, tmp_path: Path) -> None:
    """Told as a terminal tells it: the whole group of the story hears it, its server does not."""
    env = os.environ | {"TMPDIR": str(tmp_path)}
    story = subprocess.Popen([sys.executable, "-c", _STORY], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             start_new_session=True)  # fmt: skip
    assert story.stdout and story.stdout.readline().startswith(b"http://")
    servers = psutil.Process(story.pid).children(recursive=True)
    assert len(servers) >= 3 and list(tmp_path.glob("homeostat-world-*")), "supervisor, edge, core"
    os.killpg(story.pid, told)
    _, said = story.communicate(timeout=60)
    assert story.returncode != 0 and b"Error" not in said, said.decode()
    gone, alive = psutil.wait_procs(servers, timeout=20)
    assert len(gone) == len(servers) and not alive
    assert not list(tmp_path.glob("homeostat-world-*"))
