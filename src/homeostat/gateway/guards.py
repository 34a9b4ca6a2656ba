"""Guards in the way of a call: a question that is refused before anybody is asked, an answer that is withheld.

An answer that a guard looks at is held until it is whole, a stream too: nobody can take back what was already shown.
Projects and people whom no guard concerns are served as if there were none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from homeostat.analyze.text.guarding import Matcher
from homeostat.doors.answers import Send
from homeostat.gateway import asking, reading, relay
from homeostat.gateway.apis import Api
from homeostat.gateway.call import Call
from homeostat.gateway.headers import answer_headers
from homeostat.gateway.proxy import Failure
from homeostat.gateway.upstream import Answer
from homeostat.gateway.wire import Broken
from homeostat.records.guard import TEXT, Guard

_MOST: Final = 8 << 20
_JSON: Final = (b"content-type", b"application/json")
_EVENTS: Final = (b"content-type", b"text/event-stream")


def of_question(call: Call) -> Guard | None:
    """The guard that stops what is asked."""
    looking = [matcher for matcher in call.plan.guards if matcher.guard.where == "question"]
    if not looking or not call.api.captured:
        return None
    text = _question(call)
    return _stopped(looking, text, call)


def of_answers(call: Call) -> list[Matcher]:
    """Those that want to see the answer."""
    if not call.api.captured or call.api.operation != "chat":
        return []
    return [
        matcher for matcher in call.plan.guards
        if matcher.guard.where == "answer" and (not matcher.guard.users or call.ask.user in matcher.guard.users)
    ]  # fmt: skip


async def give(call: Call, answer: Answer, looking: list[Matcher], send: Send) -> int:
    """The whole answer, looked at; then passed on as it came, or withheld."""
    call.status = answer.status
    kind = next((value for name, value in answer.headers if name == b"content-type"), b"").lower()
    call.packed = any(name == b"content-encoding" and value for name, value in answer.headers)
    call.streaming = kind.startswith(b"text/event-stream")
    try:
        async with asyncio.timeout_at(call.deadline):
            whole = await _collected(answer)
    except TimeoutError:
        return await relay.refuse(call, Failure(504, "deadline", "The upstream did not finish in time."), send)
    except Broken:
        return await relay.refuse(call, Failure(502, "upstream_broken", "The upstream broke off its answer."), send)
    if whole is None:
        return await relay.refuse(call, Failure(502, "too_long_to_guard", "The answer is too long to look at."), send)
    call.note(whole)
    said = reading.read(call.wire or call.api, [whole], packed=call.packed, streaming=call.streaming)
    text = "\n".join(_answered(turn) for turn in said.turns.values())
    found = _stopped(looking, text, call)
    if found is not None:
        return await withhold(call, found, send)
    return await relay.whole(call, answer.status, whole, answer_headers(answer.headers), send)


async def withhold(call: Call, guard: Guard, send: Send) -> int:
    """An error that says so, or another text in the words of the API. The exchange keeps what was really said."""
    call.withheld(guard.name)
    if guard.do == "refuse":
        text = guard.text or ("This question is not answered." if guard.where == "question" else TEXT)
        return await relay.refused(call, Failure(403, "blocked", text), send)
    text = guard.text or TEXT
    body = instead(call.api, text, stream=call.ask.stream, model=call.ask.model)
    headers = [_EVENTS if call.ask.stream and call.api.family != "plain" else _JSON]
    await relay.plainly_whole(call, send, 200, headers, body)
    return 200


def instead(api: Api, text: str, *, stream: bool, model: str) -> bytes:
    """An answer that says this, as clients of the API read one."""
    made = {
        "chat": _chat, "responses": _responses, "messages": _messages, "generate": _plain,
    }.get(api.name, _plain)  # fmt: skip
    return made(text, model, stream)


def _chat(text: str, model: str, stream: bool) -> bytes:
    told: dict[str, Any] = {"id": "chatcmpl-withheld", "created": int(time.time()), "model": model}
    if not stream:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "content_filter"}
        return msgspec.json.encode({**told, "object": "chat.completion", "choices": [choice]})
    told["object"] = "chat.completion.chunk"
    first = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "content_filter"}
    return _events([(None, {**told, "choices": [each]}) for each in (first, last)]) + b"data: [DONE]\n\n"


def _responses(text: str, model: str, stream: bool) -> bytes:
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "msg_withheld", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    whole = {
        "id": "resp_withheld", "object": "response", "created_at": int(time.time()), "model": model,
        "status": "completed", "output": [item],
    }  # fmt: skip
    if not stream:
        return msgspec.json.encode(whole)
    place = {"item_id": "msg_withheld", "output_index": 0, "content_index": 0}
    told: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": {**whole, "status": "in_progress", "output": []}}),
        ("response.output_item.added", {"output_index": 0, "item": {**item, "content": []}}),
        ("response.content_part.added", {**place, "part": {**part, "text": ""}}),
        ("response.output_text.delta", {**place, "delta": text}),
        ("response.output_text.done", {**place, "text": text}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": whole}),
    ]
    return _events([(name, {"type": name, "sequence_number": n, **body}) for n, (name, body) in enumerate(told)])


def _messages(text: str, model: str, stream: bool) -> bytes:
    usage = {"input_tokens": 0, "output_tokens": 0}
    whole = {
        "id": "msg_withheld", "type": "message", "role": "assistant", "model": model,
        "content": [{"type": "text", "text": text}], "stop_reason": "refusal", "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    if not stream:
        return msgspec.json.encode(whole)
    block = {"type": "text", "text": ""}
    told: list[tuple[str | None, dict[str, Any]]] = [
        ("message_start", {"message": {**whole, "content": [], "stop_reason": None}}),
        ("content_block_start", {"index": 0, "content_block": block}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "refusal", "stop_sequence": None}, "usage": usage}),
        ("message_stop", {}),
    ]
    return _events([(name, {"type": name, **body}) for name, body in told])


def _plain(text: str, model: str, stream: bool) -> bytes:
    return msgspec.json.encode({"generated_text": text})


def _events(told: Iterable[tuple[str | None, dict[str, Any]]]) -> bytes:
    return b"".join(
        (b"event: " + name.encode() + b"\n" if name else b"") + b"data: " + msgspec.json.encode(body) + b"\n\n"
        for name, body in told
    )


async def _collected(answer: Answer) -> bytes | None:
    parts, size = [], 0
    while part := await answer.piece():
        size += len(part)
        if size > _MOST:
            return None
        parts.append(part)
    return b"".join(parts)


def _question(call: Call) -> str:
    """The last thing that the user said."""
    told = asking.read(call.body)
    if call.api.family == "plain":
        return str(told.get("prompt") or "")
    users = [message for message in asking.messages(call.api, told) if message.get("role") == "user"]
    parts = users[-1]["parts"] if users else []
    return "\n".join(str(part.get("content") or "") for part in parts if part.get("type") == "text")


def _answered(turn: reading.Turn) -> str:
    """What it says, and what it wants tools to be called with."""
    return "\n".join(["".join(turn.text), *(_plainly("".join(call["arguments"])) for call in turn.calls.values())])


def _plainly(arguments: str) -> str:
    """The texts and numbers of a JSON without its escapes; what is none as it stands."""
    try:
        left, found = [msgspec.json.decode(arguments)], []
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return arguments
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        else:
            found.append(str(value))
    return "\n".join(reversed(found))


def _stopped(looking: Iterable[Matcher], text: str, call: Call) -> Guard | None:
    return next((matcher.guard for matcher in looking if matcher.stops(text, user=call.ask.user)), None)
