"""From the upstream's answer to the client: bytes as they come, streams event by whole event.

The tail of an event that is not complete waits for its rest (no client can use it before), so that when an upstream
breaks off, the error that we tell begins where a client expects an event to begin.
"""

from __future__ import annotations

import asyncio
from typing import Final

from homeostat.doors.answers import Send
from homeostat.gateway import generate
from homeostat.gateway.apis import failure, failure_event
from homeostat.gateway.call import Call
from homeostat.gateway.headers import answer_headers
from homeostat.gateway.proxy import Failure
from homeostat.gateway.upstream import Answer
from homeostat.gateway.wire import Broken, Headers

#: Answers up to this size that say their length, and errors, are held until they are whole: then a broken one can still
#: be told as an error.
_HELD: Final = 1 << 20
_MOST_TAIL: Final = 1 << 20
_JSON: Final = (b"content-type", b"application/json")


async def refuse(call: Call, result: Failure, send: Send) -> int:
    """Tell the client, in its own API's words, that there is no answer."""
    call.failed(f"{result.code}: {result.message}")
    return await refused(call, result, send)


async def refused(call: Call, result: Failure, send: Send) -> int:
    """The same where the exchange tells why in other words."""
    call.status = result.status
    text = failure(call.api.family, result.status, result.code, result.message)
    more = [(b"retry-after", str(result.retry_after).encode())] if result.retry_after else []
    await plainly_whole(call, send, result.status, [_JSON, *more], text)
    return result.status


async def give(call: Call, answer: Answer, send: Send) -> int:
    """Pass an answer on; returns the status that was sent."""
    call.status = answer.status
    kind = _header(answer.headers, b"content-type").lower()
    call.packed = bool(_header(answer.headers, b"content-encoding"))
    call.streaming = kind.startswith(b"text/event-stream")
    try:
        async with asyncio.timeout_at(call.deadline):
            if answer.status >= 400 or call.api.family == "plain" or _is_small(answer.headers):
                return await _held(call, answer, send)
            await _start(call, answer, send)
            await (_events(call, answer, send) if call.streaming else _bytes(call, answer, send))
    except TimeoutError:
        return await _broke(call, send, Failure(504, "deadline", "The upstream did not finish its answer in time."))
    except Broken:
        return await _broke(call, send, Failure(502, "upstream_broken", "The upstream broke off its answer."))
    return answer.status


def _is_small(headers: Headers) -> bool:
    length = _header(headers, b"content-length")
    return length.isdigit() and int(length[:20]) <= _HELD


async def _held(call: Call, answer: Answer, send: Send) -> int:
    """The whole answer at once."""
    parts: list[bytes] = []
    size = 0
    while part := await answer.piece():
        parts.append(part)
        size += len(part)
        if size > _HELD and not _is_small(answer.headers):
            raise Broken("an error without end", before_answer=False)
    text = b"".join(parts)
    headers = answer_headers(answer.headers)
    if answer.status >= 400 and call.secret and call.secret.encode() in text:
        text = text.replace(call.secret.encode(), b"[key]")
    call.note(text)
    return await whole(call, answer.status, text, headers, send)


async def whole(call: Call, status: int, text: bytes, headers: Headers, send: Send) -> int:
    """An answer that is here to its end."""
    if call.api.family == "plain":
        return await _plainly(call, status, text, headers, send)
    await plainly_whole(call, send, status, headers, text)
    return status


async def _plainly(call: Call, status: int, text: bytes, headers: Headers, send: Send) -> int:
    """`POST /generate`: the provider's words become the plain shape."""
    if status < 400:
        said = generate.answer(text)
        if said is not None:
            await plainly_whole(call, send, 200, [_JSON], said)
            return 200
        return await refuse(call, Failure(502, "upstream_unreadable", "The upstream's answer has no text."), send)
    kept = [_JSON, *((name, value) for name, value in headers if name == b"retry-after")]
    await plainly_whole(call, send, status, kept, failure("plain", status, "upstream_refused", generate.error(text)))
    return status


async def plainly_whole(call: Call, send: Send, status: int, headers: Headers, text: bytes) -> None:
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    kept += ((b"content-length", b"%d" % len(text)), *call.heading())
    call.answering = True
    await send({"type": "http.response.start", "status": status, "headers": kept})
    await send({"type": "http.response.body", "body": text})


async def _start(call: Call, answer: Answer, send: Send) -> None:
    headers = [*answer_headers(answer.headers), *call.heading()]
    if call.streaming:  # one that breaks off still says so: it may become longer than it promised
        headers = [(name, value) for name, value in headers if name != b"content-length"]
    call.answering = True
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _bytes(call: Call, answer: Answer, send: Send) -> None:
    while piece := await answer.piece():
        call.note(piece)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _events(call: Call, answer: Answer, send: Send) -> None:
    tail = b""
    while piece := await answer.piece():
        data = tail + piece if tail else piece
        end = len(data) if call.packed else _end_of_events(data)
        if not end and len(data) > _MOST_TAIL:
            end = len(data)
        tail = data[end:]
        if end:
            whole = data if not tail else data[:end]
            call.note(whole)
            await send({"type": "http.response.body", "body": whole, "more_body": True})
    if tail:
        call.note(tail)
    await send({"type": "http.response.body", "body": tail})


def _end_of_events(data: bytes) -> int:
    """Where the last whole event of these bytes ends."""
    if data.endswith((b"\n\n", b"\r\n\r\n")):
        return len(data)
    unix, mail = data.rfind(b"\n\n"), data.rfind(b"\r\n\r\n")
    return max(unix + 2 if unix >= 0 else 0, mail + 4 if mail >= 0 else 0)


async def _broke(call: Call, send: Send, result: Failure) -> int:
    """What was promised does not come: as an error while nothing was sent, else inside the stream, else by closing."""
    if not call.answering:
        return await refuse(call, result, send)
    call.failed(f"{result.code}: {result.message}")
    if call.streaming and not call.packed:
        event = failure_event(call.api, result.code, result.message)
        await send({"type": "http.response.body", "body": event})
    return call.status  # an answer without its end is closed by our server: the client sees that something is missing


def _header(headers: Headers, name: bytes) -> bytes:
    return next((value for key, value in headers if key == name), b"")
