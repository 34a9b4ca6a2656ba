"""States as bytes: JSON with a kind and a version, arrays in base64, so that the same bits come back after a restart.

The caller commits these bytes in one transaction with the watermark and the alarm that came of them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[Any] | float | int | str | bool


def packed(kind: str, version: int, fields: Mapping[str, Field]) -> bytes:
    """One state as JSON.

    >>> packed("demo", 1, {"n": 3})
    b'{"kind":"demo","version":1,"fields":{"n":3}}'
    """
    body = {name: _array(value) if isinstance(value, np.ndarray) else value for name, value in fields.items()}
    return json.dumps({"kind": kind, "version": version, "fields": body}, separators=(",", ":")).encode()


def unpacked(kind: str, version: int, data: bytes) -> dict[str, Any]:
    """The fields of a state; ValueError when the bytes are another kind, another version, or damaged."""
    try:
        record = json.loads(data)
        found = (record["kind"], record["version"])
        fields = record["fields"]
        items = fields.items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no packed state: {error}") from error
    if found != (kind, version):
        raise ValueError(f"expected a state of kind {kind}, version {version}; found {found[0]}, version {found[1]}")
    return {name: _restored(name, value) for name, value in items}


def _array(value: NDArray[Any]) -> dict[str, Any]:
    plain = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
    return {"type": plain.dtype.str, "shape": list(plain.shape), "data": base64.b64encode(plain.tobytes()).decode()}


def _restored(name: str, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    try:
        raw = base64.b64decode(value["data"], validate=True)
        array = np.frombuffer(raw, dtype=np.dtype(value["type"])).reshape(value["shape"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the state's {name} is damaged: {error}") from error
    return array.astype(array.dtype.newbyteorder("="))
