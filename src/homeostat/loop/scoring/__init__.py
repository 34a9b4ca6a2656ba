"""Scorers at work: what settled is judged by the engine, by small models, and by judges, each at its own pace."""

from homeostat.loop.scoring.scoring import Scoring

__all__ = ["Scoring"]
