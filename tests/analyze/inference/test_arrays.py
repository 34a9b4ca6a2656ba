"""What cannot be is refused at the door, in words."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.analyze.inference.arrays import chance, finite, same_length, whole


@pytest.mark.parametrize("values", [[], [np.nan], [1.0, np.inf], [-0.1], [1.1]])
def test_values_that_cannot_be(values: list[float]) -> None:
    with pytest.raises(ValueError, match="share"):
        finite("share", values, low=0, high=1)


def test_nothing_is_fine_where_it_is_allowed() -> None:
    assert finite("share", [], empty=True).size == 0


def test_rounding_is_forgiven() -> None:
    assert finite("share", [1 + 1e-12], low=0, high=1).tolist() == [1.0]


@pytest.mark.parametrize("values", [[0.5], [-1], [np.nan]])
def test_whole_numbers(values: list[float]) -> None:
    with pytest.raises(ValueError, match="rows"):
        whole("rows", values)


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, np.nan])
def test_chances(value: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        chance("alpha", value)


def test_lengths() -> None:
    with pytest.raises(ValueError, match="a 2, b 3"):
        same_length(a=np.zeros(2), b=np.zeros(3))
