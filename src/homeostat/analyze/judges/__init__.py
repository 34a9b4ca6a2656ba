"""Language models as judges: prompts, walls against what they read, strict reading of what they answer."""

from homeostat.analyze.judges.judge import Judge, compare, jury, preferred
from homeostat.analyze.judges.rubrics import RUBRICS

__all__ = ["RUBRICS", "Judge", "compare", "jury", "preferred"]
