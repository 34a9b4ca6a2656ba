"""What senders call things, kept as data."""
