"""A data directory full of lifelike exchanges, written by the engine alone: one answer an exchange, its whole texts in
`spans`, its small row in `exchanges`, its hours rolled up, as a loader and the jobs would have left them.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from homeostat.store import control
from homeostat.store.folder import Folder
from homeostat.store.ledger import Ledger, projects
from homeostat.store.warehouse import rollups
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.schema import migrate

PROJECT: Final = "default"
#: The first so many rows get texts of their own, later ones the same texts again: making words is slow.
OWN: Final = 500_000
#: What a filled directory says about itself.
NOTE: Final = "filled.json"

#: Words with a long tail, as people's words have: rank = vocabulary ^ u, log-uniform.
_TEXT: Final = """arrayStringConcat(arrayMap(
    i -> concat('w', lower(hex(toUInt32(pow(60000, (sipHash64(seed, {salt}, i) % 1000003) / 1000003.0))))),
    range({low} + sipHash64(seed, {salt}) % {more})), ' ')"""

_SPANS: Final = """
INSERT INTO spans (project, at, trace_id, span_id, form, row_key, trace_key, segment, received, start_ns, end_ns, name,
    scope, attributes, op, requested_model, model, provider, user_id, session_id, release, input, output, input_tokens,
    output_tokens)
WITH
    {first:UInt64} + number AS seed,
    fromUnixTimestamp64Micro(
        {start:Int64} + toInt64(seed * {step:UInt64} + sipHash64(seed, 1) % {step:UInt64}), 'UTC') AS at,
    toFixedString(substring(MD5(toString(seed)), 1, 16), 16) AS trace_id,
    toFixedString(substring(MD5(toString(seed)), 3, 8), 8) AS span_id,
    concat('model-', toString(sipHash64(seed, 2) % 5)) AS model,
    1 + sipHash64(seed, 3) % 900 AS tokens,
    TEXT_IN AS input,
    TEXT_OUT AS output
SELECT {project:String}, at, trace_id, span_id, 'span', sipHash64({project:String}, trace_id, span_id),
    sipHash64({project:String}, trace_id), 1, at, toUnixTimestamp64Micro(at) * 1000, toUnixTimestamp64Micro(at) * 1000,
    'chat', 'bench', map('http.route', concat('/r/', toString(sipHash64(seed, 4) % 20))), 'call', model, model, 'none',
    concat('user-', toString(sipHash64(seed, 5) % 20000)), concat('session-', toString(intDiv(seed, 4))),
    concat('r', toString(sipHash64(seed, 6) % 3)), input, output, tokens, tokens / 2
FROM numbers_mt({n:UInt64})
""".replace("TEXT_IN", _TEXT.format(salt=7, low=25, more=225)).replace(
    "TEXT_OUT", _TEXT.format(salt=8, low=25, more=280)
)

#: The same again, some time later: other ids, other users, the same texts.
_COPIES: Final = """
INSERT INTO spans (project, at, trace_id, span_id, form, row_key, trace_key, segment, received, start_ns, end_ns, name,
    scope, attributes, op, requested_model, model, provider, user_id, session_id, release, input, output, input_tokens,
    output_tokens)
WITH
    at + toIntervalMicrosecond({later:Int64}) AS new_at,
    toFixedString(substring(MD5(concat(trace_id, toString({later:Int64}))), 1, 16), 16) AS new_trace,
    toFixedString(substring(new_trace, 3, 8), 8) AS new_span,
    sipHash64(new_trace) AS seed
SELECT project, new_at, new_trace, new_span, form, sipHash64(project, new_trace, new_span),
    sipHash64(project, new_trace), segment, new_at, toUnixTimestamp64Micro(new_at) * 1000,
    toUnixTimestamp64Micro(new_at) * 1000, name, scope, attributes, op, requested_model, model, provider,
    concat('user-', toString(seed % 20000)), concat(session_id, '-', toString({later:Int64})), release, input, output,
    input_tokens, output_tokens
FROM spans
WHERE project = {project:String} AND at >= fromUnixTimestamp64Micro({low:Int64}, 'UTC')
    AND at < fromUnixTimestamp64Micro({high:Int64}, 'UTC')
"""

_EXCHANGES: Final = """
INSERT INTO exchanges (project, at, trace_id, span_id, version, gone, row_key, trace_key, is_answer, is_call,
    answer_from, settles, received, members, input_row, output_row, input_start, output_start, input_chars,
    output_chars, name, op, model, requested_model, provider, user_id, session_id, release, latency_ms, input_tokens,
    output_tokens, cost, calls, status, error)
SELECT project, at, trace_id, span_id, segment, 0, row_key, trace_key, true, true, at, at, at, [span_id], row_key,
    row_key, substring(input, 1, 160), substring(output, 1, 160), length(input), length(output), name, op, model,
    requested_model, provider, user_id, session_id, release, exp(6 + (row_key % 1000) / 400), input_tokens,
    output_tokens, input_tokens / 1e6, 1, if(row_key % 50 = 0, 'error', 'ok'),
    if(row_key % 50 = 0, 'upstream said 500', '')
FROM spans
WHERE project = {project:String} AND at >= fromUnixTimestamp64Micro({low:Int64}, 'UTC')
    AND at < fromUnixTimestamp64Micro({high:Int64}, 'UTC')
"""


def fill(data: Path, rows: int, days: float) -> None:
    """Write so many exchanges, up to the last full hour, oldest first; then roll them up."""
    folder = Folder(data.resolve())
    folder.prepare()
    ledger = Ledger(f"sqlite:///{folder.root}/ledger.db", seal=control.pepper(folder.control))
    ledger.upgrade()
    projects.ensure(ledger, PROJECT, at=datetime.now(UTC))
    warehouse = Warehouse(f"chdb://{folder.root}/warehouse")
    migrate(warehouse)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = int((end - timedelta(days=days)).timestamp() * 1e6)
    step = int(days * 86_400e6 / rows)
    own = min(OWN, rows)
    low, high = start, start + own * step
    for at in range(0, rows, own):
        began = time.perf_counter()
        later = at * step
        if later:
            warehouse.load.command(_COPIES, {"project": PROJECT, "low": low, "high": high, "later": later})
        else:
            warehouse.load.command(_SPANS, {"project": PROJECT, "first": 0, "n": own, "start": start, "step": step})
        warehouse.load.command(_EXCHANGES, {"project": PROJECT, "low": low + later, "high": high + later})
        print(f"{at + own:>12,} rows  {own / (time.perf_counter() - began):,.0f}/s", flush=True)
    rollups.mark_missing(warehouse, ledger)
    while (done := rollups.run(warehouse, ledger, datetime.now(UTC))).rebuilt:
        print(f"{done.rebuilt:>12,} hours rolled up", flush=True)
    (folder.root / NOTE).write_text(json.dumps({"rows": rows, "days": days, "end": end.isoformat()}))
    warehouse.close()


def note(data: Path) -> dict[str, Any] | None:
    """What a directory was filled with, None when it was not, or not to the end."""
    path = data / NOTE
    return dict(json.loads(path.read_text())) if path.exists() else None
