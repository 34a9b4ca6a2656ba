"""What calls through the gateway have cost, by the key that made them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from homeostat.store.warehouse.client import Warehouse


def paid(warehouse: Warehouse, keys: Sequence[str], start: int, end: int) -> dict[str, float]:
    """USD by key, of calls that began in [start, end), µs on the event clock. Only keys with priced calls are named."""
    rows = warehouse.ask(_SQL, {"keys": list(keys), "start": start, "end": end})
    return {row["key"]: row["usd"] for row in rows}


#: A call that its application tells too is one exchange with two members: it is counted once, by the gateway's span.
_SQL: Final = """
SELECT told.key AS key, sum(told.cost) AS usd
FROM (
    SELECT any(call.key) AS key, any(exchange.cost) AS cost
    FROM (
        SELECT project, trace_id, span_id, arrayJoin(members) AS member, cost
        FROM exchanges FINAL
        WHERE at >= fromUnixTimestamp64Micro({start:Int64}) AND at < fromUnixTimestamp64Micro({end:Int64})
            AND cost > 0
    ) AS exchange
    INNER JOIN (
        SELECT project, trace_id, span_id, attributes['homeostat.key'] AS key
        FROM spans
        WHERE at >= fromUnixTimestamp64Micro({start:Int64}) AND at < fromUnixTimestamp64Micro({end:Int64})
            AND has({keys:Array(String)}, attributes['homeostat.key'])
    ) AS call
        ON call.project = exchange.project AND call.trace_id = exchange.trace_id AND call.span_id = exchange.member
    GROUP BY exchange.project, exchange.trace_id, exchange.span_id
) AS told
GROUP BY key
"""
