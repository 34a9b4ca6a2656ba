"""A call as one OTLP span, in the words that the alias table reads fast."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal

import msgspec
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from homeostat.gateway import asking, reading
from homeostat.gateway.call import Call
from homeostat.records.redaction import redacted

Content = Literal["full", "redacted", "off"]

SCOPE: Final = "homeostat.gateway"
#: What a status message says of a call whose client left: not an error, and not whole.
CLIENT_CLOSED: Final = "client_closed"
_ERROR_CHARS: Final = 1000
_USAGE: Final = {
    "input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "cached": "gen_ai.usage.cache_read.input_tokens",
    "written": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}


_JUDGES: Final = (b"x-homeostat-purpose", b"judge")


def resource() -> ResourceSpans:
    """Where the spans of gateway calls are gathered."""
    found = ResourceSpans()
    found.resource.attributes.add(key="service.name").value.string_value = "homeostat-gateway"
    scope = found.scope_spans.add().scope
    scope.name, scope.version = SCOPE, _VERSION
    return found


def write(call: Call, span: Span, *, content: Content) -> int:
    """Tell a call; returns the tokens that it used, estimated where nobody tells."""
    assert call.wire is not None or call.api.family != "plain" or call.error
    wire = call.wire or call.api
    asked = asking.read(call.sent or call.body)
    said = reading.read(wire, call.pieces, packed=call.packed, streaming=call.streaming) if call.pieces else None
    model = _text(asked.get("model"))
    where = call.place
    span.trace_id, span.span_id, span.parent_span_id = where.trace_id, where.span_id, where.parent_id
    span.name = f"{wire.operation} {model}".strip()
    span.kind = Span.SPAN_KIND_CLIENT
    span.start_time_unix_nano = call.started_ns
    span.end_time_unix_nano = call.started_ns + max(1, int((call.ended - call.begun) * 1e9))
    told: dict[str, Any] = {
        # What our own judges ask is told apart: it is no exchange of the application.
        "gen_ai.operation.name": "evaluate" if _JUDGES in call.headers else wire.operation,
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": model,
    }
    told |= _parameters(asked)
    if said is not None:
        told |= _answered(said)
        if call.streaming and call.first:
            told["gen_ai.response.time_to_first_chunk"] = call.first - call.begun
    told |= _ours(call, asked)
    if content != "off":
        told |= _texts(call, wire, asked, said, redact=content == "redacted")
    for key, value in told.items():
        if value not in ("", None, [], ()):
            _put(span, key, value)
    _status(call, said, span, content)
    return _tokens(call, said)


def _parameters(asked: dict[str, Any]) -> dict[str, Any]:
    told = {
        attribute: asked[name]
        for name, attribute in asking.PARAMETERS.items()
        if isinstance(asked.get(name), str | int | float) and not isinstance(asked.get(name), bool)
    }
    if isinstance(asked.get("stream"), bool):
        told["gen_ai.request.stream"] = asked["stream"]
    return told


def _answered(said: reading.Said) -> dict[str, Any]:
    told: dict[str, Any] = {"gen_ai.response.id": said.id, "gen_ai.response.model": said.model}
    told["gen_ai.response.finish_reasons"] = [turn.finish for turn in said.turns.values() if turn.finish]
    told |= {attribute: said.usage[name] for name, attribute in _USAGE.items() if name in said.usage}
    return told


def _ours(call: Call, asked: dict[str, Any]) -> dict[str, Any]:
    release = call.release
    told: dict[str, Any] = {
        "user.id": call.ask.user,
        "session.id": call.ask.session,
        "homeostat.route": call.plan.route,
        "homeostat.assigned": call.plan.assigned,
        "homeostat.upstream": call.upstream,
        "homeostat.key": call.key,
        "homeostat.attempts": call.attempts,
        "http.response.status_code": call.status,
    }
    if release is not None:
        told["homeostat.release"] = release.name
        if release.prompt_name:
            told |= {"gen_ai.prompt.name": release.prompt_name, "gen_ai.prompt.version": str(release.prompt_version)}
        if call.plan.chain and release.name != call.plan.chain[0].name:
            told["homeostat.fallback_of"] = call.plan.chain[0].name
    if call.shadow_of:
        told |= {"homeostat.shadow": True, "homeostat.shadow_of": call.shadow_of, "tag.tags": ["shadow"]}
    if call.blocked:
        told |= {"homeostat.blocked": call.blocked, "tag.tags": ["blocked"]}
    if call.cut:
        told["homeostat.answer_cut"] = True
    return told


def _texts(call: Call, wire: Any, asked: dict[str, Any], said: reading.Said | None, *, redact: bool) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if found := asking.messages(wire, asked):
        told["gen_ai.input.messages"] = _json(_redacted(found) if redact else found, call.secret)
    turns = [turn.message() for turn in said.turns.values()] if said is not None else []
    if turns := [turn for turn in turns if turn["parts"]]:
        told["gen_ai.output.messages"] = _json(_redacted(turns) if redact else turns, call.secret)
    return told


def _redacted(value: Any) -> Any:
    """Every text in it without secrets and personal data."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    return value


def _tokens(call: Call, said: reading.Said | None) -> int:
    """Four characters are about one token."""
    if said is None or call.status >= 400:
        return 0
    guessed = sum(len(text) for turn in said.turns.values() for text in turn.text) // 4
    return said.usage.get("input", len(call.sent) // 4) + said.usage.get("output", guessed)


def _json(value: Any, secret: str) -> str:
    text = msgspec.json.encode(value).decode()
    return text.replace(secret, "[key]") if secret else text


def _status(call: Call, said: reading.Said | None, span: Span, content: Content) -> None:
    error = call.error
    if not error and call.outcome not in ("client_closed", "blocked"):
        error = _judged(call, said)
    if error:
        span.status.code = Status.STATUS_CODE_ERROR
        error = error.replace(call.secret, "[key]") if call.secret else error
        error = error if content == "full" else redacted(error)
        span.status.message = error[:_ERROR_CHARS]
    elif call.outcome == "client_closed":
        span.status.message = CLIENT_CLOSED
    elif call.blocked:
        span.status.message = f"blocked: {call.blocked}"


def _judged(call: Call, said: reading.Said | None) -> str:
    """What the answer itself says went wrong, whatever its status."""
    if said is not None and said.error:
        return f"{call.status} {said.error}" if call.status >= 400 else said.error
    if call.status >= 400:
        return f"The upstream answered {call.status}."
    if said is None or not said.readable:
        return "The upstream's answer could not be read."
    return ""


def _put(span: Span, key: str, value: Any) -> None:
    into = span.attributes.add(key=key).value
    if isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, str):
        into.string_value = value
    elif isinstance(value, int):
        if -(1 << 63) <= value < 1 << 63:
            into.int_value = value
        else:
            into.double_value = float(value)
    elif isinstance(value, float):
        into.double_value = value
    else:
        for item in value:
            into.array_value.values.add().string_value = str(item)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _version() -> str:
    try:
        return version("homeostat")
    except PackageNotFoundError:
        return ""


_VERSION: Final = _version()
