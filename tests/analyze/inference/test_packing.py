"""States come back bit for bit, and what is no state says so."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from homeostat.analyze.inference.packing import packed, unpacked


@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(0, 3)), elements=st.floats(allow_nan=False)))
def test_arrays_come_back(array: np.ndarray) -> None:
    back = unpacked("x", 1, packed("x", 1, {"array": array, "n": 3}))
    assert back["array"].tobytes() == array.tobytes()
    assert back["array"].shape == array.shape
    assert back["array"].flags.writeable
    assert back["n"] == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"kind":"x"}',
        packed("y", 1, {}),
        packed("x", 2, {}),
        b'{"kind":"x","version":1,"fields":[]}',
    ],
)
def test_what_is_no_such_state(data: bytes) -> None:
    with pytest.raises(ValueError, match="state"):
        unpacked("x", 1, data)


def test_damage_is_noticed() -> None:
    record = json.loads(packed("x", 1, {"array": np.zeros(4)}))
    record["fields"]["array"]["data"] = record["fields"]["array"]["data"][:8]
    with pytest.raises(ValueError, match="array is damaged"):
        unpacked("x", 1, json.dumps(record).encode())
