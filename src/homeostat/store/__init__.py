"""Where it is kept: spool (disk), warehouse (ClickHouse), ledger (SQL database)."""
