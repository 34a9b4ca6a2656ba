"""What a short answer is by its form, and whether a question can want that."""

from __future__ import annotations

import pytest

from homeostat.analyze.scorers.form import suits
from homeostat.analyze.scorers.question import read


@pytest.mark.parametrize(
    ("asked", "answer", "fits"),
    [
        ("When does it open?", "At nine.", True),
        ("When does it open?", "Near the station.", False),
        ("Who signs the form?", "Your manager.", True),
        ("Who signs the form?", "On page three.", False),
        ("Where do I leave the keys?", "In the box by the door.", True),
        ("Where do I leave the keys?", "Before eleven o'clock.", False),
        ("How long does the paint dry?", "Overnight.", True),
        ("How long does the paint dry?", "White, grey and blue.", False),
        ("What does the red lamp mean?", "The tank is empty.", True),
        ("What does the red lamp mean?", "Press and hold for five seconds.", False),
        ("How tall is Mont Blanc?", "Yes, for twelve euros a night.", False),
        ("Is parking included?", "Only for guests of the suite.", True),
    ],
)
def test_the_form_of_a_short_answer_suits_its_question(asked: str, answer: str, *, fits: bool) -> None:
    assert suits(read(asked).kind, asked, answer) is fits


def test_a_longer_answer_has_room_for_every_form() -> None:
    answer = "It stands behind the old mill, and it was built in 1890 by two brothers who never saw it finished."
    assert suits("when", "When was the tower built?", answer) is None
