"""Spans become exchanges: calls merged, answers found, texts joined."""
