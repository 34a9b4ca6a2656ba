"""Does a snippet support a claim?"""

from homeostat.analyze.scorers.entailment.check import Check, against, check

__all__ = ["Check", "against", "check"]
