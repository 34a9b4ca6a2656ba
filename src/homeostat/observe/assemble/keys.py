"""Identity, as expressions of the engine: nobody else hashes ids, so every table agrees."""

from __future__ import annotations

from typing import Final

NO_TRACE: Final = "toFixedString('', 16)"
NO_SPAN: Final = "toFixedString('', 8)"
#: Spans of other traces, of a row that none of them tells.
NOWHERE: Final = "CAST([], 'Array(FixedString(24))')"

#: Of a staged row: a second row with the same key is a duplicate.
ROW: Final = "sipHash64(project, CAST(form, 'Int8'), trace_id, span_id, ident)"
#: Rows of one trace; 0: about no trace (log records without a context).
TRACE: Final = f"if(trace_id = {NO_TRACE}, 0, sipHash64(project, trace_id))"
#: Some instrumentors tell a streamed call in two spans without an id: the request without its answer, and later one of
#: no length with it.
_HALF: Final = (
    "op = 'call' AND form = 'span' AND input != '' AND status_code != 2 AND "
    "(start_ns = end_ns OR (output = '' AND tool_calls = '' AND input_tokens IS NULL AND output_tokens IS NULL))"
)
#: Spans that tell of one answer of a provider, in whatever trace; 0: nothing says which answer.
RESPONSE: Final = (
    f"multiIf(response_id != '', sipHash64(project, response_id), {_HALF}, "
    "sipHash64(project, 'half', scope, requested_model, input), toUInt64(0))"
)


def full(span: str) -> str:
    """A span's whole id, as rows keep those that lie elsewhere: its trace's, and its own."""
    return f"CAST(concat(trace_id, {span}), 'FixedString(24)')"
