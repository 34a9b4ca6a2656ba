"""The route that exchanges came by."""

from __future__ import annotations

from typing import Final

from homeostat.store.warehouse.questions.bound import Bound, moment

#: As the gateway and the SDK write it on the span that they were asked by.
_ROUTE: Final = "'homeostat.route'"
#: Signals tell of exchanges that began earlier than the window.
_BACK: Final = 6 * 3_600_000_000


def routed(relation: str, bound: Bound, among: str = "") -> str:
    """The relation with the route that each exchange names: its own span, else the one that all of its trace name.

    `among`: a question for traces that hold all of the relation's, where that is cheaper than asking it twice.
    """
    bound.values["earlier_text"] = max(0, bound.values["low_text"] - _BACK)
    traces = among or f"SELECT trace_id FROM ({relation})"  # noqa: S608
    named = (
        f"SELECT trace_id, groupUniqArray((row_key, attributes[{_ROUTE}])) AS named FROM spans "  # noqa: S608
        f"WHERE project = {{project:String}} AND at >= {moment('earlier_text')} AND at < {moment('high_text')} "
        f"AND mapContains(attributes, {_ROUTE}) AND trace_id IN ({traces}) GROUP BY trace_id"
    )
    own, every = "arrayFirst(x -> x.1 = row_key, named).2", "arrayDistinct(named.2)"
    route = f"multiIf({own} != '', {own}, length({every}) = 1, {every}[1], '')"
    return f"SELECT *, {route} AS route FROM ({relation}) AS e ANY LEFT JOIN ({named}) AS r USING (trace_id)"  # noqa: S608
