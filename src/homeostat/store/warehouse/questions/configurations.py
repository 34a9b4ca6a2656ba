"""Which configurations answered: calls counted by service, release, prompt, models, system prompt and parameters.

A system prompt counts with its numbers and dates folded, so that "today is 21 November" is no new prompt every morning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import moment

_DAY: Final = 86_400_000_000
_HOUR: Final = 3_600_000_000
#: So many calls of a slice are read: a configuration that lasts is seen among them, or in the next slice.
_MOST: Final = 100_000
_LONGEST: Final = 4_000
#: Parameters that belong to a configuration. A seed is mostly thrown anew for each call.
PARAMETERS: Final = (
    "temperature", "top_p", "top_k", "max_tokens", "frequency_penalty", "presence_penalty", "stop_sequences",
    "reasoning_effort",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Configuration:
    """One configuration of a slice of time; times in µs on the event clock."""

    project: str
    service: str
    name: str
    release: str
    prompt: str
    requested_model: str
    model: str
    system_hash: str
    system: str
    parameters: Mapping[str, str]
    calls: int
    first: int
    last: int
    slice: int = 0
    """Number of its slice, where several were asked for at once."""


def configurations(warehouse: Warehouse, start: int, end: int, slice_us: int) -> list[Configuration]:
    """Of the calls of every project that settled in (start, end], µs on the event clock; counted apart for each slice
    of so many µs, the oldest first."""
    bound = _bound(start, end, slice_us) | {"names": list(PARAMETERS)}
    return [_configuration(row) for row in warehouse.ask(_SQL, bound)]


def busy(warehouse: Warehouse, after: int, until: int, slice_us: int) -> list[tuple[int, int]]:
    """Slices in which calls settled, by number and in order, and how many. Cheap, for quiet times."""
    rows = warehouse.ask(_BUSY, _bound(after, until, slice_us))
    return [(int(row["slice"]), int(row["n"])) for row in rows]


def _bound(start: int, end: int, slice_us: int) -> dict[str, Any]:
    return {"low": max(0, start - _DAY), "high": end + _HOUR, "start": start, "end": end, "slice": slice_us}


def _configuration(row: Mapping[str, Any]) -> Configuration:
    given = (pair.partition("=") for pair in row["given"])
    return Configuration(
        project=row["project"], service=row["service"], name=row["called"], release=row["release"],
        prompt=row["prompt"], requested_model=row["requested_model"], model=row["model"],
        system_hash=f"{row['system_key']:016x}" if row["system_key"] else "", system=row["system_text"],
        parameters={name: value for name, _, value in given}, calls=row["n"], first=row["first"], last=row["last"],
        slice=row["slice"],
    )  # fmt: skip


_WINDOW: Final = f"at >= {moment('low')} AND at < {moment('high')}"
_SETTLED: Final = (
    f"{_WINDOW} AND is_call AND op = 'call' AND settles > {moment('start')} AND settles <= {moment('end')}"
)
#: A slice holds what settled after its beginning, up to its end.
_SLICE: Final = "intDiv(toUnixTimestamp64Micro(settles) - 1, {slice:Int64})"
_BUSY: Final = (
    f"SELECT {_SLICE} AS slice, count() AS n FROM exchanges WHERE {_SETTLED} GROUP BY slice ORDER BY slice LIMIT 1000"  # noqa: S608
)

#: A long value may have texts of the row cut out, behind a marker: see warehouse/splice.py. What is left is JSON again.
_WHOLE: Final = "replaceAll(if(startsWith(v, '\\x1aS'), substring(v, 3), v), '\\x1a', '')"
_SAID: Final = ("gen_ai.input.messages", "ai.prompt.messages", "langfuse.observation.input", "input.value")


def _system_in(attribute: str) -> str:
    """The first system message of a list of messages, alone or under `messages`, as the JSON that it is."""
    told = _WHOLE.replace("v", f"attributes['{attribute}']")
    turns = f"arrayConcat(JSONExtractArrayRaw({told}), JSONExtractArrayRaw({told}, 'messages'))"
    return f"arrayFirst(m -> JSONExtractString(m, 'role') IN ('system', 'developer'), {turns})"


def _flat(prefix: str, role: str, content: str) -> str:
    return f"if(attributes['{prefix}{role}'] IN ('system', 'developer'), attributes['{prefix}{content}'], '')"


_TEXTS: Final = (
    "attributes['gen_ai.system_instructions']",
    _flat("llm.input_messages.0.message.", "role", "content"),
    _flat("gen_ai.prompt.0.", "role", "content"),
    *(_system_in(attribute) for attribute in _SAID),
)
_SYSTEM: Final = f"arrayFirst(t -> t != '', [{', '.join(_TEXTS)}])"
_DATES: Final = (
    r"(?i)\b(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sep(tember)?|oct(ober)?|nov(ember)?|"
    r"dec(ember)?|(mon|tues|wednes|thurs|fri|satur|sun)day)\b"
).replace("\\", "\\\\")
_FOLDED: Final = f"replaceRegexpAll(replaceRegexpAll(whole, '{_DATES}', '~'), '[0-9]+', '0')"
_GIVEN: Final = (
    "arrayFilter(p -> NOT endsWith(p, '='), arrayMap(k -> concat(k, '=', arrayFirst(t -> t NOT IN ('', 'null'), ["
    "attributes_json[concat('gen_ai.request.', k)], attributes[concat('gen_ai.request.', k)], "
    "JSONExtractRaw(attributes['llm.invocation_parameters'], k)])), {names:Array(String)}))"
)
_SQL: Final = f"""
WITH
    calls AS (
        SELECT project, row_key, trace_id, {_SLICE} AS slice, toUnixTimestamp64Micro(at) AS at_us, name AS own_name,
            release,
            if(prompt_version = '', prompt_name, concat(prompt_name, '@', prompt_version)) AS prompt,
            requested_model, model
        FROM exchanges FINAL WHERE {_SETTLED} AND status != 'error' LIMIT {_MOST} BY slice
    ),
    own AS (
        SELECT row_key, resource['service.name'] AS service, trace_id, parent_id,
            {_SYSTEM} AS whole, leftUTF8(whole, {_LONGEST}) AS system_text, {_GIVEN} AS given,
            if(whole = '', 0, sipHash64({_FOLDED})) AS system_key
        FROM spans WHERE {_WINDOW} AND row_key IN (SELECT row_key FROM calls)
    ),
    above AS (
        SELECT trace_id, span_id, any(name) AS parent_name FROM spans
        WHERE {_WINDOW} AND (trace_id, span_id) IN (SELECT trace_id, parent_id FROM own) GROUP BY trace_id, span_id
    )
SELECT slice, project, service, concat(parent_name, ' > ', replaceAll(own_name, requested_model, '')) AS called,
    release, prompt, requested_model, model, system_key, any(own.system_text) AS system_text, given,
    count() AS n, min(at_us) AS first, max(at_us) AS last
FROM calls INNER JOIN own ON calls.row_key = own.row_key
LEFT JOIN above ON own.trace_id = above.trace_id AND own.parent_id = above.span_id
GROUP BY slice, project, service, called, release, prompt, requested_model, model, system_key, given
ORDER BY slice, first, called, system_key, given
"""  # noqa: S608
