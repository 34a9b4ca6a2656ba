"""Small files of the embedded engine that a full disk cut short, and that would keep it from ever opening again.

chDB writes them without noticing that the disk refused (see `Warehouse.prove`): the text of a mutation, which is given
again because nobody counted on it, and the definition of a table in memory, which is made anew by each process.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

log: Final = logging.getLogger("homeostat.warehouse")
#: How the definitions of the loader's tables are called; they live in memory.
_STAGING: Final = "staged*.sql"


def mend(warehouse: Path, database: str) -> list[Path]:
    """Remove them, before the engine opens the folder; what was removed."""
    written = [*warehouse.glob("store/*/*/mutation_*.txt"), *(warehouse / "metadata" / database).glob(_STAGING)]
    found = [path for path in written if not path.read_bytes().endswith(b"\n")]
    for path in found:
        log.warning("%s was cut short by a full disk and is removed", path.relative_to(warehouse))
        path.unlink()
    return found
