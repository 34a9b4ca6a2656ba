"""A child that ends with its parent: nothing may hold the port or the engine's lock after the supervisor is gone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time

_PR_SET_PDEATHSIG = 1
_BEHIND = 5
_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Called in a new child before its program begins, so that it cannot outlive a parent that ends meanwhile."""
    with contextlib.suppress(OSError, AttributeError):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def step_back() -> None:
    """Called in a new child: its siblings go before it.

    Linux shares a busy machine among sessions first, where it groups them, and in a session by niceness: so it gets a
    session of its own, and its work is not held against the others.
    """
    os.setsid()
    os.nice(_BEHIND)


def end_with_parent(parent: int) -> None:
    """End this process at once when `parent` ends, however it ends. Everything we write is safe against that."""
    die_with_parent()
    threading.Thread(target=_watch, args=(parent,), daemon=True, name="parent").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGKILL)
