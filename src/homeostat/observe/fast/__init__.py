"""The engine's path: protobuf to staged rows as SQL generated from the alias table."""

from __future__ import annotations

from homeostat.observe.fast.path import FastPath, Odd

__all__ = ["FastPath", "Odd"]
