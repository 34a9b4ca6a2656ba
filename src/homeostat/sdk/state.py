"""Whether anything is on. Kept apart and light, so that decorated functions cost nothing until `init` was called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeostat.sdk.runtime import Runtime

runtime: Runtime | None = None
"""None: `init` was not called, or HOMEOSTAT_DISABLED is set."""
