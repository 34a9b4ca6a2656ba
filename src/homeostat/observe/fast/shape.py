"""SQL that turns the attributes of a span into codes (see `words.py`)."""

from __future__ import annotations

import re
from typing import Final

from homeostat.observe.fast import words
from homeostat.observe.fast.text import SPACE, choose, quote, table
from homeostat.observe.fast.words import Class

#: How many bytes of a text are looked at.
HEAD: Final = 64
_FIRST: Final = "ascii(x)"
#: First bytes after which a string can be nothing but plain text: printable ASCII but for the starts of JSON, of
#: digits, of an object's address, and of true, false, null.
_PLAIN: Final = ", ".join(str(n) for n in range(0x21, 0x7F) if chr(n) not in '[{"<0123456789tTfFn')


_JSON_START: Final = "^" + SPACE + '*[[{"]'


def string_class() -> str:
    """The class of a string, of which `x` is the head."""
    json = f"if(match(x, {quote(f'^{SPACE}*[[]Scrubbed')}), {Class.BLANK:d}, {Class.JSON:d})"
    return choose(
        (
            ("x = ''", f"{Class.BLANK:d}"),
            (f"{_FIRST} IN ({_PLAIN})", f"{Class.TEXT:d}"),
            (f"{_FIRST} IN (34, 123)", f"{Class.JSON:d}"),
            (f"{_FIRST} = 91", json),
            (f"{_FIRST} BETWEEN 48 AND 57", f"if(match(x, '^[0-9]{{1,9}}$'), {Class.DIGITS:d}, {Class.TEXT:d})"),
            ("length(x) < 6 AND lower(x) IN ('true', 'false')", f"{Class.BOOLEAN:d}"),
            (f"match(x, {quote(f'^{SPACE}*(?:null)?{SPACE}{{12}}')})", f"{Class.ODD:d}"),
            (f"match(x, {quote('^<[A-Za-z0-9_.]{1,48} object')})", f"{Class.ODD:d}"),
            (f"match(x, {quote(f'^{SPACE}*(?:null{SPACE}*)?$')})", f"{Class.BLANK:d}"),
            (f"{_FIRST} IN (84, 116, 70, 102, 110)", f"{Class.TEXT:d}"),
            (f"match(x, {quote(_JSON_START)})", json),
        ),
        f"{Class.TEXT:d}",
    )


def _class() -> str:
    """The class of an attribute of kind `t`, text `x`, number `d`."""
    integer = choose(
        (("x = '0'", f"{Class.ZERO:d}"), (f"length(x) < 10 AND {_FIRST} != 45", f"{Class.INTEGER:d}")),
        f"{Class.NUMBER:d}",
    )
    double = choose(
        (("d = 0", f"{Class.ZERO:d}"), ("d > 0 AND d <= 4294967295", f"{Class.DECIMAL:d}")), f"{Class.NUMBER:d}"
    )
    return choose(
        (
            ("t = 's'", string_class()),
            ("t = 'i'", integer),
            ("t = 'd'", double),
            ("t = 'b'", f"{Class.BOOLEAN:d}"),
            ("t = 'a'", f"if(startsWith(x, '[\"'), {Class.WORDS:d}, {Class.NESTED:d})"),
            ("t = 'k'", f"{Class.NESTED:d}"),
        ),
        f"{Class.BLANK:d}",
    )


def _family() -> str:
    """Name and number of a key `k` of a numbered family, in one UInt32."""
    cases = []
    for prefix, first in words.FAMILIES.items():
        rest = f"substring(k, {len(prefix) + 1})"
        number = f"extract({rest}, '^(0|[1-9][0-9]{{0,5}})(?:[.]|$)')"
        member = table(words.SUFFIXES[prefix], f"substring({rest}, length({number}) + 1)", "UInt32")
        known = f"({first} + {member}) * 65536 + least(toUInt32OrZero({number}), {words.MAX_NUMBER})"
        cases.append(
            (
                f"startsWith(k, {quote(prefix)})",
                choose(
                    ((f"{number} != ''", known), (f"match({rest}, '^[!-/:-~]')", "0")),
                    f"{first * 65536 + words.MAX_NUMBER}",
                ),
            )
        )
    return f"toUInt32({choose(cases, '0')})"


def names(keys: str, own: str) -> str:
    """For every key its name and number in one UInt32; 0: unknown. From `own` on they are keys of a resource."""
    numbered = quote(f"^(?:{'|'.join(map(re.escape, words.FAMILIES))})")  # one search is cheaper than ten comparisons
    names_ = table({name: number << 16 for name, number in words.NAMES.items()}, "k", "UInt32")
    resource = table({name: number << 16 for name, number in words.RESOURCE.items()}, "k", "UInt32")
    return (
        f"arrayMap((n, k) -> if(n = 0 AND match(k, {numbered}), {_family()}, n), arrayConcat("
        f"arrayMap(k -> {names_}, arraySlice({keys}, 1, {own})), "
        f"arrayMap(k -> {resource}, arraySlice({keys}, {own} + 1))), {keys})"
    )


def codes(names_: str, kinds: str, texts: str, doubles: str) -> str:
    """The codes of known attributes, in the order of their names.

    Only the known ones are looked at, and only the beginnings of their texts: what the engine evaluates lazily it
    copies.
    """
    known = f"arrayFilter(n -> n > 0, {names_})"
    column = "arrayFilter((x, n) -> n > 0, {}, {})".format
    heads = column(f"arrayMap(x -> substring(x, 1, {HEAD}), {texts})", names_)
    role = f"n >= {0x2000 << 16} AND bitAnd(bitShiftRight(n, 16), 15) = 1"
    deciding = f"t = 's' AND (n < {(words.DECIDING + 1) << 16} OR ({role}))"
    word = f"if(match(x, '[^!-~]'), {words.ODD_WORD}, {table(words.WORDS, 'lower(x)', 'UInt64')})"
    code = (
        f"bitShiftLeft(toUInt64(n), 32) + bitShiftLeft(toUInt64(if({deciding}, {word}, 0)), {words.WORD}) "
        f"+ bitShiftLeft(toUInt64({_class()}), {words.CLASS}) + i"
    )
    return (
        f"arraySort(arrayMap((n, t, x, d, i) -> {code}, {known}, {column(kinds, names_)}, {heads}, "
        f"{column(doubles, names_)}, {column(f'arrayEnumerate({names_})', names_)}))"
    )


def held(names_: str, kinds: str, texts: str) -> str:
    """For every JSON text that is looked into, which keys stand in it; nothing where an escape may hide one."""
    hiding = quote(r"\\u00[2-7]")
    which = f"n IN ({', '.join(str(n << 16) for n in words.PATHED)}) AND t = 's' AND {_FIRST} IN (91, 123)"
    column = f"arrayFilter((y, n, t, x) -> {which} AND NOT match(x, {hiding}), {{}}, {names_}, {kinds}, {texts})".format
    keys = ", ".join(quote(f'"{key}"') for key in words.KEYS)
    bits = ", ".join(str(1 << n) for n in range(len(words.KEYS)))
    mask = (
        f"arraySum(arrayMap((p, b) -> if(p > 0, b, 0::UInt64), multiSearchAllPositions(x, [{keys}]), "
        f"[{bits}]::Array(UInt64)))"
    )
    code = f"bitShiftLeft(toUInt64({words.HELD} + bitShiftRight(n, 16)), {words.NAME}) + {mask}"
    return f"arraySort(arrayMap((n, x) -> {code}, {column(names_)}, {column(texts)}))"


def facts(status: str, message: str, events: str) -> str:
    """Codes of what is no attribute: the status and the names of events."""
    message_class = f"arrayMap(x -> {string_class()}, [substring({message}, 1, {HEAD})])[1]"
    return (
        f"arrayConcat([{words.STATUS << words.NAME} + bitShiftLeft(least({status}, 255)::UInt64, {words.WORD}), "
        f"{words.MESSAGE << words.NAME} + bitShiftLeft(toUInt64({message_class}), {words.CLASS})], "
        f"arrayMap(e -> bitShiftLeft({words.EVENT}::UInt64, {words.NAME}) + bitShiftLeft(e, {words.NUMBER}), "
        f"arrayDistinct(arrayFilter(e -> e > 0, arrayMap(e -> {table(words.EVENTS, 'e', 'UInt64')}, {events})))))"
    )
