"""What both processes do alike: settings, logging, the parent's watch, refusing with a reason, being told to end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

from homeostat.config import Settings
from homeostat.loop.parent import end_with_parent
from homeostat.loop.supervisor import REFUSED

if TYPE_CHECKING:
    import uvicorn

#: Environment variable by which the supervisor hands settings to its children.
SETTINGS: Final = "HOMEOSTAT_CHILD_SETTINGS"
PARENT: Final = "HOMEOSTAT_CHILD_PARENT"


def run(name: str, main: Callable[[Settings], None]) -> NoReturn:
    """Run a child process to its end; a refusal is one line on stderr and a code that says "do not start me again"."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=f"%(asctime)s {name} %(levelname)s %(message)s")
    for noisy in ("httpx2", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever gives up on a start needs no traceback
    settings = Settings.model_validate_json(os.environ.pop(SETTINGS))
    if parent := os.environ.pop(PARENT, ""):
        end_with_parent(int(parent))
    try:
        main(settings)
    except Exception as error:
        if type(error).__name__ in ("FolderRefused", "NewerData", "BadUpstream"):
            sys.stderr.write(f"homeostat: {error}\n")
            sys.exit(REFUSED)
        raise
    sys.exit(0)


def serve(server: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
    """Serve until told to end; then return, so that the caller can close what it has open.

    The server listens to signals only once it runs, and gives one that ended it back to the process. Ours hears both:
    the one that comes just before, and the one that is given back.
    """

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    server.run(sockets=sockets)
