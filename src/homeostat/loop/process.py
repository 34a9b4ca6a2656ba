"""What both processes do first: settings from the supervisor, logging, the parent's watch, refusing with a reason."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from homeostat.config import Settings
from homeostat.loop.parent import end_with_parent
from homeostat.loop.supervisor import REFUSED

#: Environment variable by which the supervisor hands settings to its children.
SETTINGS: Final = "HOMEOSTAT_CHILD_SETTINGS"
PARENT: Final = "HOMEOSTAT_CHILD_PARENT"


def run(name: str, main: Callable[[Settings], None]) -> NoReturn:
    """Run a child process to its end; a refusal is one line on stderr and a code that says "do not start me again"."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=f"%(asctime)s {name} %(levelname)s %(message)s")
    for noisy in ("httpx2", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
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
