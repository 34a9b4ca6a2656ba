"""The acceptance cases: small with pinned seeds in every run, whole with fresh seeds in nightly. See `bench/cases/`."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from bench.cases import CASES
from bench.cases.figure import Case

NUMBERS = [case.number for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=NUMBERS)
def test_small(case: Case) -> None:
    for figure in case.run(case.small, np.random.default_rng([3, *case.number.encode()])):
        assert figure.fits(), f"case {case.number}: {figure}"


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES, ids=NUMBERS)
def test_whole(case: Case) -> None:
    seed = time.time_ns() if os.environ.get("HOMEOSTAT_TEST_SEEDS") == "fresh" else 4
    for figure in case.run(case.whole, np.random.default_rng([seed, *case.number.encode()])):
        assert figure.fits(0.999), f"case {case.number}, seed {seed}: {figure}"


def test_no_number_stands_twice() -> None:
    assert len(set(NUMBERS)) == len(NUMBERS)
