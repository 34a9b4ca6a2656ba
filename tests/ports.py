"""Ports that stay free until they are used."""

from __future__ import annotations

import os
import socket
from itertools import count
from typing import Final

#: Below those that the kernel gives to whoever asks for any: no other test gets one of these between look and use.
_FIRST: Final = 12_000
_MANY: Final = 20_000
_NUMBERS: Final = count(os.getpid() * 61)  # workers that run beside begin elsewhere


def free_port() -> int:
    """One on which nobody listens, and which this process has not given before."""
    while True:
        port = _FIRST + next(_NUMBERS) % _MANY
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
