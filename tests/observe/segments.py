"""Segments for tests: envelopes written as the edge would, and a loader over a folder of them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from homeostat.config import Settings
from homeostat.observe.loader import Loader
from homeostat.store.ledger import Ledger
from homeostat.store.spool.envelope import Envelope, Part, encode
from homeostat.store.spool.segment import sealed_name
from homeostat.store.warehouse.client import Warehouse

#: 2026-11-20 12:00 UTC, in nanoseconds: the moment around which tests happen.
NOON = 1_795_176_000_000_000_000
_NUMBERS = itertools.count(time.time_ns() // 1000 << 12, 4096)


@dataclass
class Room:
    """A spool folder, a ledger and a loader over the shared warehouse."""

    folder: Path
    warehouse: Warehouse
    ledger: Ledger = field(init=False)
    loader: Loader = field(init=False)
    seam: Callable[[str], None] = lambda _: None
    together: int = 1
    """Segments that are loaded at once."""

    def __post_init__(self) -> None:
        self.spool.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(f"sqlite:///{self.folder}/ledger.db")
        self.ledger.upgrade()
        self.loader = Loader(
            self.warehouse,
            self.ledger,
            self.spool,
            Settings(data=self.folder),
            together=self.together,
            seam=lambda at: self.seam(at),
        )

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def put(self, *envelopes: Envelope) -> Path:
        """One sealed segment."""
        return put(self.spool, envelopes)

    def load(self) -> int:
        """Load everything that waits; tells how many segments."""
        count = 0
        while self.loader.load_next() is not None:
            count += 1
        return count

    def exchanges(self, project: str, columns: str = "*") -> list[dict[str, Any]]:
        """What a reader sees of a project's exchanges, oldest first."""
        return self.warehouse.ask(
            f"SELECT {columns} FROM exchanges FINAL WHERE project = {{project:String}} ORDER BY at, trace_id, span_id",
            {"project": project},
        )


def put(folder: Path, envelopes: Iterable[Envelope]) -> Path:
    """Write a sealed segment."""
    out, before = [], 0
    for envelope in envelopes:
        out += encode(envelope, before)
        before += envelope.items
    path = folder / sealed_name(next(_NUMBERS), before)
    path.write_bytes(b"".join(out))
    return path


def told(project: str, *spans: dict[str, Any], received: int = NOON) -> Envelope:
    """An envelope of traces; a span is a dictionary of `span`'s arguments."""
    request = ExportTraceServiceRequest()
    for given in spans:
        _add(request, **given)
    return Envelope(received, project, len(spans), Part.TRACES, request.SerializeToString())


def _add(
    request: Any,
    *,
    trace: int,
    span: int,
    parent: int = 0,
    at: float = -10.0,
    seconds: float = 1.0,
    scope: str = "tests",
    name: str = "span",
    error: str = "",
    **attributes: Any,
) -> None:
    """A span: `at` in seconds from noon; attributes with `__` for a dot."""
    scopes = request.resource_spans.add().scope_spans.add()
    scopes.scope.name = scope
    one = scopes.spans.add()
    one.trace_id, one.span_id = trace.to_bytes(16, "big"), span.to_bytes(8, "big")
    one.parent_span_id = parent.to_bytes(8, "big") if parent else b""
    one.name = name
    one.start_time_unix_nano = NOON + int(at * 1e9)
    one.end_time_unix_nano = one.start_time_unix_nano + int(seconds * 1e9)
    if error:
        one.status.code, one.status.message = 2, error
    for key, value in attributes.items():
        one.attributes.append(KeyValue(key=key.replace("__", "."), value=_any(value)))


def _any(value: Any) -> AnyValue:
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(string_value=value)


def call(trace: int, span: int, **more: Any) -> dict[str, Any]:
    """A call to a model, as an instrumentor tells it."""
    return {
        "trace": trace, "span": span, "gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-4o-mini",
        "gen_ai__response__model": "gpt-4o-mini-2024-07-18", "gen_ai__provider__name": "openai",
        "gen_ai__usage__input_tokens": 100, "gen_ai__usage__output_tokens": 20, "input__value": "a question",
        "output__value": "an answer", **more,
    }  # fmt: skip


def chain(trace: int, span: int, **more: Any) -> dict[str, Any]:
    """The application's own span around its calls."""
    return {
        "trace": trace, "span": span, "openinference__span__kind": "CHAIN", "input__value": "what the user asked",
        "output__value": "what the user got", **more,
    }  # fmt: skip
