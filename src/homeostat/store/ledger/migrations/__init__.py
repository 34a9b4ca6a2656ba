"""Alembic's environment of the ledger: the wheel carries it, `Ledger.upgrade()` runs it."""
