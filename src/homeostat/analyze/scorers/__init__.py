"""Scorers: is the output still good? One line for each in the table of `registry.py`."""

from homeostat.analyze.scorers.case import Case, Rung, Scored, Scorer, Unscored, judged
from homeostat.analyze.scorers.registry import NotAScorer, find, scorer, scorers

__all__ = ["Case", "NotAScorer", "Rung", "Scored", "Scorer", "Unscored", "find", "judged", "scorer", "scorers"]
