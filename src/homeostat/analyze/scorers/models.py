"""Trained models from files: scikit-learn's by pickle, anything else by ONNX. What reads them is installed only by who uses them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from homeostat.analyze.scorers.classifier import Probable

PICKLES: Final = (".joblib", ".pkl", ".pickle")


class NoModel(ValueError):
    """A file that holds no model that can be used here, or what reads it is not installed."""


def pickled(place: Path) -> Probable:
    """A classifier or pipeline with `predict_proba`. A pickle runs what its writer wanted: load your own only."""
    try:
        if place.suffix == ".joblib":
            model = _installed("joblib", place).load(place)
        else:
            with place.open("rb") as file:
                model = pickle.load(file)
    except NoModel:
        raise
    except ModuleNotFoundError as error:
        raise NoModel(f"{place.name} needs {error.name}: pip install 'homeostat[models]'") from error
    except Exception as error:  # A pickle may raise anything.
        raise NoModel(f"{place.name}: {type(error).__name__}: {error}"[:300]) from error
    if not hasattr(model, "predict_proba") or not hasattr(model, "classes_"):
        raise NoModel(f"{place.name} holds a {type(model).__name__}, which tells no probabilities of classes")
    found: Probable = model
    return found


def onnx(place: Path, labels: Sequence[Any] = ()) -> Probable:
    """A model that reads one text and answers probabilities: a map for each text, or a row with `labels` given."""
    runtime = _installed("onnxruntime", place)
    try:
        session = runtime.InferenceSession(str(place), providers=["CPUExecutionProvider"])
    except Exception as error:  # The runtime's errors have no common class.
        raise NoModel(f"{place.name}: {type(error).__name__}: {error}"[:300]) from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(string)":
        told = ", ".join(f"{one.name}: {one.type}" for one in inputs)
        raise NoModel(f"{place.name} must read one tensor(string); it reads {told}")
    model = _Onnx(session, inputs[0].name, len(inputs[0].shape or [1]), list(labels))
    try:
        return _known(model)
    except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoModel(f"{place.name} answers no probabilities by label: {error}") from error


@dataclass
class _Onnx:
    session: Any
    name: str
    rank: int
    classes_: list[Any]

    def predict_proba(self, texts: Sequence[str]) -> Any:
        """A row of probabilities for each text, in the order of `classes_`."""
        given = np.array(list(texts), dtype=object)
        told = self.session.run(None, {self.name: given.reshape(-1, 1) if self.rank == 2 else given})[-1]
        return [[row[label] for label in self.classes_] if isinstance(row, dict) else row for row in told]


def _known(model: _Onnx) -> Probable:
    """Ask once: the answer shows which labels there are, or how many."""
    shape = (1, 1) if model.rank == 2 else (1,)
    row = model.session.run(None, {model.name: np.array(["?"], dtype=object).reshape(shape)})[-1][0]
    if isinstance(row, dict):
        model.classes_ = list(row)
    elif len(row) != len(model.classes_):
        raise ValueError(f"it answers {len(row)} numbers; labels names {len(model.classes_)}")
    return model


def _installed(name: str, place: Path) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise NoModel(f"{place.name} needs {name}: pip install 'homeostat[models]'") from error
