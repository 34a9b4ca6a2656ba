"""The edge process: `python -m homeostat.loop.serve_edge FD`, started by the supervisor with the listening socket."""

from __future__ import annotations

import gc
import socket
import sys

import uvicorn

from homeostat.config import Settings
from homeostat.loop import process
from homeostat.loop.connection import Connection
from homeostat.loop.edge import open_edge


def main(settings: Settings) -> None:
    """Serve until SIGTERM, then drain, then seal the spool."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    with open_edge(settings, stopping=lambda: server.should_exit) as app:
        config = uvicorn.Config(
            app, loop="uvloop", http=Connection, access_log=False, log_level="warning", lifespan="on", backlog=1024,
            timeout_keep_alive=75, timeout_graceful_shutdown=30, server_header=False,
        )  # fmt: skip
        server = uvicorn.Server(config)
        # What was imported stays: looking through it again and again would make requests wait for tens of ms.
        gc.collect()
        gc.freeze()
        process.serve(server, [listener])


if __name__ == "__main__":
    process.run("edge", main)
