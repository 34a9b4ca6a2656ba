"""The SQL of measures: sums and counts by time and dimensions that can be added, from rollups, raw rows, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from homeostat.store.warehouse.questions.bound import WINDOW, Bound, moment
from homeostat.store.warehouse.questions.fields import FIELDS
from homeostat.store.warehouse.questions.measures.buckets import index_sql
from homeostat.store.warehouse.questions.measures.names import COARSE, OF_CALLS, ROLLED_BUCKETS
from homeostat.store.warehouse.questions.measures.needs import PARTS, SAID, Needs, field_sql, hits_sql, unique_sql
from homeostat.store.warehouse.questions.measures.question import Question
from homeostat.store.warehouse.questions.measures.sources import KIND, exchanges, said, with_attributes

MAX_GROUPS: Final = 50_000
#: Rows of rollups that one question may add up; the reader's own limit would be told less kindly.
MAX_ROWS: Final = 900_000
#: Raw rows of so long a time (µs) have their buckets counted in the engine: slower, but what comes out stays small
#: whatever the number of rows. For less, listing them is quicker.
LONG: Final = 2 * 86_400_000_000
_ROLLUP_PARTS: Final = dict(zip(PARTS, ("n", "sum", "squares", "low", "high"), strict=True))
_EPOCH: Final = "fromUnixTimestamp64Micro(toInt64(0), 'UTC')"


@dataclass(frozen=True, slots=True)
class Split:
    """Hours and minutes that the rollups answer (seconds since 1970 → build that counts), times [low, high) µs that the
    raw rows do.
    """

    built: Mapping[int, int]
    raw: tuple[tuple[int, int], ...]


def sql(question: Question, needs: Needs, split: Split, bound: Bound) -> str:
    """One query for one source. Values go into `bound`."""
    dims = [f"d{i}" for i in range(len(question.by))]
    keys = ["t", *dims]
    sides = []
    if split.built:
        sides.append(_rolled(question, needs, split.built, bound))
    if split.raw:
        sides.append(_raw(question, needs, split.raw, bound))
    # Plain texts only at the very end: grouping by dictionary codes is quicker.
    texts = ["t", *(f"CAST({dim}, 'String') AS {dim}" for dim in dims)]
    order = f"ORDER BY {', '.join(keys)} LIMIT {MAX_GROUPS + 1}"
    if not split.built:
        but_keys = f"* EXCEPT ({', '.join(keys)})"
        return f"SELECT {', '.join([*texts, but_keys])} FROM ({sides[0]}) {order}"  # noqa: S608
    both = " UNION ALL ".join(f"SELECT * FROM ({side})" for side in sides)  # noqa: S608
    if needs.buckets:
        # Adding up long lists of buckets is quicker done on the arrays that come out (see `merge`) than in the engine.
        return f"SELECT {', '.join([*texts, *_merging(needs)])} FROM ({both}) LIMIT {MAX_ROWS}"  # noqa: S608
    # Two steps, because an alias that repeats the name of a column inside its own sum is read as the sum.
    merging = _merging(needs)
    added = f"SELECT {', '.join([*keys, *(f'{how} AS all_{name}' for name, how in merging.items())])}"
    named = f"SELECT {', '.join([*texts, *(f'all_{name} AS {name}' for name in merging)])}"
    return f"{named} FROM ({added} FROM ({both}) GROUP BY {', '.join(keys)}) {order}"


def _raw(question: Question, needs: Needs, ranges: Sequence[tuple[int, int]], bound: Bound) -> str:
    """Groups from the rows themselves."""
    keys = tuple(
        dict.fromkeys(
            (*needs.keys, *(name[len("attribute.") :] for name in question.by if name.startswith("attribute.")))
        )
    )
    where = f"{WINDOW} AND ({_within(ranges, bound)}) AND {KIND[question.kind]} AND {question.filters.where(bound)}"
    told = said(needs.said, bound, kind=question.kind) if needs.said else ""
    relation = f"(SELECT * FROM {told} WHERE {where})" if told else exchanges(where)  # noqa: S608
    relation = with_attributes(relation, keys, bound)
    columns = [f"{_bucket(question, 'at', bound)} AS t"]
    columns += [f"{_dimension(name, keys)} AS d{i}" for i, name in enumerate(question.by)]
    columns += [f"{field_sql(field, question.kind, keys)} AS x{i}" for i, field in enumerate(needs.fields)]
    for i, condition in enumerate(needs.conditions):
        hit, known = hits_sql(condition, bound)
        columns += [f"({known}) AS m{i}_row", f"({hit}) AS k{i}_row"]
    columns += [f"{unique_sql(field)} AS u{i}_row" for i, field in enumerate(needs.unique)]
    columns += [f"{SAID} AS said_row"] if needs.said else []
    grouped = ["t", *(f"d{i}" for i in range(len(question.by)))]
    # Scores are asked for in pieces, and what comes out adds up.
    long = question.end - question.start if needs.said else sum(high - low for low, high in ranges)
    counting = _counting(needs, compact=long > LONG)
    return (
        f"SELECT {', '.join([*grouped, *counting])} FROM (SELECT {', '.join(columns)} FROM {relation}) "  # noqa: S608
        f"GROUP BY {', '.join(grouped)}"
    )


def _rolled(question: Question, needs: Needs, built: Mapping[int, int], bound: Bound) -> str:
    """Rows of the newest builds, with the same columns as raw groups."""
    known = bound.add(list(built), "Array(Int64)"), bound.add(list(built.values()), "Array(UInt64)")
    conditions = (*question.filters.conditions, *needs.conditions)
    coarse = {*question.by, *(condition.field for condition in conditions)} <= {*COARSE}
    grain = "coarse" if coarse else "fine"
    rows = (
        f"SELECT *, {_EPOCH} AS settles, {_EPOCH} AS answer_from FROM rollups WHERE project = {{project:String}} "  # noqa: S608
        f"AND grain = '{grain}' AND start >= toDateTime({moment('low')}, 'UTC') AND start < {moment('high')} "
        f"AND build = transform(toInt64(toUnixTimestamp(start)), {known[0]}, {known[1]}, toUInt64(0))"
    )
    columns = [f"{_bucket(question, 'start', bound)} AS t"]
    columns += [f"{_dimension(name, ())} AS d{i}" for i, name in enumerate(question.by)]
    columns.append("r.n AS n")
    for i, field in enumerate(needs.fields):
        only = question.kind == "all" and field in OF_CALLS
        for part, name in _ROLLUP_PARTS.items():
            value = f"r.{field}.{name}"
            columns.append(f"{f'if(is_call, {value}, 0)' if only else value} AS f{i}_{part}")
    for i, field in enumerate(needs.buckets):
        columns += [f"{ROLLED_BUCKETS[field]}_buckets AS b{i}", f"{ROLLED_BUCKETS[field]}_counts AS c{i}"]
    for i, condition in enumerate(needs.conditions):
        columns += [f"r.n AS m{i}", f"if({hits_sql(condition, bound)[0]}, r.n, 0) AS k{i}"]
    where = f"{KIND[question.kind]} AND {question.filters.where(bound)}"
    return f"SELECT {', '.join(columns)} FROM ({rows}) AS r WHERE {where}"  # noqa: S608


def _counting(needs: Needs, *, compact: bool) -> list[str]:
    """Rows into parts. `compact`: each bucket once with its count, not once for each row."""
    columns = ["count() AS n"]
    for i in range(len(needs.fields)):
        columns += [
            f"count(x{i}) AS f{i}_n",
            f"ifNull(sum(x{i}), 0) AS f{i}_s",
            f"ifNull(sum(x{i} * x{i}), 0) AS f{i}_q",
            f"ifNull(min(x{i}), 0) AS f{i}_l",
            f"ifNull(max(x{i}), 0) AS f{i}_h",
        ]
    for i, field in enumerate(needs.buckets):
        x = f"x{needs.fields.index(field)}"
        index = index_sql(f"assumeNotNull({x})")
        if compact:
            columns.append(f"(sumMapIf([{index}], [toUInt32(1)], {x} IS NOT NULL) AS s{i}).1 AS b{i}")
            columns.append(f"CAST(s{i}.2, 'Array(UInt32)') AS c{i}")
        else:
            columns.append(f"groupArrayIf({index}, {x} IS NOT NULL) AS b{i}")
            columns.append(f"arrayWithConstant(length(b{i}), toUInt32(1)) AS c{i}")
    for i in range(len(needs.conditions)):
        columns += [f"countIf(m{i}_row) AS m{i}", f"countIf(m{i}_row AND k{i}_row) AS k{i}"]
    columns += [f"uniqExact(u{i}_row) AS u{i}" for i in range(len(needs.unique))]
    columns += ["countIf(said_row) AS said"] if needs.said else []
    return columns


def _merging(needs: Needs) -> dict[str, str]:
    """Parts into parts: name and how it is added."""
    how = {"n": "sum(n)"}
    for i in range(len(needs.fields)):
        how |= {f"f{i}_{part}": f"sum(f{i}_{part})" for part in ("n", "s", "q")}
        how |= {f"f{i}_l": f"minIf(f{i}_l, f{i}_n > 0)", f"f{i}_h": f"maxIf(f{i}_h, f{i}_n > 0)"}
    for i in range(len(needs.buckets)):
        how |= {f"{side}{i}": "" for side in ("b", "c")}
    for i in range(len(needs.conditions)):
        how |= {f"{side}{i}": f"sum({side}{i})" for side in ("m", "k")}
    return how


def _within(ranges: Sequence[tuple[int, int]], bound: Bound) -> str:
    """The times that raw rows answer."""
    each = []
    for low, high in ranges:
        names = [f"fromUnixTimestamp64Micro({bound.add(edge, 'Int64')}, 'UTC')" for edge in (low, high)]
        each.append(f"(at >= {names[0]} AND at < {names[1]})")
    return " OR ".join(each)


def _bucket(question: Question, at: str, bound: Bound) -> str:
    return question.every.sql(at, bound) if question.every else "toInt64(0)"


def _dimension(name: str, keys: Sequence[str]) -> str:
    """A dimension as text. A list (tags, tools) puts an exchange into each of its groups, an empty one into ''."""
    if name.startswith("attribute."):
        return f"a{keys.index(name[len('attribute.') :])}"
    field = FIELDS[name]
    if field.type == "list":
        return f"arrayJoin(if(empty({field.sql}), [''], arrayMap(x -> toString(x), {field.sql})))"
    return f"ifNull(toString({field.sql}), '')"
