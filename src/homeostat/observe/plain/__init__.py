"""Plain JSON for those without OpenTelemetry: exchanges, signals, scores."""
