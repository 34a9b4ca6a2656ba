"""A text is stored once: attribute values that repeat a row's `input` or `output` hold a short marker in its place.

Instrumentors write the prompt and the answer up to four times a span (plain, in JSON messages, in two vocabularies).
Compression does not see far enough to notice. So when `spans` is filled, every long attribute value in which `input`
or `output` stands (as it is, or escaped for JSON) is spliced; reading gives back exactly what came. A value that was
spliced begins with `\\x1aS`. A value that by chance begins with `\\x1a` is stored behind `\\x1aR`, and one that holds
`\\x1a` anywhere is never spliced: so nothing is ambiguous.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Shorter values and texts are not worth a marker.
SHORTEST: Final = 48
_MARK: Final = "\x1a"
_SPLICED: Final = _MARK + "S"
_RAW: Final = _MARK + "R"
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


def _markers(input_text: str, output_text: str) -> tuple[tuple[str, str], ...]:
    return (
        (_MARK + "O", escape(output_text)),
        (_MARK + "I", escape(input_text)),
        (_MARK + "o", output_text),
        (_MARK + "i", input_text),
    )


def splice_sql(values: str, input_text: str = "input", output_text: str = "output") -> str:
    """An expression: the map `values` with repeated texts replaced. The arguments are expressions over the row.

    Only long values are looked at, and they move behind the short ones: an engine's lambda copies what it captures
    for every element, so the texts are captured for a few values and not for all.
    """
    keys, texts = f"mapKeys({values})", f"mapValues({values})"
    long, short = f"length(v) >= {SHORTEST}", f"length(v) < {SHORTEST}"
    raw = f"if(startsWith(v, {_quote(_MARK)}), concat({_quote(_RAW)}, v), v)"
    spliced = f"arrayMap(v -> {_spliced(input_text, output_text)}, arrayFilter(v -> {long}, {texts}))"
    return (
        f"mapFromArrays(arrayConcat(arrayFilter((k, v) -> {short}, {keys}, {texts}), "
        f"arrayFilter((k, v) -> {long}, {keys}, {texts})), "
        f"arrayConcat(arrayMap(v -> {raw}, arrayFilter(v -> {short}, {texts})), {spliced}))"
    )


def _spliced(input_text: str, output_text: str) -> str:
    """One long value: marked when a text was found in it, as it is when none was, guarded when it holds a mark."""
    found = "v"
    for text, letter in _needles(input_text, output_text):
        found = f"replaceAll({found}, {text}, {_quote(_MARK + letter)})"
    marked = f"if(position({found}, {_quote(_MARK)}) = 0, v, concat({_quote(_SPLICED)}, {found}))"
    return (
        f"multiIf(position(v, {_quote(_MARK)}) = 0, {marked}, "
        f"startsWith(v, {_quote(_MARK)}), concat({_quote(_RAW)}, v), v)"
    )


def _needles(input_text: str, output_text: str) -> list[tuple[str, str]]:
    """What is looked for, with its letter; an empty needle is never found."""
    plain = [(text, f"if(length({text}) < {SHORTEST} OR position({text}, {_quote(_MARK)}) > 0, '', {text})", letter)
             for text, letter in ((input_text, "i"), (output_text, "o"))]  # fmt: skip
    escaped = [
        (f"if({_escape_sql(text)} = {text}, '', {_escape_sql(usable)})", letter.upper())
        for text, usable, letter in plain
    ]
    return [(usable, letter) for _, usable, letter in plain] + escaped


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
