"""What must be transactional: segments, outcomes, rollup marks, projects, keys, the audit log."""

from homeostat.store.ledger.database import Ledger, LedgerError, NewerData

__all__ = ["Ledger", "LedgerError", "NewerData"]
