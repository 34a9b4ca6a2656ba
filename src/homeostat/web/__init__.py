"""What you see: the HTTP API of the core."""
