"""How it comes in: OTLP, plain JSON, dialects, exchanges."""
