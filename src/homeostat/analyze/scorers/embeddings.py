"""Likeness by the vectors of any `/embeddings` endpoint that the operator named."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any, ClassVar, Final, Literal

import httpx2
import numpy as np
from numpy.typing import NDArray

from homeostat.analyze.scorers.case import Case, Rung, Scored, Unscored, judged
from homeostat.analyze.text.words import bounded

_MOST_BYTES: Final = 4 << 20
_REMEMBERED: Final = 5_000
_REST: Final = 30.0
_LONG: Final = 8_000
Vector = NDArray[np.float32]


class NoVectors(Exception):
    """The endpoint gave none, and why."""


@dataclass
class _Vectors:
    """Texts that were asked about lately, and until when an endpoint that failed is left alone."""

    held: OrderedDict[tuple[str, str, str], Vector] = field(default_factory=OrderedDict)
    rests: dict[str, float] = field(default_factory=dict)
    turn: Lock = field(default_factory=Lock)


_vectors: Final = _Vectors()


@lru_cache(maxsize=8)
def _client(timeout: float) -> httpx2.Client:
    return httpx2.Client(timeout=timeout, follow_redirects=False, trust_env=False)


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The cosine of the output and the reference, the input, or the nearest document."""

    name: str
    url: str
    model: str
    key: str = field(default="", repr=False)
    against: Literal["reference", "input", "documents"] = "reference"
    dimension: str = "relevance"
    timeout: float = 5.0
    rung: ClassVar[Rung] = "model"

    def score(self, case: Case) -> Scored | Unscored:
        """One question to the endpoint for what it was not asked before."""
        told = getattr(case, self.against)
        others = [text for text in ([told] if isinstance(told, str) else told[:20]) if text.strip()]
        if not others or not case.output.strip():
            return Unscored(f"no {self.against if case.output.strip() else 'output'} to compare")
        try:
            own, *theirs = self.vectors([bounded(text, _LONG) for text in (case.output, *others)])
        except NoVectors as error:
            return Unscored(str(error))
        value = max(float(own @ other) for other in theirs)
        return judged(max(0.0, value), f"cosine {value:.3f}, {self.model}")

    def vectors(self, texts: Sequence[str]) -> list[Vector]:
        """Vectors of length one. Raises NoVectors."""
        keys = [(self.url, self.model, text) for text in texts]
        with _vectors.turn:
            missing = list(dict.fromkeys(key for key in keys if key not in _vectors.held))
            if missing and _vectors.rests.get(self.url, 0.0) > time.monotonic():
                raise NoVectors("the embeddings endpoint is left alone for a while after a failure")
        found = dict(zip(missing, self._asked([key[2] for key in missing]), strict=True)) if missing else {}
        with _vectors.turn:
            known = [found[key] if key in found else _vectors.held[key] for key in keys]
            for key, vector in found.items():
                _vectors.held[key] = vector
                if len(_vectors.held) > _REMEMBERED:
                    _vectors.held.popitem(last=False)
        return known

    def _asked(self, texts: Sequence[str]) -> list[Vector]:
        headers = {"x-homeostat-purpose": "judge"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        body = {"model": self.model, "input": list(texts), "encoding_format": "float"}
        try:
            raw = self._read(f"{self.url.rstrip('/')}/embeddings", headers, body)
            rows = sorted(json.loads(raw)["data"], key=lambda row: row["index"])
            vectors = [np.asarray(row["embedding"], dtype=np.float32) for row in rows]
            if len(vectors) != len(texts) or len({vector.shape for vector in vectors}) != 1:
                raise NoVectors("the embeddings endpoint did not answer a vector for each text")
            return [_of_length_one(vector) for vector in vectors]
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            why = f"the embeddings endpoint cannot be reached ({type(error).__name__})"
        except (ValueError, KeyError, TypeError, RecursionError):
            why = "the embeddings endpoint answered something that is not of its API"
        except NoVectors as error:
            why = str(error)
        with _vectors.turn:
            _vectors.rests[self.url] = time.monotonic() + _REST
        raise NoVectors(why)

    def _read(self, url: str, headers: dict[str, str], body: dict[str, Any]) -> bytes:
        end = time.monotonic() + self.timeout
        with _client(self.timeout).stream("POST", url, headers=headers, json=body) as response:
            if response.status_code != 200:
                raise NoVectors(f"the embeddings endpoint answered {response.status_code}")
            raw = b""
            for part in response.iter_bytes():
                raw += part
                if len(raw) > _MOST_BYTES or time.monotonic() > end:
                    raise NoVectors("the embeddings endpoint does not come to an end")
        return raw


def _of_length_one(vector: Vector) -> Vector:
    size = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not np.isfinite(size) or size == 0.0:
        raise NoVectors("the embeddings endpoint answered a vector that is none")
    return vector / np.float32(size)
