"""Where the command `homeostat` begins: without the extra that it needs it says so in one line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from homeostat.cli.main import main as run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("homeostat"):
            raise
        sys.stderr.write(
            f"homeostat: {error.name} is not installed. The command needs: pip install 'homeostat[server]'\n"
        )
        sys.exit(2)
    run()
