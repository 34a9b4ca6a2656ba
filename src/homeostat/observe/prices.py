"""What a call cost: list prices of `genai-prices`, overridable per project, multiplied by the engine.

Python looks a model up once and writes its prices, in USD per token, into the engine's table `prices`. The engine then
prices every call of that model in the query that makes exchanges: `Prices.ensure` first, then `JOIN` and `cost_sql()`.
"""

from __future__ import annotations

import datetime
import fnmatch
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

#: Every cached token is part of the input tokens, every reasoning token part of the output tokens (see `spans`).
JOIN: Final = (
    "LEFT JOIN (SELECT project, provider, model, windows FROM prices FINAL) AS price "
    "ON price.project = {row}.project AND price.provider = {row}.provider AND price.model = {row}.model"
)
ALWAYS: Final = -(2**31)
DAY: Final = 86_400
EPOCH: Final = datetime.date(1970, 1, 1)
MILLION: Final = 1e6
OVERRIDABLE: Final = ("input", "output", "cached", "cache_write", "reasoning")
_EXAMPLE: Final = '{"my-model": {"input": 1.5, "output": 6}}, in USD per million tokens'

#: More models than this are joined, not given as parameters.
FEW: Final = 256
#: Between the parts of a key of `Prices.plain`.
_BETWEEN: Final = "\x01"

Overrides = Mapping[str, Mapping[str, float]]
Pair = tuple[str, str, str]


class BadPrices(ValueError):
    """The price overrides of a project cannot be used; the message says which and why."""


class Tier(NamedTuple):
    """USD per token (per request for `request`) while a call's input tokens are above `above`."""

    above: int
    input: float
    output: float
    cached: float
    cache_write: float
    reasoning: float
    request: float = 0.0


_UNKNOWN: Final = Tier(-1, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0)


class Window(NamedTuple):
    """When prices hold: from day `since` (days since 1970) on, between two seconds of the UTC day."""

    since: int
    from_second: int
    to_second: int
    tiers: list[Tier]


class Prices:
    """Keeps the engine's table `prices` filled for whatever is about to be priced."""

    def __init__(self) -> None:
        self._known: dict[Pair, str] = {}
        self._plain: dict[Pair, Tier | None] = {}
        self._filled = 0

    def ensure(self, client: Any, pairs: Iterable[Pair], overrides: Mapping[str, Overrides] | None = None) -> int:
        """Have a row for each (project, provider, model); `overrides` by project. Returns how many were written."""
        if not self._filled:
            self._recall(client)
        wanted = {pair: _basis((overrides or {}).get(pair[0], {})) for pair in set(pairs) if pair[2]}
        missing = {pair: basis for pair, basis in wanted.items() if self._known.get(pair) != basis}
        found = {
            pair: windows(pair[1], pair[2], (overrides or {}).get(pair[0], {}))
            for pair in wanted
            if pair in missing or pair not in self._plain
        }
        self._plain |= {pair: _plain(those) for pair, those in found.items()}
        if not missing:
            return 0
        self._filled += 1
        rows = [[*pair, self._filled, basis, found[pair]] for pair, basis in missing.items()]
        names = ["project", "provider", "model", "filled", "basis", "windows"]
        client.insert("prices", rows, column_names=names)
        self._known.update(missing)
        return len(rows)

    def plain(self, pairs: Iterable[Pair]) -> dict[str, Any] | None:
        """Values of the parameters of `plain_cost_sql` for pairs that `ensure` knows.

        None: the price of one of them changes with the time or with the number of tokens, or they are very many.
        """
        pairs = {pair for pair in pairs if pair[2]}
        if len(pairs) > FEW:
            return None
        keys, rates = [""], [Tier(-1, 0.0, 0.0, 0.0, 0.0, 0.0)]
        for pair in sorted(pairs):
            rate = self._plain.get(pair)
            if rate is None or any(_BETWEEN in part for part in pair):
                return None
            if rate != _UNKNOWN:
                keys.append(_BETWEEN.join(pair))
                rates.append(rate)
        values = {f"price_{name}": [getattr(rate, name) for rate in rates] for name in Tier._fields[1:]}
        return {"price_keys": keys, "price_numbers": list(range(len(keys))), **values}

    def _recall(self, client: Any) -> None:
        """Read back what an earlier process wrote."""
        rows = client.query("SELECT project, provider, model, basis, filled FROM prices FINAL").result_rows
        self._known = {(project, provider, model): basis for project, provider, model, basis, _ in rows}
        self._filled = max((row[4] for row in rows), default=0) + 1


def windows(provider: str, model: str, overrides: Overrides) -> list[Window]:
    """The prices of a model; empty when nobody knows them."""
    listed = _listed(provider, model)
    override = _override(model, overrides)
    if override is None:
        return listed
    base = listed or [Window(ALWAYS, 0, DAY, [Tier(-1, 0.0, 0.0, 0.0, 0.0, 0.0)])]
    return [window._replace(tiers=[_overridden(tier, override) for tier in window.tiers]) for window in base]


def check(overrides: Overrides) -> None:
    """Refuse overrides that cannot be meant: unknown names, negative prices, what is not a number."""
    if not isinstance(overrides, Mapping):
        raise BadPrices(f"prices are an object: {_EXAMPLE}")
    for model, prices in overrides.items():
        if not isinstance(prices, Mapping):
            raise BadPrices(f"prices of {model!r} are an object: {_EXAMPLE}")
        for name, price in prices.items():
            if name not in OVERRIDABLE:
                raise BadPrices(f"prices of {model!r}: {name!r} is not a price; known are {', '.join(OVERRIDABLE)}")
            number = isinstance(price, int | float) and not isinstance(price, bool)
            if not number or not math.isfinite(price) or price < 0:
                raise BadPrices(f"prices of {model!r}: {name} must be USD per million tokens, zero or more")


def chosen(settings: Mapping[str, Any]) -> Overrides:
    """The price overrides among a project's settings; none when what stands there cannot be meant."""
    overrides = settings.get("prices")
    try:
        check(overrides or {})
    except BadPrices:
        return {}
    return overrides or {}


def join_sql(row: str) -> str:
    """The join that brings `price` to the rows of the relation named `row`."""
    return JOIN.replace("{row}", row)


def cost_sql(row: str = "") -> str:
    """USD of one call as an expression, NULL without usage or without a known price. Needs `join_sql`'s `price`."""
    dot = f"{row}." if row else ""
    given, said = f"{dot}input_tokens", f"{dot}output_tokens"
    tokens = {
        name: f"toFloat64(ifNull({dot}{name}_tokens, 0))"
        for name in ("input", "output", "cached", "cache_write", "reasoning")
    }
    second = f"toUInt32(toUnixTimestamp({dot}at) % {DAY})"
    day = f"toInt32(intDiv(toUnixTimestamp({dot}at), {DAY}))"
    during = "if(w.2 <= w.3, {s} >= w.2 AND {s} < w.3, {s} >= w.2 OR {s} < w.3)".replace("{s}", second)
    window = f"arrayElement(price.windows, greatest(1, arrayLastIndex(w -> {day} >= w.1 AND {during}, price.windows)))"
    tier = f"arrayLast(t -> {tokens['input']} > t.1, tupleElement({window}, 4))"
    uncached = f"greatest(0, {tokens['input']} - {tokens['cached']} - {tokens['cache_write']})"
    spoken = f"greatest(0, {tokens['output']} - {tokens['reasoning']})"
    total = (
        f"{uncached} * p.2 + {spoken} * p.3 + {tokens['cached']} * p.4 "
        f"+ {tokens['cache_write']} * p.5 + {tokens['reasoning']} * p.6 + p.7"
    )
    unknown = f"empty(price.windows) OR ({given} IS NULL AND {said} IS NULL)"
    return f"if({unknown}, NULL, arrayElement(arrayMap(p -> {total}, [{tier}]), 1))"


def plain_number_sql(model: str = "model") -> str:
    """Which of the prices that `Prices.plain` gives as parameters is that of a row's model; 0: none."""
    key = f"concat(project, '{_BETWEEN}', provider, '{_BETWEEN}', {model})"
    return f"transform({key}, {{price_keys:Array(String)}}, {{price_numbers:Array(UInt32)}}, 0::UInt32)"


def plain_cost_sql(given: str, said: str, number: str) -> str:
    """`cost_sql` for models that have one price each: nothing is joined. `number`: of `plain_number_sql`.

    `given`, `said`: where the input and output tokens stand.
    """
    p = {name: f"arrayElement({{price_{name}:Array(Float64)}}, {number} + 1)" for name in Tier._fields[1:]}
    tokens = {"input": f"toFloat64(ifNull({given}, 0))", "output": f"toFloat64(ifNull({said}, 0))"}
    tokens |= {name: f"toFloat64(ifNull({name}_tokens, 0))" for name in ("cached", "cache_write", "reasoning")}
    total = (
        f"greatest(0, {tokens['input']} - {tokens['cached']} - {tokens['cache_write']}) * {p['input']} "
        f"+ greatest(0, {tokens['output']} - {tokens['reasoning']}) * {p['output']} "
        f"+ {tokens['cached']} * {p['cached']} "
        f"+ {tokens['cache_write']} * {p['cache_write']} + {tokens['reasoning']} * {p['reasoning']} + {p['request']}"
    )
    return f"if({number} = 0 OR ({given} IS NULL AND {said} IS NULL), NULL, {total})"


def _plain(found: Sequence[Window]) -> Tier | None:
    """The one price of a model, `_UNKNOWN` without any; None: there are several."""
    if not found:
        return _UNKNOWN
    tiers = found[0].tiers if len(found) == 1 else []
    return tiers[0] if len(tiers) == 1 and tiers[0].above < 0 else None


def _overridden(tier: Tier, override: Mapping[str, float]) -> Tier:
    """A tier with a project's own prices; what is not said about cached and reasoning tokens follows what is said."""
    said = {name: price / MILLION for name, price in override.items()}
    if "input" in said:
        said = {"cached": said["input"], "cache_write": said["input"], **said}
    if "output" in said:
        said = {"reasoning": said["output"], **said}
    return Tier(**{**tier._asdict(), **said})


def _override(model: str, overrides: Overrides) -> Mapping[str, float] | None:
    """The override of a model: by its name, else by the longest pattern that fits."""
    if model in overrides:
        return overrides[model]
    fitting = [pattern for pattern in overrides if fnmatch.fnmatchcase(model, pattern)]
    return overrides[max(fitting, key=len)] if fitting else None


def _basis(overrides: Overrides) -> str:
    """What a price row was read from: when this changes, the row is written anew."""
    if not overrides:
        return _list_version()
    text = json.dumps(overrides, sort_keys=True, default=str)
    return f"{_list_version()}+{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@cache
def _list_version() -> str:
    from importlib.metadata import version

    return version("genai-prices")


def _listed(provider: str, model: str) -> list[Window]:
    """List prices. Imported here: the list is large, and a process without calls never needs it."""
    from genai_prices import types

    info = _find(provider, model)
    if info is None:
        return []
    prices = info.prices
    conditional = prices if isinstance(prices, list) else [types.ConditionalPrice(prices=prices)]
    found = []
    for entry in conditional:
        since, start, end = ALWAYS, 0, DAY
        if isinstance(entry.constraint, types.StartDateConstraint):
            since = (entry.constraint.start_date - EPOCH).days
        elif isinstance(entry.constraint, types.TimeOfDateConstraint):
            start, end = _second(entry.constraint.start_time), _second(entry.constraint.end_time)
        elif entry.constraint is not None:
            continue
        found.append(Window(since, start, end, _tiers(entry.prices)))
    return found if any(_priced(entry.prices) for entry in conditional) else []


def _find(provider: str, model: str) -> Any:
    """The list's entry: by provider and model, by a provider written before the model, else by the model alone."""
    from genai_prices import data_snapshot

    snapshot = data_snapshot.get_snapshot()
    provider_known = bool(provider) and data_snapshot.find_provider_by_id(snapshot.providers, provider) is not None
    attempts: list[tuple[str | None, str]] = [(provider if provider_known else None, model)]
    if "/" in model:
        before, after = model.split("/", 1)
        attempts.append((before, after))
    for given, name in attempts:
        try:
            return snapshot.find_provider_model(name, None, given, None)[1]
        except LookupError:
            continue
    return None


def _tiers(prices: Any) -> list[Tier]:
    """Prices in steps of input tokens. A kind of token without its own price costs what its total costs."""
    starts = sorted({step.start for value in vars(prices).values() for step in getattr(value, "tiers", ())})
    tiers = []
    for above in (-1, *starts):
        total_in, total_out = _at(prices.input_mtok, above) or 0.0, _at(prices.output_mtok, above) or 0.0
        cached, write = _at(prices.cache_read_mtok, above), _at(prices.cache_write_mtok, above)
        reasoning, request = _at(prices.output_reasoning_mtok, above), _at(prices.requests_kcount, above)
        tiers.append(
            Tier(
                above,
                total_in / MILLION,
                total_out / MILLION,
                (total_in if cached is None else cached) / MILLION,
                (total_in if write is None else write) / MILLION,
                (total_out if reasoning is None else reasoning) / MILLION,
                (request or 0.0) / 1000,
            )
        )
    return tiers


def _priced(prices: Any) -> bool:
    """Whether tokens or requests have a price (speech and pages are sold by other units, which we do not see)."""
    return any(price is not None for price in (prices.input_mtok, prices.output_mtok, prices.requests_kcount))


def _at(price: Any, above: int) -> float | None:
    """The price in force just above so many input tokens."""
    if price is None:
        return None
    steps = getattr(price, "tiers", None)
    if steps is None:
        return float(price)
    found = price.base
    for step in steps:
        if above >= step.start:
            found = step.price
    return float(found)


def _second(time: datetime.time) -> int:
    """Second of the UTC day. A time without a zone is UTC."""
    offset = time.utcoffset()
    seconds = time.hour * 3600 + time.minute * 60 + time.second - (int(offset.total_seconds()) if offset else 0)
    return int(seconds % DAY)
