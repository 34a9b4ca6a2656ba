"""`/api/v1/exchanges/export`: a whole question as a file, streamed, one page in memory at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import msgspec
import pyarrow
import pyarrow.parquet
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from homeostat.records.exchange import PARTS, as_json
from homeostat.store.warehouse.questions.export import Line, pages
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import core_of, in_thread, pairs_of, single
from homeostat.web.exchanges import asked, told_messages
from homeostat.web.openapi import FILTERS, answers, query

router: Final = APIRouter(tags=["exchanges"])

#: Columns of the flat formats, with their types. Texts and JSON texts are strings.
_TEXT: Final = pyarrow.string()
_REAL: Final = pyarrow.float64()
_WHOLE: Final = pyarrow.int64()
COLUMNS: Final[dict[str, Any]] = {
    "id": _TEXT, "kind": _TEXT, "project": _TEXT, "trace_id": _TEXT, "span_id": _TEXT, "session_id": _TEXT,
    "user_id": _TEXT, "at": _TEXT, "latency_ms": _REAL, "ttft_ms": _REAL, "name": _TEXT, "model": _TEXT,
    "requested_model": _TEXT, "provider": _TEXT, "release": _TEXT, "prompt_name": _TEXT, "prompt_version": _TEXT,
    "environment": _TEXT, "input": _TEXT, "output": _TEXT, "input_tokens": _WHOLE, "output_tokens": _WHOLE,
    "cached_tokens": _WHOLE, "reasoning_tokens": _WHOLE, "cost": _REAL, "calls": _WHOLE, "finish_reason": _TEXT,
    "status": _TEXT, "error": _TEXT, "op": _TEXT, "response_id": _TEXT, "streaming": pyarrow.bool_(),
    "cache_write_tokens": _WHOLE, "input_chars": _WHOLE, "output_chars": _WHOLE, **dict.fromkeys(PARTS, _TEXT),
}  # fmt: skip
SCHEMA: Final = pyarrow.schema(list(COLUMNS.items()))
#: What a spreadsheet takes for the beginning of a formula, in ASCII and in full width.
_FORMULA: Final = tuple("=+-@\t\r＝＋－＠")
_BLANK: Final = " \n\v\f\u00a0\u3000\ufeff"
_TYPES: Final = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_FORMAT: Final = query("format", "The file's format.", {"type": "string", "enum": list(_TYPES), "default": "jsonl"})


@router.get("/api/v1/exchanges/export", responses=answers(400), openapi_extra={"parameters": [_FORMAT, *FILTERS]})
async def exported(request: Request) -> Response:
    """The exchanges of a question with whole texts, as JSON lines, CSV or Parquet."""
    core = core_of(request)
    form = single(pairs_of(request), "format") or "jsonl"
    if form not in _TYPES:
        raise Refused(f"format is one of {', '.join(_TYPES)}.")
    written = WRITERS[form](pages(core.warehouse, asked(request, core.clock.now())))
    # The first piece comes before the answer begins: a question that fails is answered with its error, not half a file.
    first = await in_thread(request, lambda: next(written, None))
    headers = {"content-disposition": f'attachment; filename="exchanges.{form}"', "x-content-type-options": "nosniff"}
    return StreamingResponse(_stream(request, first, written), media_type=_TYPES[form], headers=headers)


async def _stream(request: Request, first: bytes | None, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    piece = first
    while piece is not None:
        if piece:
            yield piece
        piece = await in_thread(request, lambda: next(rest, None))


def whole(line: Line) -> dict[str, Any]:
    """One exchange as JSON with everything: an import makes the same exchange of it."""
    exchange, told = line.found.exchange, line.found.whole
    return as_json(exchange, line.scores, line.signals) | {
        "input": told.input,
        "output": told.output,
        "error": told.error or None,
        "messages": told_messages(line.found),
        "documents": told.documents,
        "tool_calls": told.tool_calls,
        "attributes": told.attributes,
        "resource": told.resource,
    }


def flat(line: Line) -> dict[str, Any]:
    """One exchange as a row of the flat formats; what has parts becomes JSON text."""
    told = whole(line)
    prompt = told["prompt"] or {}
    told |= {"prompt_name": prompt.get("name"), "prompt_version": prompt.get("version")}
    row = {name: told[name] for name in COLUMNS}
    for name in PARTS:
        row[name] = msgspec.json.encode(row[name]).decode() if row[name] else None
    return row


def jsonl(found: Iterator[list[Line]]) -> Iterator[bytes]:
    """One JSON object a line."""
    encoder = msgspec.json.Encoder()
    for lines in found:
        yield encoder.encode_lines([whole(line) for line in lines])


def safe(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(_BLANK).startswith(_FORMULA):
        return "'" + value
    return value


def table(found: Iterator[list[Line]]) -> Iterator[bytes]:
    """CSV with a header."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for lines in found:
        writer.writerows([safe(value) for value in flat(line).values()] for line in lines)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


class _Pipe(io.RawIOBase):
    """A file that hands out what was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._parts.append(piece)
        return len(piece)

    def take(self) -> bytes:
        piece, self._parts = b"".join(self._parts), []
        return piece


def parquet(found: Iterator[list[Line]]) -> Iterator[bytes]:
    """Parquet, a row group a page."""
    pipe = _Pipe()
    with pyarrow.parquet.ParquetWriter(pyarrow.PythonFile(pipe, mode="w"), SCHEMA, compression="zstd") as writer:
        for lines in found:
            rows = [flat(line) for line in lines]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=SCHEMA))
            yield pipe.take()
    yield pipe.take()


WRITERS: Final[dict[str, Callable[[Iterator[list[Line]]], Iterator[bytes]]]] = {
    "jsonl": jsonl,
    "csv": table,
    "parquet": parquet,
}
