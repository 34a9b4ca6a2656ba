"""The form of keys: random, checked, told apart from everything else."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from homeostat.doors import keys

PEPPER = b"p" * 32


def test_form() -> None:
    made = [keys.make(PEPPER) for _ in range(200)]
    for new in made:
        assert re.fullmatch(r"hs_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9a-f]{8}", new.text)
        assert keys.public_id(new.text.encode()) == new.id
        assert new.hash == keys.hashed(PEPPER, new.text.encode())
        assert new.text not in repr(new) and len(new.hash) == 32
    assert len({new.id for new in made}) == len({new.text.split("_")[2] for new in made}) == 200


def test_another_pepper_gives_another_hash() -> None:
    new = keys.make(PEPPER)
    assert keys.hashed(b"q" * 32, new.text.encode()) != new.hash


def test_the_secret_holds_all_of_its_bytes() -> None:
    # 62^43 > 2^256: the largest secret still fits, so no two secrets are written alike.
    assert 62**43 > 2**256


def test_every_typing_error_of_one_letter_is_seen() -> None:
    text = keys.make(PEPPER).text
    for place in range(len(text)):
        for other in "aZ0_ ":
            if other != text[place]:
                assert keys.public_id((text[:place] + other + text[place + 1 :]).encode()) is None


def test_the_operators_key_is_always_the_same() -> None:
    one, two = keys.operator(PEPPER, "token"), keys.operator(PEPPER, "token\n")
    assert one.text == two.text != keys.operator(PEPPER, "other").text
    assert keys.public_id(one.text.encode()) == keys.OPERATOR == "operator"


@given(st.binary(max_size=200))
def test_garbage_is_no_key(garbage: bytes) -> None:
    assert keys.public_id(garbage) is None
    assert keys.public_id(b"hs_" + garbage) is None
