"""Every example in the statistics is run."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

from homeostat.analyze import inference

MODULES = sorted(module.name for module in pkgutil.iter_modules(inference.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = import_module(f"{inference.__name__}.{name}")
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0 or name in ("packing",)


@pytest.mark.parametrize("name", MODULES)
def test_meaning_is_told(name: str) -> None:
    module = import_module(f"{inference.__name__}.{name}")
    for key, value in vars(module).items():
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not key.startswith("_"):
            assert value.__doc__, f"{name}.{key}"
