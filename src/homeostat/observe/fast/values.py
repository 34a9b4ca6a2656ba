"""Expressions over OTLP attributes as `schema.py` decodes them: their JSON text, and whether SQL may speak for them.

Pairs are named by a prefix: `unpack` gives each part of an array of pairs a column of its own, once, because every
look into a deep structure costs the engine planning time.
"""

from __future__ import annotations

from typing import Final

_PARTS: Final = {
    "keys": "key", "kinds": "value.value", "s": "value.s", "i": "value.i", "d": "value.d", "b": "value.b",
    "a": "value.a.values", "k": "value.k.values",
}  # fmt: skip

EVENT_PARTS: Final = {
    "names": "name", "times": "time", "keys": "attributes.key", "kinds": "attributes.value.value",
    "s": "attributes.value.s", "i": "attributes.value.i", "b": "attributes.value.b",
}  # fmt: skip


def unpack(pairs: str, prefix: str) -> str:
    """Columns `<prefix>_keys`, `<prefix>_kinds`, … of an array of pairs."""
    return ", ".join(f"{pairs}.{path} AS {prefix}_{part}" for part, path in _PARTS.items())


def columns(prefix: str) -> str:
    """The names that `unpack` gives."""
    return ", ".join(f"{prefix}_{part}" for part in _PARTS)


def _double(value: str) -> str:
    """Python's shortest text of a double; right where `_plain` holds."""
    return f"concat(toString({value}), if({value} = trunc({value}), '.0', ''))"


def _plain(value: str) -> str:
    """Both languages write this double the same way: no exponent, no NaN, no infinity."""
    return f"({value} = 0 OR (abs({value}) >= 1e-4 AND abs({value}) < 1e16))"


def _inner(x: str) -> str:
    """JSON of a value inside a list or map."""
    return (
        f"multiIf({x}.value = 's', toJSONString({x}.s), {x}.value = 'i', toString({x}.i), "
        f"{x}.value = 'd', {_double(f'{x}.d')}, {x}.value = 'b', if({x}.b, 'true', 'false'), 'null')"
    )


def texts(prefix: str) -> str:
    """Strings as they are, everything else as compact JSON."""
    a_list = f"concat('[', arrayStringConcat(arrayMap(x -> {_inner('x')}, a), ','), ']')"
    pairs = f"arrayMap(x -> concat(toJSONString(x.key), ':', {_inner('x.value')}), k)"
    a_map = f"concat('{{', arrayStringConcat({pairs}, ','), '}}')"
    return (
        f"arrayMap((t, s, i, d, b, a, k) -> multiIf(t = 's', s, t = 'i', toString(i), t = 'd', {_double('d')}, "
        f"t = 'b', if(b, 'true', 'false'), t = 'a', {a_list}, t = 'k', {a_map}, 'null'), "
        f"{columns(prefix).split(', ', 1)[1]})"
    )


def events(prefix: str) -> str:
    """JSON of events whose columns are called `<prefix>_names`, `<prefix>_times`, `<prefix>_keys`, …"""
    value = "multiIf(t = 's', toJSONString(s), t = 'i', toString(i), t = 'b', if(b, 'true', 'false'), 'null')"
    pairs = f"arrayMap((key, t, s, i, b) -> concat(toJSONString(key), ':', {value}), ks, ts, ss, iis, bs)"
    event = (
        'concat(\'{"name":\', toJSONString(name), \',"time_ns":"\', toString(time), \'","attributes":{\', '
        f"arrayStringConcat({pairs}, ','), '}}}}')"
    )
    all_ = ", ".join(f"{prefix}_{part}" for part in EVENT_PARTS)
    told = f"arrayMap((name, time, ks, ts, ss, iis, bs) -> {event}, {all_})"
    return f"if(empty({prefix}_names), '', concat('[', arrayStringConcat({told}, ','), ']'))"


def unpack_events(events_: str, prefix: str) -> str:
    """The columns that `events` reads."""
    return ", ".join(f"{events_}.{path} AS {prefix}_{part}" for part, path in EVENT_PARTS.items())


def event_text(prefix: str, event: str, key: str) -> str:
    """What the last event of a name says under a key, as a string."""
    said = f"arrayMap((ks, ss) -> arrayFirst((s, k) -> k = '{key}', ss, ks), {prefix}_keys, {prefix}_s)"
    return f"arrayLast((x, name, ks) -> name = '{event}' AND has(ks, '{key}'), {said}, {prefix}_names, {prefix}_keys)"


def odd_events(prefix: str, events_: str) -> str:
    """Events with keys told twice, with values that are no strings, integers or booleans, or with rare characters."""
    return (
        f"arrayExists(ks -> arrayUniq(ks) < length(ks), {prefix}_keys) "
        f"+ arrayExists(ts -> arrayExists(t -> t IN ('d', 'a', 'k', 'y'), ts), {prefix}_kinds) "
        f"+ (position({events_}, '\\\\u') > 0) + (NOT isValidUTF8({events_}))"
    )


def odd_texts(texts_: str) -> str:
    """Texts that have to be mended: invalid UTF-8, NUL."""
    return f"arrayExists(x -> (NOT isValidUTF8(x)) + (position(x, '\\0') > 0) > 0, {texts_})"


def odd_escapes(kinds: str, texts_: str) -> str:
    """A list or map with a rare control character: the two languages escape it differently."""
    return f"arrayExists((t, x) -> t IN ('a', 'k') AND position(x, '\\\\u') > 0, {kinds}, {texts_})"


def odd_values(prefix: str) -> str:
    """Bytes, numbers that the two languages write differently, and what lies deeper than the schema says.

    Sums, not OR: what the engine evaluates lazily copies what it captures.
    """
    inner = "({0}.value IN ('a', 'k', 'y')) + ({0}.value = 'd' AND NOT {1}) > 0"
    in_list, in_map = inner.format("x", _plain("x.d")), inner.format("x.value", _plain("x.value.d"))
    return (
        f"(has({prefix}_kinds, 'y') "
        f"+ arrayExists((t, d) -> t = 'd' AND NOT {_plain('d')}, {prefix}_kinds, {prefix}_d) "
        f"+ arrayExists(v -> arrayExists(x -> {in_list}, v), {prefix}_a) "
        f"+ arrayExists(v -> arrayUniq(v.key) < length(v), {prefix}_k) "
        f"+ arrayExists(v -> arrayExists(x -> {in_map}, v), {prefix}_k))"
    )
