"""The recorded payloads of real SDKs, as envelopes and as rows."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from homeostat.observe.exact import Row, rows
from homeostat.observe.otlp.from_json import to_protobuf
from homeostat.store.spool.envelope import Envelope, Part

FOLDER = Path(__file__).parents[2] / "fixtures" / "otlp"
SETS = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir() and not folder.name.startswith("n_"))
RECEIVED = 1_795_200_000_000_000_000  # 2026-11-20: the day of the recording


def envelopes(name: str) -> list[Envelope]:
    """Every traces and logs request of a set."""
    found = []
    for about in sorted((FOLDER / name).glob("*.meta.json")):
        number = about.name.split(".")[0]
        path = json.loads(about.read_text())["path"]
        files = [file for file in (FOLDER / name).glob(f"{number}.*") if file.name != about.name]
        if files and path.endswith(("/traces", "/logs")):
            found.append(envelope(files[0].read_bytes(), "logs" if path.endswith("/logs") else "traces"))
    return found


def envelope(body: bytes, signal: str = "traces", **more: Any) -> Envelope:
    body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    if body[:1] == b"{":
        body = to_protobuf(signal, body)
    return Envelope(**{
        "received": RECEIVED, "project": "p", "items": 1, "body": body,
        "part": Part.LOGS if signal == "logs" else Part.TRACES, **more,
    })  # fmt: skip


@cache
def rows_of(name: str) -> list[Row]:
    """Every row of a set."""
    return [
        row
        for number, one in enumerate(envelopes(name))
        for row in rows(one, number, attribute_limit=1 << 20, text_limit=1 << 20)
    ]


@cache
def truth(name: str) -> dict[str, Any]:
    """What the fake provider saw and the script declared."""
    found: dict[str, Any] = json.loads((FOLDER / name / "expected.json").read_text())
    return found
