"""The fast path over one segment: decode, say what is too odd for SQL, stage the rest, count what was dropped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from homeostat.records.outcome import Outcome
from homeostat.store.warehouse.client import Warehouse


class FastPath:
    """Fills the Memory table `staged` (columns of `observe.staged`) from a segment file, on `warehouse.load`.

    The order of one load: `decode`, `exact_envelopes`, `stage(skip=those)`, `dropped(skip=those)`, `clear`. An envelope is named by
    its index among the records of the file, as `enumerate(envelope.decode(data))` gives it. The loader takes the envelopes in `skip` by the
    exact path and inserts their rows into the same `staged` table.
    """

    def __init__(self, warehouse: Warehouse, *, incoming: str = "incoming", staged: str = "staged") -> None:
        self.warehouse = warehouse
        self.incoming = incoming
        self.staged = staged

    def prepare(self) -> None:
        """Create both Memory tables, empty."""
        raise NotImplementedError

    def decode(self, path: Path) -> None:
        """Fill `incoming` from a sound segment file."""
        raise NotImplementedError

    def exact_envelopes(self) -> list[int]:
        """Envelopes of traces or logs that hold anything SQL cannot express; ascending."""
        raise NotImplementedError

    def stage(self, skip: Sequence[int] = ()) -> None:
        """Insert a row into `staged` for every span and log record, but for those in the envelopes of `skip`."""
        raise NotImplementedError

    def dropped(self, skip: Sequence[int] = ()) -> list[Outcome]:
        """What `stage` left out, per project: expired, rejected for invalid ids."""
        raise NotImplementedError

    def clear(self) -> None:
        """Empty both tables: the segment is done, or its load is given up."""
        raise NotImplementedError
