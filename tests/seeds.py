"""Pinned seeds, or others: HOMEOSTAT_TEST_SEEDS is "fresh" (`make test-nightly`), or what an earlier run has told."""

from __future__ import annotations

import os
from typing import Final

_ASKED: Final = os.environ.get("HOMEOSTAT_TEST_SEEDS", "")
FRESH: Final = _ASKED == "fresh"
MOVED: Final = int.from_bytes(os.urandom(4)) if FRESH else int(_ASKED or 0)


def seeded(pinned: int) -> int:
    """The seed of a test. It is printed where it is not the pinned one, so that what failed can be played again."""
    if MOVED:
        print(f"HOMEOSTAT_TEST_SEEDS={MOVED}", flush=True)
    return pinned + MOVED
