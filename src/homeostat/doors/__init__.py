"""Who may come in: keys, the table of routes, and the guard that denies by default."""
