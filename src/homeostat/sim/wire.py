"""Exchanges as an instrumented application tells them: OTLP bodies, written byte by byte because that is fastest.

Attributes are those of the OpenTelemetry GenAI conventions, documents as OpenInference names them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Final

from homeostat.sim.exchange import Exchange

PROVIDER: Final = "openai"
_OK: Final = b""
_SMALL: Final = tuple(bytes((n,)) if n < 128 else bytes((n & 127 | 128, n >> 7)) for n in range(1 << 14))


def body(exchanges: Iterable[Exchange], told: str = "call") -> bytes:
    """One export request: a resource, a scope, the spans. `told`: `call`, one span each, or `trace`, the whole tree."""
    tell = _whole_trace if told == "trace" else _call_alone
    spans = b"".join(_field(0x12, span) for exchange in exchanges for span in tell(exchange))
    return _field(0x0A, _RESOURCE + _field(0x12, _SCOPE + spans))


def _size(number: int) -> bytes:
    if number < 1 << 14:
        return _SMALL[number]
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + _size(len(content)) + content


@lru_cache(maxsize=512)
def _key(name: str) -> bytes:
    return _field(0x0A, name.encode())


def _pair(key: bytes, value: bytes) -> bytes:
    inner = key + b"\x12" + _size(len(value)) + value
    return b"\x4a" + _size(len(inner)) + inner


def _text(name: str, value: str) -> bytes:
    said = value.encode()
    return _pair(_key(name), b"\x0a" + _size(len(said)) + said)


@lru_cache(maxsize=4096)
def _fixed(name: str, value: str) -> bytes:
    """An attribute that comes again and again."""
    return _text(name, value)


def _whole(name: str, value: int) -> bytes:
    return _pair(_key(name), b"\x18" + _size(value))


def _real(name: str, value: float) -> bytes:
    return _pair(_key(name), b"\x21" + struct.pack("<d", value))


def _span(exchange: Exchange, own: bytes, parent: bytes, name: str, begin: int, end: int, attributes: bytes, *,
          client: bool = False) -> bytes:  # fmt: skip
    failed = exchange.finish == "error"
    return (
        b"\x0a\x10" + exchange.trace_id + b"\x12\x08" + own + (b"\x22\x08" + parent if parent else b"")
        + _field(0x2A, name.encode()) + (b"\x30\x03" if client else b"\x30\x01")
        + b"\x39" + begin.to_bytes(8, "little") + b"\x41" + end.to_bytes(8, "little")
        + attributes + (_FAILED if failed else _OK)
    )  # fmt: skip


def _call_alone(exchange: Exchange) -> Iterable[bytes]:
    """One span: the call to the model, with everything that the application knows about it."""
    attributes = _about(exchange) + _documents(exchange) + _call(exchange)
    name = f"chat {exchange.release.model}"
    yield _span(exchange, exchange.root_id, b"", name, exchange.begin, exchange.end, attributes, client=True)


def _whole_trace(exchange: Exchange) -> Iterable[bytes]:
    """The answer's span with question and answer, below it the call, and the tool where one was used."""
    length = exchange.end - exchange.begin
    call = exchange.begin + length // 20
    said = _text("output.value", exchange.answer) if exchange.answer else b""
    attributes = _fixed("openinference.span.kind", "CHAIN") + _text("input.value", exchange.question) + said
    attributes += _about(exchange) + _documents(exchange)
    yield _span(exchange, exchange.root_id, b"", "answer", exchange.begin, exchange.end, attributes)
    yield _span(exchange, exchange.call_id, exchange.root_id, f"chat {exchange.release.model}", call,
                exchange.end - length // 50, _call(exchange), client=True)  # fmt: skip
    if exchange.tool:
        own = bytes((exchange.call_id[0] ^ 0x5A,)) + exchange.call_id[1:]
        told = (
            _fixed("gen_ai.operation.name", "execute_tool"), _fixed("gen_ai.tool.name", exchange.tool.name),
            _text("gen_ai.tool.call.arguments", exchange.tool.arguments),
            _text("gen_ai.tool.call.result", exchange.tool.result),
        )  # fmt: skip
        yield _span(exchange, own, exchange.root_id, f"execute_tool {exchange.tool.name}",
                    exchange.begin + length // 100, call - 1, b"".join(told))  # fmt: skip


def _about(exchange: Exchange) -> bytes:
    """Who asked, and who answered."""
    user = exchange.user
    return b"".join((
        _fixed("user.id", user.id), _text("session.id", exchange.session),
        _fixed("homeostat.release", exchange.release.name),
        _fixed("plan", user.plan), _fixed("country", user.country), _fixed("channel", user.channel),
    ))  # fmt: skip


def _documents(exchange: Exchange) -> bytes:
    told: list[bytes] = []
    for at, document in enumerate(exchange.documents):
        place = f"retrieval.documents.{at}.document."
        told += (
            _fixed(f"{place}id", document.id), _text(f"{place}content", document.text),
            _real(f"{place}score", document.score), _fixed(f"{place}metadata", f'{{"updated": "{document.version}"}}'),
        )  # fmt: skip
    return b"".join(told)


def _call(exchange: Exchange) -> bytes:
    release = exchange.release
    found = "\n".join(document.text for document in exchange.documents)
    system = encode_basestring(f"{exchange.system}\n\nDocumentation:\n{found}")
    asked = (
        f'[{{"role":"system","parts":[{{"type":"text","content":{system}}}]}},'
        f'{{"role":"user","parts":[{{"type":"text","content":{encode_basestring(exchange.question)}}}]}}]'
    )
    attributes = [
        _fixed("gen_ai.operation.name", "chat"), _fixed("gen_ai.provider.name", PROVIDER),
        _fixed("gen_ai.request.model", release.model), _real("gen_ai.request.temperature", release.temperature),
        _fixed("gen_ai.prompt.name", release.prompt), _fixed("gen_ai.prompt.version", str(release.prompt_version)),
        _text("gen_ai.input.messages", asked),
    ]  # fmt: skip
    if exchange.finish == "error":
        return b"".join((*attributes, _fixed("error.type", "RateLimitError")))
    attributes += (
        _fixed("gen_ai.response.model", exchange.answered),
        _text("gen_ai.response.id", f"resp-{exchange.call_id.hex()}"),
        _text("gen_ai.output.messages", _reply(exchange)), _FINISH[exchange.finish],
        _whole("gen_ai.usage.input_tokens", exchange.input_tokens),
        _whole("gen_ai.usage.output_tokens", exchange.output_tokens),
        _real("gen_ai.response.time_to_first_chunk", exchange.ttft),
    )  # fmt: skip
    if exchange.cached_tokens:
        attributes.append(_whole("gen_ai.usage.cache_read.input_tokens", exchange.cached_tokens))
    if exchange.reasoning_tokens:
        attributes.append(_whole("gen_ai.usage.reasoning.output_tokens", exchange.reasoning_tokens))
    return b"".join(attributes)


def _reply(exchange: Exchange) -> str:
    used = ""
    if exchange.tool:
        used = (
            f'{{"type":"tool_call","id":"{exchange.tool.name}-1","name":"{exchange.tool.name}",'
            f'"arguments":{exchange.tool.arguments}}},'
        )
    return (
        f'[{{"role":"assistant","parts":[{used}{{"type":"text","content":{encode_basestring(exchange.answer)}}}],'
        f'"finish_reason":"{exchange.finish}"}}]'
    )


def _list(name: str, value: str) -> bytes:
    """A list of one text."""
    said = value.encode()
    item = b"\x0a" + _size(len(said)) + said
    return _pair(_key(name), _field(0x2A, _field(0x0A, item)))


_FINISH: Final = {name: _list("gen_ai.response.finish_reasons", name) for name in ("stop", "length")}
_FAILED: Final = _field(0x7A, _field(0x12, b"RateLimitError: 429 too many requests") + b"\x18\x02")


def _resource() -> bytes:
    told = (
        ("service.name", "support-bot"),
        ("deployment.environment.name", "prod"),
        ("telemetry.sdk.language", "python"),
    )
    # In a resource the attributes are field 1; in a span, where `_text` puts them, field 9.
    return _field(0x0A, b"".join(b"\x0a" + _text(name, value)[1:] for name, value in told))


_RESOURCE: Final = _resource()
_SCOPE: Final = _field(0x0A, _field(0x0A, b"brightleaf.support") + _field(0x12, b"2.3"))
