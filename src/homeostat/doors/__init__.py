"""Who may come in: keys, the table of routes, the guard that denies by default."""
