"""Numbers over exchanges, each with its interval: from rollups where they exist, from raw rows where they do not."""

from homeostat.store.warehouse.questions.measures.ask import ask
from homeostat.store.warehouse.questions.measures.question import Question

__all__ = ["Question", "ask"]
