"""Which language: the model's rows are read when asked for, and say what the whole model says."""

from __future__ import annotations

import random

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from homeostat.analyze.metrics.language import language

_TEXTS = (
    "Where is the nearest station, please?",
    "Wo ist bitte der nächste Bahnhof?",
    "Où se trouve la gare la plus proche, s'il vous plaît ?",
    "¿Dónde está la estación más cercana, por favor?",
    "Где находится ближайший вокзал?",
    "最寄りの駅はどこですか。",
    "最近的车站在哪里?",
    "가장 가까운 역이 어디에 있습니까?",
    "أين أقرب محطة من فضلك؟",
    "En yakın istasyon nerede?",
    "ok",
    "x9 zzz qq",
)


def test_texts_of_many_languages_are_told_as_by_the_whole_model() -> None:
    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    drawn = random.Random(7)
    mixed = [" ".join(drawn.choices(_TEXTS, k=drawn.randint(2, 9)))[drawn.randint(0, 40) :] for _ in range(60)]
    for text in (*_TEXTS, *(text for text in mixed if any(map(str.isalpha, text)))):
        code, sure = whole.classify(text[:5000])
        assert language(text) == (code, pytest.approx(sure, rel=1e-6))


def test_without_letters_there_is_no_language() -> None:
    assert language("12:30 -- 45 %") == ("", 0.0)
