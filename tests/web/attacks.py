"""Strings that have broken other programs, and where they can be put."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

_QUOTES: Final = (
    "'",
    '"',
    "`",
    "\\'",
    "''",
    "\\",
    "%27",
    "\u2019",
    "\x00'",
    ")",
    "')",
    "'))",
    "]",
    "}",
    "*/",
    "\n",
    "$$",
)
_TAILS: Final = (
    " OR 1=1 -- ",
    " UNION ALL SELECT * FROM spans -- ",
    "; DROP TABLE spans; -- ",
    " OR project != '' -- ",
    " UNION SELECT * FROM file('/etc/passwd', 'LineAsString', 's String') -- ",
    " UNION SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 's String') -- ",
    " INTO OUTFILE '/tmp/x' -- ",
    " AND sleep(3) -- ",
    " SETTINGS readonly=0 -- ",
    " FORMAT JSON",
    " || (SELECT version()) || ",
    ") OR (1=1",
    " LIMIT 1000000 -- ",
    " AND 1=(SELECT count() FROM system.tables) -- ",
    " /* ",
    " OR {project:String} != '' -- ",
    " GROUP BY 1 WITH TOTALS -- ",
    " PREWHERE 1 -- ",
    " OR has([1],1) -- ",
    " AND throwIf(1) -- ",
    " UNION SELECT * FROM executable('sh -c id', TSV, 's String') -- ",
    " UNION SELECT * FROM remote('127.0.0.1', system.one) -- ",
    " UNION SELECT * FROM mysql('h', 'd', 't', 'u', 'p') -- ",
    " UNION SELECT getSetting('readonly') -- ",
)
_ALONE: Final = (
    "{project:String}",
    "{v7:Array(String)}",
    "{{project}}",
    "%(project)s",
    "%s",
    "{0}",
    "{__class__}",
    "$(id)",
    "`id`",
    "\x00",
    "\ufeff",
    "\u202e",
    "😀" * 50,
    "a" * 1000,
    "-1",
    "1e309",
    "NaN",
    "inf",
    "-0",
    "0x10",
    "1_000",
    "١٢",
    "null",
    "None",
    "true",
    "[]",
    "{}",
    "''",
    "\\N",
    "\\x00",
    "\t",
    "\r\n",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "file:///etc/passwd",
    "now()",
    "toString(project)",
    "*",
    "%",
    "_",
    "__proto__",
    "constructor",
    "\\u0000",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "-- ",
    "#",
    ";",
    "?",
    "..",
    ".",
    ".lt",
    ".not",
    "=",
    "&",
    "''''''",
    '""""""',
    "\\\\\\'",
    "';",
    "\x1aI",
    "\x1aS",
)


def strings() -> list[str]:
    """At least five hundred of them, always the same ones."""
    pairs = [f"x{quote}{tail}" for quote, tail in itertools.product(_QUOTES, _TAILS)]
    return [*pairs, *_ALONE, *(f"{text}'" for text in _ALONE)]


NAMES: Final = (
    "q",
    "model",
    "model.not",
    "model.contains",
    "user",
    "session",
    "status",
    "tag",
    "tag.contains",
    "flag",
    "tool",
    "label",
    "id",
    "trace",
    "latency_ms.gt",
    "cost",
    "streaming",
    "attribute.a",
    "attribute.a.contains",
    "attribute.a.lt",
    "score.a",
    "score.a.lt",
    "score.a.contains",
    "signal.a",
    "signal.a.gt",
    "signal.a.exists",
    "input.contains",
    "output.contains",
    "kind",
    "limit",
    "cursor",
    "from",
    "to",
)


def queries() -> Iterator[tuple[str, str]]:
    """Every string as the value of a parameter (each parameter gets many), and inside the names of parameters."""
    names = itertools.cycle(NAMES)
    for text in strings():
        yield next(names), text
        yield next(names), text
    for text in strings()[::7]:
        yield f"attribute.{text}", "x"
        yield f"score.{text}.lt", "1"
        yield f"signal.{text}", "1"
        yield text, "x"
