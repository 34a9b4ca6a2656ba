"""Run by Alembic with the connection of `Ledger.upgrade()`: all steps in its one transaction."""

from __future__ import annotations

from alembic import context

from homeostat.store.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
