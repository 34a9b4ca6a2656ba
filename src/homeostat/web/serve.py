"""The core process: `python -m homeostat.web.serve`, started by the supervisor."""

from __future__ import annotations

import contextlib
import os
import sys

import uvicorn

from homeostat.config import Settings
from homeostat.loop import process
from homeostat.loop.core import Core
from homeostat.store.folder import Folder
from homeostat.web.app import create_app


def main(settings: Settings) -> None:
    """Serve the API on the local socket until SIGTERM."""
    folder = Folder(settings.data.resolve())
    folder.check_format()
    os.chdir(folder.root)  # the engine keeps a small cache beside the process
    core = Core(settings)
    core.start()
    socket = core.folder.core_socket
    socket.unlink(missing_ok=True)
    config = uvicorn.Config(
        create_app(core), uds=str(socket), loop="uvloop", http="httptools", access_log=False, log_level="warning",
        timeout_graceful_shutdown=5, lifespan="off",
    )  # fmt: skip
    os.umask(0o077)
    try:
        process.serve(uvicorn.Server(config))
    finally:
        with contextlib.suppress(Exception):
            core.close()
        with contextlib.suppress(Exception):
            core.folder.leave_socket()
    # The engine's own threads may take their time; what we wrote is on disk, so the process may simply end.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    process.run("core", main)
