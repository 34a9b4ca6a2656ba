"""Monitors: what they say, what they are ticked with, what they find. See design/0009-acting.md."""
