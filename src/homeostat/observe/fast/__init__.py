"""The fast path: the engine decodes and maps."""
