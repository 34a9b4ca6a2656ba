"""Facts: spans, exchanges, signals, scores; one dialect, embedded or a cluster."""
