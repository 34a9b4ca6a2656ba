"""OTLP over HTTP: bodies, limits, exact answers."""
