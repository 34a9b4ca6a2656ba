"""Statistics that stay valid however often somebody looks. Pure functions on arrays; see design/0007-inference.md."""
