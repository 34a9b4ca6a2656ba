"""Who may spend the false-alarm budget, and how strong an alarm is in words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from homeostat.analyze.inference.budget import Budget, Purpose, often, severity, shares


def test_shares_sum_to_the_budget() -> None:
    purposes: list[Purpose] = ["primary"] * 3 + ["segment"] * 40 + ["exploratory"] * 7
    found = shares(Budget(2.0), purposes)
    assert found.sum() == pytest.approx(2.0)
    assert found[:3].sum() == pytest.approx(1.0)
    assert found[3:43].sum() == pytest.approx(0.6)
    assert found[43:].sum() == pytest.approx(0.4)
    assert len(set(found[3:43])) == 1


def test_a_purpose_without_streams_leaves_its_part() -> None:
    assert shares(Budget(2.0), ["segment", "segment"]).tolist() == [1.0, 1.0]
    assert shares(Budget(2.0), []).tolist() == []


def test_weights_within_a_purpose() -> None:
    assert shares(Budget(3.0), ["primary", "primary"], weights=[2, 1]) == pytest.approx([2.0, 1.0])
    for wrong in ([0.0, 1.0], [1.0], [np.nan, 1.0]):
        with pytest.raises(ValueError, match="weights"):
            shares(Budget(3.0), ["primary", "primary"], weights=wrong)


def test_severity_of_the_whole_watch() -> None:
    """At two a month: an alarm at 24 or less is P3, above it P2, above 240 P1."""
    levels = [severity(Budget(2.0), evidence).level for evidence in (0.5, 1, 24, 24.1, 240, 240.1, 1e300)]
    assert levels == ["watch", "P3", "P3", "P2", "P2", "P1", "P1"]
    assert severity(Budget(2.0), 240).words == "chance alone would do this about once in 10 years"
    assert severity(Budget(2.0), 240).per_month == pytest.approx(1 / 120)


def test_words_for_every_rate() -> None:
    said = [often(rate) for rate in np.geomspace(1e-8, 100, 2000)]
    order = list(dict.fromkeys(said))
    assert len(order) == sum(a != b for a, b in pairwise(said)) + 1  # no sentence comes back
    assert order[0] == "less than once in 1,000 years"
    assert order[-1] == "about 100 times a month"


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="budget"):
        Budget(0.0)
    with pytest.raises(ValueError, match="evidence"):
        severity(Budget(), float("nan"))
    with pytest.raises(ValueError, match="purposes"):
        shares(Budget(), ["other"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="positive"):
        often(0)
