"""A text is stored once: attribute values that repeat a row's `input` or `output` hold a short marker in its place.

Instrumentors write the prompt and the answer up to four times a span (plain, in JSON messages, in two vocabularies).
Compression does not see far enough to notice. So when `spans` is filled, every long attribute value in which `input`
or `output` stands (as it is, or escaped for JSON) is spliced; reading gives back exactly what came. A value that was
spliced begins with `\\x1aS`. A value that by chance begins with `\\x1a` is stored behind `\\x1aR`, and one that holds
`\\x1a` anywhere is never spliced: so nothing is ambiguous.
"""

# ruff: noqa: S608 (SQL made of our own names only; values never enter it as text)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

#: Shorter values and texts are not worth a marker.
SHORTEST: Final = 48
_MARK: Final = "\x1a"
_SPLICED: Final = _MARK + "S"
_RAW: Final = _MARK + "R"
#: How the columns are called that hold what is looked for; the letter of a text comes behind it.
_NEEDLE: Final = "splice_"
#: What stands between values that are searched together.
_BETWEEN: Final = _MARK + "V"
#: Written in this order, read in the reverse one.
_ESCAPES: Final = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def escape(text: str) -> str:
    """The text as it stands inside a JSON string. Rarer control characters stay: then it just does not match."""
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return text


def restore(attributes: Mapping[str, str], input_text: str, output_text: str) -> dict[str, str]:
    """The attributes as they came."""
    return {key: restore_value(value, input_text, output_text) for key, value in attributes.items()}


def restore_value(value: str, input_text: str, output_text: str) -> str:
    """One value as it came."""
    if not value.startswith(_MARK):
        return value
    rest = value[2:]
    if value.startswith(_RAW):
        return rest
    for marker, text in _markers(input_text, output_text):
        rest = rest.replace(marker, text)
    return rest


def splice(attributes: Mapping[str, str], input_text: str, output_text: str) -> dict[str, str]:
    """What `splice_sql` stores of attributes, for rows that Python has in hand."""
    texts = [text if len(text) >= SHORTEST and _MARK not in text else "" for text in (input_text, output_text)]
    escaped = [changed if (changed := escape(text)) != text else "" for text in texts]
    needles = [(text, _MARK + letter) for text, letter in zip((*texts, *escaped), "ioIO", strict=True) if text]
    return {key: _spliced_value(value, needles) for key, value in attributes.items()}


def _spliced_value(value: str, needles: Sequence[tuple[str, str]]) -> str:
    if _MARK in value:
        return _RAW + value if value.startswith(_MARK) else value
    if len(value) < SHORTEST:
        return value
    found = value
    for text, marker in needles:
        found = found.replace(text, marker)
    return value if found == value else _SPLICED + found


def _markers(input_text: str, output_text: str) -> tuple[tuple[str, str], ...]:
    return (
        (_MARK + "O", escape(output_text)),
        (_MARK + "I", escape(input_text)),
        (_MARK + "o", output_text),
        (_MARK + "i", input_text),
    )


def prepared(relation: str, keys: str, values: str) -> str:
    """The rows of a relation with what `SPLICED` is made of, for attributes whose keys and values are these arrays.

    Values that are a text as a whole are found by comparing. Searched are only the other long ones, all of a row at
    once behind each other: an engine's lambda copies what it captures for every element. They move behind the rest.
    """
    mark = _quote(_MARK)
    needles = {
        f"{_NEEDLE}{letter}": f"if(length({text}) < {SHORTEST} OR position({text}, {mark}) > 0, '', {text})"
        for letter, text in (("i", "input"), ("o", "output"))
    }
    found = {
        f"splice_at_{letter}": f"if({_NEEDLE}{letter} = '', 0, indexOf(splice_values, {_NEEDLE}{letter}))"
        for letter in "io"
    }
    escaped = {f"{_NEEDLE}{letter.upper()}": _escaped_sql(f"{_NEEDLE}{letter}") for letter in "io"}
    searched = (
        f"arrayMap((v, p) -> ((length(v) < {SHORTEST}) + (p = splice_at_i) + (p = splice_at_o) "
        f"+ (position(v, {mark}) > 0)) = 0, splice_values, arrayEnumerate(splice_values))"
    )
    for made in (needles | {"splice_keys": keys, "splice_values": values}, found | escaped, {"splice_long": searched}):
        relation = f"(SELECT *, {', '.join(f'{text} AS {name}' for name, text in made.items())} FROM {relation})"
    return relation


def _spliced() -> str:
    mark, part = _quote(_MARK), "arrayFilter((x, l) -> {}l, {}, splice_long)".format
    whole = ", ".join(f"p = splice_at_{letter}, {_quote(_SPLICED + _MARK + letter)}" for letter in "io")
    plain = f"multiIf({whole}, startsWith(v, {mark}), concat({_quote(_RAW)}, v), v)"
    long_ = part("", "splice_values")
    once = _replaced(f"arrayStringConcat({long_}, {_quote(_BETWEEN)})", "io")
    both = f"if(splice_I = '' AND splice_O = '', {once}, {_replaced(once, 'IO')})"
    places = part("NOT ", "arrayEnumerate(splice_values)")
    return (
        f"mapFromArrays(arrayConcat({part('NOT ', 'splice_keys')}, {part('', 'splice_keys')}), arrayConcat("
        f"arrayMap((v, p) -> {plain}, {part('NOT ', 'splice_values')}, {places}), "
        f"arrayMap(v -> if(position(v, {mark}) = 0, v, concat({_quote(_SPLICED)}, v)), "
        f"arraySlice(splitByString({_quote(_BETWEEN)}, {both}), 1, length({long_})))))"
    )


def _replaced(text: str, letters: str) -> str:
    for letter in letters:
        text = f"replaceAll({text}, {_NEEDLE}{letter}, {_quote(_MARK + letter)})"  # an empty needle is never found
    return text


def _escaped_sql(text: str) -> str:
    """A text as it stands in JSON; empty where it stands there as it is."""
    return f"if({_escape_sql(text)} = {text}, '', {_escape_sql(text)})"


def _escape_sql(text: str) -> str:
    for plain, escaped in _ESCAPES:
        text = f"replaceAll({text}, {_quote(plain)}, {_quote(escaped)})"
    return text


def _quote(text: str) -> str:
    """A literal of our own constants."""
    return (
        "'"
        + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
        + "'"
    )


#: The map of spliced attributes, over rows that are `prepared`.
SPLICED: Final = _spliced()
