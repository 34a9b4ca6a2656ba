"""Our metrics give the values of the libraries that people compare with."""

from __future__ import annotations

import random

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from homeostat.analyze import bleu, chrf
from homeostat.analyze.metrics import rouge

AWKWARD = [
    "", " ", "a", ".", "...", "\n", "a\nb\n\nc", "-\nfoo", "<skipped>", "&amp; &lt;b&gt; &quot;x&quot;", "1,000.50", "1-2", "3.", ",5", "a.b,c", "don't", "ÄÖÜ straße",
    "İstanbul", "日本語 テキスト", "🙂 🙂🙂", "a" * 300, "the the the the", "x\u00a0y", "tab\tsep", "{curly} [square] (round)", "50%", "$5.00", "e-mail", "2020-01-02", "´`'\"",
    "the cat\nsat on\nthe mat", "\u200bzero", "A B C D E F G", "-", "--", "5-", "/", "http://x.y/z?a=1&b=2", "UPPER lower", "line one\n line two \n\n",
]  # fmt: skip


def pairs() -> list[tuple[str, str]]:
    chance = random.Random(7)
    words = [
        "the",
        "a",
        "cat",
        "dog",
        "sat",
        "on",
        "mat.",
        "mat",
        "1,000",
        "3.5",
        "Yes!",
        "no-one",
        "it's",
        "\n",
        "über",
        "&amp;",
        "(so)",
        "x",
        "y",
        "Z",
        "10%",
    ]

    def text() -> str:
        return " ".join(chance.choice(words) for _ in range(chance.randint(0, 40)))

    found = [(text(), text()) for _ in range(600)]
    found += [(chance.choice(AWKWARD), chance.choice(AWKWARD)) for _ in range(250)]
    found += [(chance.choice(AWKWARD) + " " + text(), text() + chance.choice(AWKWARD)) for _ in range(150)]
    return found


PAIRS = pairs()


def test_rouge_is_that_of_rouge_score() -> None:
    peer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])
    for output, reference in PAIRS:
        theirs, ours = peer.score(reference, output), rouge(output, reference)
        for name, value in theirs.items():
            assert tuple(ours[name]) == pytest.approx(tuple(value), abs=1e-9), (name, output, reference)


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    for output, reference in PAIRS:
        assert bleu(output, reference) == pytest.approx(sacrebleu.sentence_bleu(output, [reference]).score, abs=1e-9), (
            output,
            reference,
        )
        assert chrf(output, reference) == pytest.approx(sacrebleu.sentence_chrf(output, [reference]).score, abs=1e-9), (
            output,
            reference,
        )


def test_several_references() -> None:
    for (output, one), (_, other) in zip(PAIRS[:300], PAIRS[300:600], strict=True):
        assert bleu(output, [one, other]) == pytest.approx(
            sacrebleu.sentence_bleu(output, [one, other]).score, abs=1e-9
        )
        assert chrf(output, [one, other]) == pytest.approx(
            sacrebleu.sentence_chrf(output, [one, other]).score, abs=1e-9
        )
