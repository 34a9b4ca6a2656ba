"""Exchanges as items of a dataset: whole texts, documents, scores; and who comes unusually often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from homeostat.records.exchange import Exchange
from homeostat.records.instant import micros
from homeostat.store.warehouse.client import Warehouse
from homeostat.store.warehouse.questions import exchanges, feed, filters, said
from homeostat.store.warehouse.questions.bound import WINDOW, Bound
from homeostat.store.warehouse.questions.exchanges import Ask
from homeostat.store.warehouse.questions.fields import GIVEN, SHADOW
from homeostat.store.warehouse.questions.filters import Filters
from homeostat.store.warehouse.questions.measures.sources import KIND
from homeostat.store.warehouse.questions.refused import Refused

MOST: Final = 20_000
_A_PAGE: Final = 1_000
_OURS: Final = ("limit", "since", "until")


def chosen(told: Mapping[str, Any]) -> Filters:
    """Filters as a remedy has them: a value or a list of values for each name. Raises `ValueError`."""
    pairs = [
        (str(name), str(value))
        for name, values in told.items() if name not in _OURS
        for value in (values if isinstance(values, list | tuple) else [values])
    ]  # fmt: skip
    try:
        return filters.parse(pairs)
    except Refused as refused:
        raise ValueError(f"{refused.message} {refused.hint}".strip()) from None


def items(
    warehouse: Warehouse, project: str, now: datetime, told: Mapping[str, Any], *,
    since: datetime | None = None, until: datetime | None = None, limit: int = 2_000,
) -> list[dict[str, Any]]:  # fmt: skip
    """Answers that pass, newest first, at most so many. A shadow's only where its tag is asked for."""
    wanted, cursor = chosen(told), None
    if not any(one.field == "tag" and SHADOW in one.values for one in wanted.conditions):
        wanted = replace(wanted, conditions=(*wanted.conditions, filters.GIVEN))
    found: list[dict[str, Any]] = []
    limit = min(limit, MOST)
    while len(found) < limit:
        page = exchanges.page(
            warehouse,
            Ask(project, now, wanted, since=since, until=until, limit=min(_A_PAGE, limit - len(found)), cursor=cursor),
        )
        texts = feed.texts_of(warehouse, project, now, page.items)
        people = said.signals(warehouse, project, now, page.items, whole=True)
        found += [_item(*each) for each in zip(page.items, texts, people, strict=True)]
        cursor = page.next
        if cursor is None:
            break
    return found


def of_user(warehouse: Warehouse, project: str, now: datetime, user: str) -> list[str]:
    """The ids of everything that a user asked and that is still kept."""
    bound = Bound(project, now, 0, micros(now) + 86_400_000_000)
    rows = warehouse.ask(
        "SELECT concat(lower(hex(trace_id)), '-', lower(hex(span_id))) AS exchange FROM exchanges FINAL "  # noqa: S608
        f"WHERE {WINDOW} AND user_id = {bound.add(user, 'String')}",
        bound.values,
    )
    return [row["exchange"] for row in rows]


def busiest(warehouse: Warehouse, project: str, now: datetime, start: int, end: int, *, least: int) -> list[str]:
    """Users with at least so many answers in [start, end) µs, the busiest first: bots, most of them."""
    bound = Bound(project, now, start, end)
    rows = warehouse.ask(
        f"SELECT user_id, count() AS n FROM exchanges FINAL WHERE {WINDOW} AND {KIND['answer']} AND {GIVEN} "  # noqa: S608
        "AND user_id != '' "
        f"GROUP BY user_id HAVING n >= {bound.add(least, 'Int64')} ORDER BY n DESC, user_id LIMIT 1000",
        bound.values,
    )
    return [row["user_id"] for row in rows]


def _item(exchange: Exchange, text: feed.Texts, people: said.Signals) -> dict[str, Any]:
    """What people said of it last goes with it: the answer that they wrote, and their thumbs."""
    ideal = next((one["correction"] for one in reversed(people) if one["correction"]), "")
    thumbs = next((one["value"] for one in reversed(people) if one["name"] == "thumbs" and one["value"]), None)
    known = ({"ideal": ideal} if ideal else {}) | ({"good": thumbs > 0} if thumbs else {})
    return known | {
        "exchange": str(exchange.id), "input": text.input, "output": text.output, "documents": list(text.documents),
        "release": exchange.release, "user": exchange.user_id, "tags": list(exchange.tags),
    }  # fmt: skip
