"""Scorers that the operator describes in a file: models by path, likeness by an embeddings endpoint."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import pytest

from homeostat.analyze.scorers import Case, Scored, Unscored, find
from homeostat.analyze.scorers.own import register
from homeostat.analyze.scorers.registry import NotAScorer
from tests.analyze.judges.serving import Answered, Asked, Endpoint, listening

MODELS = Path(__file__).parents[2] / "fixtures" / "models"


class Counts:
    """A classifier as scikit-learn's are: who says please is polite."""

    classes_ = ("polite", "rude")

    def predict_proba(self, texts: list[str]) -> list[list[float]]:
        return [[0.9, 0.1] if "please" in text.lower() else [0.2, 0.8] for text in texts]


def described(folder: Path, text: str) -> tuple[list[str], list[str]]:
    place = folder / "scorers.toml"
    place.write_text(text)
    return register(place)


def vectors(body: Asked, number: int) -> Answered:
    """Two texts are near when they share their first letter."""
    rows = [
        {"index": at, "embedding": [2.0, 0.0] if text[0] == "R" else [0.0, 2.0]}
        for at, text in enumerate(body["input"])
    ]
    return 200, {"data": rows[::-1], "model": body["model"]}, {}


def test_a_model_of_a_file_becomes_a_scorer(tmp_path: Path) -> None:
    (tmp_path / "tone.pkl").write_bytes(pickle.dumps(Counts()))
    names, wrong = described(tmp_path, '[own-tone]\nfile = "tone.pkl"\ngood = "polite"\ndimension = "tone"\n')
    assert (names, wrong) == (["own-tone"], [])
    found = find("own-tone")
    assert found.dimension == "tone"
    assert found.score(Case("Please wait.")) == Scored(0.9, "good", "'polite' with probability 0.900")
    assert isinstance(found.score(Case("  ")), Unscored)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[a1]\nfile = "none.pkl"', "FileNotFoundError"),
        ('[a2]\nfile = "model.exe"', "ends neither"),
        ('[a3]\nfile = "bad.pkl"', "UnpicklingError"),
        ('[a4]\nfile = "list.pkl"', "no probabilities"),
        ('[safety]\nfile = "good.pkl"', "a scorer of ours"),
        ('[a5]\nembeddings = "ftp://x"\nmodel = "m"', "http"),
        ('[a6]\nembeddings = "http://x"', "model names the model"),
        ('[a7]\nfile = "good.pkl"\ncolour = "red"', "has no colour"),
        ("[a8]\nfile = 3", "must be like"),
        ("[a9]\n", "names either"),
        ("a10 = 1\n", "names either"),
        ("not toml", "Expected"),
    ],
)
def test_what_cannot_be_is_said_and_the_rest_works(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "good.pkl").write_bytes(pickle.dumps(Counts()))
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([1]))
    (tmp_path / "bad.pkl").write_bytes(b"nonsense")
    names, wrong = described(tmp_path, text)
    assert names == []
    assert why in wrong[0]
    names, wrong = described(tmp_path, f'{text}\n[own-good]\nfile = "good.pkl"\ngood = "polite"\n')
    assert names == (["own-good"] if "toml" not in text else [])


@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is not None, reason="it is installed")
def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    names, wrong = described(tmp_path, f'[onnx-tone]\nfile = "{MODELS / "tone.onnx"}"\ngood = "polite"\n')
    assert names == []
    assert "needs onnxruntime: pip install 'homeostat[models]'" in wrong[0]


@pytest.mark.parametrize(("file", "labels"), [("tone.onnx", ""), ("tone_rows.onnx", 'labels = ["polite", "rude"]')])
def test_an_onnx_model_becomes_a_scorer(tmp_path: Path, file: str, labels: str) -> None:
    pytest.importorskip("onnxruntime")
    names, wrong = described(tmp_path, f'[onnx-tone]\nfile = "{MODELS / file}"\ngood = "polite"\n{labels}\n')
    assert (names, wrong) == (["onnx-tone"], [])
    good, bad = find("onnx-tone").score(Case("please wait, thank you")), find("onnx-tone").score(Case("shut up"))
    assert isinstance(good, Scored)
    assert isinstance(bad, Scored)
    assert good.value > 0.7 > 0.4 > bad.value


def own(endpoint: Endpoint, folder: Path) -> str:
    """An address that no other test had: the kernel may give a port again, and who failed there is left alone."""
    return f"{endpoint.url}/{folder.name}"


def test_likeness_is_asked_of_the_endpoint_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAR_KEY", "k-1")
    with listening(vectors) as endpoint:
        text = f'[near]\nembeddings = "{own(endpoint, tmp_path)}"\nmodel = "small"\nkey_env = "NEAR_KEY"\n'
        assert described(tmp_path, text) == (["near"], [])
        near = find("near")
        like = near.score(Case("Refunds take five days.", reference="Returns are paid back."))
        assert near.score(Case("Refunds take five days.", reference="Returns are paid back.")) == like
        unlike = near.score(Case("Refunds take five days.", reference="It rains."))
        assert isinstance(like, Scored)
        assert isinstance(unlike, Scored)
        assert like.value == pytest.approx(1.0)
        assert unlike.value < 0.9
        assert [len(asked["input"]) for asked in endpoint.asked] == [2, 1]
        assert all(path.endswith("/embeddings") for path in endpoint.paths)
        assert endpoint.headers[0]["authorization"] == "Bearer k-1"
        assert "k-1" not in repr(near)
    assert near.score(Case("Refunds take five days.")) == Unscored("no reference to compare")


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}, {}),
        (302, {}, {"location": "http://127.0.0.1:1/"}),
        (200, b"<html>", {}),
        (200, {"data": []}, {}),
        (200, {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]}, {}),
        (200, {"data": [{"index": 0, "embedding": [0.0]}, {"index": 1, "embedding": [0.0]}]}, {}),
    ],
)
def test_an_endpoint_that_fails_scores_nothing_and_is_left_alone(tmp_path: Path, answer: Answered) -> None:
    with listening(lambda body, number: answer) as endpoint:
        described(tmp_path, f'[failing]\nembeddings = "{own(endpoint, tmp_path)}"\nmodel = "m"\nagainst = "input"\n')
        found = [find("failing").score(Case(f"Answer {number}", input="Question")) for number in range(3)]
        assert all(isinstance(each, Unscored) for each in found)
        assert len(endpoint.asked) == 1


def test_no_request_names_a_file() -> None:
    with pytest.raises(NotAScorer):
        find("/tmp/tone.pkl")
