"""The alias table as numbers: every name that it knows has one, so the shape of a span is an array of numbers.

A code, from its high bits: 16 bits which name, 16 bits which N of a numbered family, 8 bits which word the value is
(for the few names whose words decide), 8 bits what kind of value it is, 16 bits where it stands among the attributes.
Without its last 16 bits a code belongs to the shape; two spans of one shape are read the same way.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final

from homeostat.observe.dialects import FACT_MARKS, FIELDS, OP_MARKS, OPS, WRAPPERS, Alias, Indexed

NAME, NUMBER, WORD, CLASS = 48, 32, 24, 16  # by how many bits each part is shifted
MAX_NUMBER: Final = 0xFFFF  # also: "no number stands there"


class Class(IntEnum):
    """What an attribute's value is, as far as the readers care."""

    BLANK = 0  # absent, whatever the reader
    TEXT = 1  # a string that is surely no JSON
    DIGITS = 2  # a string of one to nine digits
    BOOLEAN = 3  # true or false, also as a string
    JSON = 4  # a string that may be JSON
    ZERO = 5
    INTEGER = 6  # 1 to 999,999,999
    DECIMAL = 7  # above 0, at most 4,294,967,295
    NUMBER = 8  # any other number
    WORDS = 9  # a list whose first element is a string
    NESTED = 10  # any other list, a map
    ODD = 11  # begins with too much white space to tell, or as an object's address does


ROLES: Final = ("user", "human", "assistant", "ai", "model", "system", "developer", "tool")


def _attribute_names() -> tuple[list[str], list[str]]:
    """(names whose word decides, all other names) of attributes of the row itself."""
    deciding = [alias.key for alias in FIELDS[0].aliases if isinstance(alias, Alias)]
    other: list[str] = []
    for field in FIELDS:
        for alias in field.aliases:
            if isinstance(alias, Alias):
                if alias.where == "attributes":
                    other.append(alias.key)
                if alias.when is not None and alias.when[0] != "status_code":
                    deciding.append(alias.when[0])
    deciding += [name for wrapper in WRAPPERS for name in (wrapper.key, wrapper.hidden[0])]
    other += [name for name, _ in OP_MARKS]
    other += [name for wrapper in WRAPPERS for name in wrapper.needs]
    other += FACT_MARKS.attributes
    deciding = list(dict.fromkeys(deciding))
    prefixes = {alias.prefix for field in FIELDS for alias in field.aliases if isinstance(alias, Indexed)}
    numbered = re.compile(f"(?:{'|'.join(map(re.escape, prefixes))})[0-9]")
    return deciding, [name for name in dict.fromkeys(other) if name not in deciding and not numbered.match(name)]


_DECIDING, _OTHER = _attribute_names()

#: name of an attribute -> its number; the deciding ones come first.
NAMES: Final[dict[str, int]] = {name: n for n, name in enumerate([*_DECIDING, *_OTHER], 1)}
DECIDING: Final = len(_DECIDING)

_RESOURCE: Final = list(dict.fromkeys(
    alias.key for field in FIELDS for alias in field.aliases if isinstance(alias, Alias) and alias.where == "resource"
))  # fmt: skip
#: name of a resource attribute -> its number.
RESOURCE: Final[dict[str, int]] = {name: n for n, name in enumerate(_RESOURCE, 0x1000)}

#: prefix of a family of numbered attributes -> the number of its first member.
FAMILIES: Final[dict[str, int]] = {
    prefix: 0x2000 + 16 * n
    for n, prefix in enumerate(sorted({a.prefix for field in FIELDS for a in field.aliases if isinstance(a, Indexed)}))
}


def _suffixes(prefix: str) -> dict[str, int]:
    """What may follow the N: 1 is the role, 2 the text, from 3 what says nothing about the text."""
    members = [
        alias for field in FIELDS for alias in field.aliases if isinstance(alias, Indexed) and alias.prefix == prefix
    ]
    roles = {alias.role for alias in members if alias.role}
    contents = {suffix for alias in members for suffix in alias.suffixes if suffix in (".message.content", ".content")}
    if not roles or len(contents) != 1:
        return {}
    return {roles.pop(): 1, contents.pop(): 2, ".finish_reason": 3}


#: Per family, the members that SQL can read; 0 is any other.
SUFFIXES: Final[dict[str, dict[str, int]]] = {prefix: _suffixes(prefix) for prefix in FAMILIES}

#: Attributes that hold so much that Python reads them whatever they say: their keys need no room.
_WHOLE: Final = (
    "ai.response.providerMetadata",
    "genkit:output",
    "langfuse.observation.usage_details",
    "mastra.metadata.body",
    "mastra.metadata.modelMetadata",
)
_STEPS: Final = [
    (NAMES[alias.key], alias.path[0], alias.read != "text")
    for field in FIELDS
    for alias in field.aliases
    if isinstance(alias, Alias) and alias.where == "attributes" and alias.path and alias.key in NAMES
    if alias.key not in _WHOLE
]
#: Names of attributes whose JSON is looked into, and the keys that are asked for first.
PATHED: Final = sorted({name for name, step, _ in _STEPS if isinstance(step, str)})
#: As many as a code has room for, those that lead to a text first.
KEYS: Final = list(
    dict.fromkeys(step for _, step, _ in sorted(_STEPS, key=lambda one: (one[2], str(one[1]))) if isinstance(step, str))
)[:48]
HELD: Final = 0x4000  # plus the name; then 48 bits: which of the keys stand in that text

#: Facts about a row that are no attributes.
STATUS: Final = 0x3000  # word: the status code
MESSAGE: Final = 0x3001  # class: of the status message
EVENT: Final = 0x3002  # number: which event

#: The words that decide, lower case -> number.
_HIDDEN: Final = [wrapper.hidden[1].lower() for wrapper in WRAPPERS]
WORDS: Final[dict[str, int]] = {word: n for n, word in enumerate(dict.fromkeys([*OPS, *ROLES, "error", *_HIDDEN]), 1)}
ODD_WORD: Final = 255  # it has white space in it, or is not ASCII: Python may see a word where SQL sees none
WORD_OF: Final[dict[int, str]] = {n: word for word, n in WORDS.items()}

#: name of a span event that an alias reads -> its number; a plan that needs one of them is not made.
EVENTS: Final[dict[str, int]] = {
    name: n
    for n, name in enumerate(
        dict.fromkeys(
            [a.key for f in FIELDS for a in f.aliases if isinstance(a, Alias) and a.where == "event"]
            + list(FACT_MARKS.events)
        ),
        1,
    )
}
