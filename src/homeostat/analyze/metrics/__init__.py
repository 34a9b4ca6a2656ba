"""Automated text metrics: numbers that need no model. Values equal those of `rouge-score` and `sacrebleu`."""

from homeostat.analyze.metrics.bleu import bleu
from homeostat.analyze.metrics.chrf import chrf
from homeostat.analyze.metrics.overlap import exact_match, fuzzy_match, token_f1
from homeostat.analyze.metrics.rouge import Overlap, rouge, rouge_1, rouge_2, rouge_l, rouge_lsum
from homeostat.analyze.metrics.variety import distinct, repetition

__all__ = [
    "Overlap",
    "bleu",
    "chrf",
    "distinct",
    "exact_match",
    "fuzzy_match",
    "repetition",
    "rouge",
    "rouge_1",
    "rouge_2",
    "rouge_l",
    "rouge_lsum",
    "token_f1",
]
