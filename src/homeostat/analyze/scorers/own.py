"""Scorers that the operator describes in a file: trained models by path, and likeness by an embeddings endpoint.

Only the operator names files and addresses; nothing that a request says leads here. A pickle is code: whoever can
write the file that `file` names can run anything as this process.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from homeostat.analyze.scorers.case import Scorer
from homeostat.analyze.scorers.classifier import Classifier
from homeostat.analyze.scorers.embeddings import Embeddings
from homeostat.analyze.scorers.models import PICKLES, NoModel, onnx, pickled
from homeostat.analyze.scorers.registry import NotAScorer, registered

log: Final = logging.getLogger("homeostat.scoring")
_OF_FILES: Final[Mapping[str, Any]] = {"file": "", "good": 1, "field": "output", "dimension": "custom", "labels": []}
_OF_ENDPOINTS: Final[Mapping[str, Any]] = {
    "embeddings": "", "model": "", "key_env": "", "against": "reference", "dimension": "relevance", "timeout": 5.0,
}  # fmt: skip


def register(place: Path) -> tuple[list[str], list[str]]:
    """Make the scorers of a file known to this process: their names, and what is wrong with those that cannot be."""
    try:
        tables = tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [], [f"{place}: {error}"]
    names, wrong = [], []
    for name, table in tables.items():
        try:
            names.append(registered(made_of(name, table, place.parent)).name)
        except NotAScorer as error:
            wrong.append(f"{place}: {error}")
    return names, wrong


def told(place: str) -> dict[str, list[str]]:
    """The operator's file as the server takes it: what cannot be is logged and shown, and the rest works."""
    names, wrong = register(Path(place)) if place else ([], [])
    for each in wrong:
        log.error("%s", each)
    return {"names": names, "wrong": wrong}


def made_of(name: str, table: Any, folder: Path) -> Scorer:
    """One table as a scorer. Paths are seen from the folder of the file."""
    if not isinstance(table, Mapping) or ("file" in table) == ("embeddings" in table):
        raise NotAScorer(f"[{name}] names either a file or embeddings")
    known = _OF_FILES if "file" in table else _OF_ENDPOINTS
    for key, value in table.items():
        if key not in known:
            raise NotAScorer(f"[{name}] has no {key}; it has {', '.join(known)}")
        like = (int, float) if isinstance(known[key], float) else type(known[key])
        if key != "good" and (not isinstance(value, like) or isinstance(value, bool)):
            raise NotAScorer(f"[{name}] {key} must be like {known[key]!r}")
    given = {**known, **table}
    try:
        return _classifier(name, given, folder) if "file" in table else _embeddings(name, given)
    except NoModel as error:
        raise NotAScorer(f"[{name}] {error}") from error


def _classifier(name: str, given: Mapping[str, Any], folder: Path) -> Scorer:
    place = folder / given["file"]
    if place.suffix == ".onnx":
        model = onnx(place, tuple(given["labels"]))
    elif place.suffix in PICKLES:
        model = pickled(place)
    else:
        raise NoModel(f"{place.name} ends neither in .onnx nor in {', '.join(PICKLES)}")
    return Classifier(name, model, given["good"], given["field"], given["dimension"])


def _embeddings(name: str, given: Mapping[str, Any]) -> Scorer:
    if not given["embeddings"].startswith(("http://", "https://")) or not given["model"]:
        raise NoModel("embeddings is an address that begins with http:// or https://, and model names the model")
    if given["against"] not in ("reference", "input", "documents"):
        raise NoModel("against is reference, input or documents")
    key = os.environ.get(given["key_env"], "") if given["key_env"] else ""
    return Embeddings(
        name, given["embeddings"], given["model"], key, given["against"], given["dimension"], float(given["timeout"])
    )
