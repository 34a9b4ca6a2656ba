"""Where sentences end, and what is no part of them."""

from __future__ import annotations

import pytest

from homeostat.analyze.text.sentences import sentences


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("English, French and Polish - three in all.", ("English, French and Polish - three in all.",)),
        ("The audio guide (£3) is ready.", ("The audio guide (£3) is ready.",)),
        ("Economy: 1 piece, max. 8 kg. Business: 2.", ("Economy: 1 piece, max. 8 kg.", "Business: 2.")),
        ("It takes 10 min. Then go.", ("It takes 10 min.", "Then go.")),
        ("- one\n- two - three\n1. a\n2) b", ("one", "two - three", "a", "b")),
    ],
)
def test_only_what_stands_before_an_item_is_left_out(text: str, told: tuple[str, ...]) -> None:
    assert sentences(text) == told
