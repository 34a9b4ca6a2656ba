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


def prepared(relation: str, input_text: str = "input", output_text: str = "output") -> str:
    """The rows of a relation with what `splice_sql` looks for in them: worked out once a row, not once a value."""
    plain = {
        f"{_NEEDLE}{letter}": f"if(length({text}) < {SHORTEST} OR position({text}, {_quote(_MARK)}) > 0, '', {text})"
        for text, letter in ((input_text, "i"), (output_text, "o"))
    }
    escaped = {
        name[:-1] + name[-1].upper(): f"if({_escape_sql(name)} = {name}, '', {_escape_sql(name)})" for name in plain
    }
    first, second = (", ".join(f"{made} AS {name}" for name, made in some.items()) for some in (plain, escaped))
    return f"(SELECT *, {second} FROM (SELECT *, {first} FROM {relation}))"


def splice_sql(values: str) -> str:
    """An expression over `prepared` rows: the map `values` with repeated texts replaced.

    A value that is a text as a whole is found by comparing. Searched are only the other long values, and they move
    behind the rest: an engine's lambda copies what it captures for every element.
    """
    keys, texts = f"mapKeys({values})", f"mapValues({values})"
    is_input, is_output = (f"p = if({_NEEDLE}{x} = '', 0, indexOf({texts}, {_NEEDLE}{x}))" for x in "io")
    searched = f"length(v) >= {SHORTEST} AND NOT ({is_input}) AND NOT ({is_output})"
    part = f"arrayFilter((x, v, p) -> {{1}}({searched}), {{0}}, {texts}, arrayEnumerate({keys}))".format
    others, places = part(texts, "NOT "), part(f"arrayEnumerate({keys})", "NOT ")
    plain = (
        f"multiIf({is_input}, {_quote(_SPLICED + _MARK + 'i')}, {is_output}, {_quote(_SPLICED + _MARK + 'o')}, "
        f"startsWith(v, {_quote(_MARK)}), concat({_quote(_RAW)}, v), v)"
    )
    return (
        f"mapFromArrays(arrayConcat({part(keys, 'NOT ')}, {part(keys, '')}), "
        f"arrayConcat(arrayMap((v, p) -> {plain}, {others}, {places}), "
        f"arrayMap(v -> {_spliced()}, {part(texts, '')})))"
    )


def _spliced() -> str:
    """One long value: marked when a text was found in it, as it is when none was, guarded when it holds a mark."""
    found = "v"
    for letter in "ioIO":
        found = f"replaceAll({found}, {_NEEDLE}{letter}, {_quote(_MARK + letter)})"  # an empty needle is never found
    marked = f"if(position({found}, {_quote(_MARK)}) = 0, v, concat({_quote(_SPLICED)}, {found}))"
    return (
        f"multiIf(position(v, {_quote(_MARK)}) = 0, {marked}, "
        f"startsWith(v, {_quote(_MARK)}), concat({_quote(_RAW)}, v), v)"
    )


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
