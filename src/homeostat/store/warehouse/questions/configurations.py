"""Which configurations answered: calls counted by service, release, prompt, models, system prompt and parameters.

A system prompt counts with its numbers and dates folded, so that "today is 21 November" is no new prompt every morning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions.bound import moment

_DAY: Final = 86_400_000_000
#: What a call belongs to began at most so long before it.
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


@dataclass(frozen=True, slots=True)
class Busy:
    """Slices, by number, in which calls settled: how many, and from when to when these calls were made."""

    first: int
    last: int
    calls: int
    low: int
    high: int

    def __add__(self, later: Busy) -> Busy:
        low, high = min(self.low, later.low), max(self.high, later.high)
        return Busy(self.first, later.last, self.calls + later.calls, low, high)


def configurations(warehouse: Warehouse, busy: Busy, slice_us: int) -> list[Configuration]:
    """Of the calls of every project that settled in these slices of so many µs; counted apart for each, the oldest
    first."""
    start, end = busy.first * slice_us, (busy.last + 1) * slice_us
    bound = {
        "low": busy.low, "high": busy.high + 1, "before": max(0, busy.low - _HOUR), "start": start, "end": end,
        "slice": slice_us, "names": list(PARAMETERS),
    }  # fmt: skip
    return [_configuration(row) for row in warehouse.ask(_SQL, bound)]


def busy(warehouse: Warehouse, after: int, until: int, slice_us: int) -> list[Busy]:
    """The slices in which calls settled, one by one and in order. Cheap, for quiet times."""
    bound = {"low": max(0, after - _DAY), "high": until + _HOUR, "start": after, "end": until, "slice": slice_us}
    rows = ([int(row[name]) for name in ("slice", "n", "low", "high")] for row in warehouse.ask(_BUSY, bound))
    return [Busy(number, number, n, low, high) for number, n, low, high in rows]


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
_BUSY: Final = f"""
SELECT {_SLICE} AS slice, count() AS n, toUnixTimestamp64Micro(min(at)) AS low, toUnixTimestamp64Micro(max(at)) AS high
FROM exchanges WHERE {_SETTLED} GROUP BY slice ORDER BY slice LIMIT 1000
"""  # noqa: S608

_SAID: Final = ("gen_ai.input.messages", "ai.prompt.messages", "langfuse.observation.input", "input.value")
_FLAT: Final = (
    ("llm.input_messages.0.message.role", "llm.input_messages.0.message.content"),
    ("gen_ai.prompt.0.role", "gen_ai.prompt.0.content"),
)


def _values(names: Sequence[str]) -> str:
    return "[" + ", ".join(f"attributes['{name}']" for name in names) + "]"


#: One function for each kind of place, not one for each place: the engine plans it once.
_FIRST_TURNS: Final = (
    f"arrayMap((role, content) -> if(role IN ('system', 'developer'), content, ''), "
    f"{_values([role for role, _ in _FLAT])}, {_values([content for _, content in _FLAT])})"
)
#: A long value may have texts of the row cut out, behind a marker: see warehouse/splice.py. What is left is JSON again.
#: In it the first system message of a list of messages, alone or under `messages`, as the JSON that it is.
_IN_LISTS: Final = (
    "arrayMap(told -> arrayFirst(m -> JSONExtractString(m, 'role') IN ('system', 'developer'), "
    "arrayConcat(JSONExtractArrayRaw(told), JSONExtractArrayRaw(told, 'messages'))), "
    f"arrayMap(v -> replaceAll(if(startsWith(v, '\\x1aS'), substring(v, 3), v), '\\x1a', ''), {_values(_SAID)}))"
)
_SYSTEM: Final = (
    f"arrayFirst(t -> t != '', arrayConcat({_values(['gen_ai.system_instructions'])}, {_FIRST_TURNS}, {_IN_LISTS}))"
)
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
        WHERE at >= {moment("before")} AND at < {moment("high")}
            AND (trace_id, span_id) IN (SELECT trace_id, parent_id FROM own)
        GROUP BY trace_id, span_id
    )
SELECT slice, project, service, concat(parent_name, ' > ', replaceAll(own_name, requested_model, '')) AS called,
    release, prompt, requested_model, model, system_key, any(own.system_text) AS system_text, given,
    count() AS n, min(at_us) AS first, max(at_us) AS last
FROM calls INNER JOIN own ON calls.row_key = own.row_key
LEFT JOIN above ON own.trace_id = above.trace_id AND own.parent_id = above.span_id
GROUP BY slice, project, service, called, release, prompt, requested_model, model, system_key, given
ORDER BY slice, first, called, system_key, given
"""  # noqa: S608
