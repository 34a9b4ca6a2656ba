"""`make bench`, or `python -m bench NAME ...`, with names of `ALL`."""

from __future__ import annotations

import sys
from importlib import import_module

ALL = (
    "ingest", "queries", "gateway", "sdk", "inference", "statistics", "world", "faults", "scoring", "scorers",
    "watching",
)  # fmt: skip

for name in sys.argv[1:] or ALL:
    if name not in ALL:
        sys.exit(f"there is no measurement {name}; choose from {', '.join(ALL)}")
    import_module(f"bench.{name}").main()
