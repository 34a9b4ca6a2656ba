"""Texts that speak to the judge instead of to the person: found before a judge reads them.

A judge that obeys what it reads gives any verdict that it is told to. No prompt prevents that for certain, so a text
with such marks gets no verdict at all; the exchange is shown as suspicious, for a human's eye. These are signs, not
proofs: they find known ways of writing an injection, in several languages and disguises.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import resources
from typing import Final
from urllib.parse import unquote

from homeostat.analyze.scorers.case import Case

#: Characters of a text that are looked at: its beginning and its end.
LOOKED_AT: Final = 60_000
_TAGS: Final = re.compile("[\U000e0000-\U000e007f]")
_DIRECTION: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE: Final = re.compile("[\u200b\u200c\u200d\u2060-\u2064\ufeff\u00ad\u180e]")
_BETWEEN_LETTERS: Final = re.compile("[A-Za-z][\u200b\u200c\u200d\u2060-\u2064\ufeff\u00ad][A-Za-z]")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{12,4000}={0,2}")
_VALUE: Final = re.compile(r"\"\w{1,40}\": ?\"")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){16,2000}")
_LOOKALIKES: Final = str.maketrans("аеорсухіАЕОРСУХІВКМНТ", "aeopcyxiAEOPCYXIBKMHT")
_LEET: Final = str.maketrans("013457@$", "oieastas")


def suspicion(case: Case) -> str:
    """What is suspicious about this exchange, in words; empty: nothing."""
    for where, text in _parts(case):
        found = sign(text)
        if found:
            return f"the {where} {found}"
    return ""


@lru_cache(maxsize=1024)
def sign(text: str) -> str:
    """What is suspicious about a text; empty: nothing. Documents and system prompts come again and again."""
    if len(text) > LOOKED_AT:
        text = text[: LOOKED_AT // 2] + "\n" + text[-LOOKED_AT // 2 :]
    if _TAGS.search(text):
        return "hides text in characters that cannot be seen"
    if _DIRECTION.search(text) and not any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        return "turns the direction of its text"
    if len(_BETWEEN_LETTERS.findall(text)) >= 3:
        return "hides characters between letters"
    for reading in _readings(text):
        for name, pattern in signs():
            if pattern.search(reading):
                return name
    return ""


@cache
def signs() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What to look for: what it says of a text, and the pattern. Data: `signs.toml`."""
    data = tomllib.loads(resources.files(__package__).joinpath("signs.toml").read_text("utf-8"))
    signs = []
    for sign in data["sign"]:
        pattern = sign["pattern"]
        for word, alternatives in data["words"].items():
            pattern = pattern.replace("{" + word + "}", alternatives)
        signs.append((sign["says"], re.compile(pattern, re.IGNORECASE | re.MULTILINE)))
    return tuple(signs)


def _parts(case: Case) -> Iterator[tuple[str, str]]:
    yield "answer", case.output
    yield "question", case.input
    for document in case.documents:
        yield "documents", document


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, and as it reads once its disguises are taken off."""
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    yield plain
    unmasked = plain.translate(_LOOKALIKES)
    if unmasked != plain:
        yield unmasked
    decoded = unicodedata.normalize("NFKC", html.unescape(unquote(plain)))
    if decoded != plain:
        yield decoded
    if '": "' in plain or '":"' in plain:
        yield _VALUE.sub("\n", plain).replace("\\n", "\n").replace('\\"', '"')
    yield from _encoded(plain)
    short = plain[:4000]
    spaced = re.sub(r"\b((?:\w[ .\-_*]){4,}\w)\b", lambda found: re.sub(r"[ .\-_*]", "", found[1]), short)
    if spaced != short:
        yield spaced
    if any(char in short for char in "013457@$"):
        yield short.translate(_LEET)
    if re.search(r"\b(?:vtaber|qvfertneq|vafgehpgvba\w*|fpber|ireqvpg)\b", short, re.IGNORECASE):
        yield codecs.decode(short, "rot13")
    if re.search(r"\b(?:erongi|drageris[dD]?|snoitcurtsni|tcidrev|erocs)\b", short, re.IGNORECASE):
        yield short[::-1]


def _encoded(text: str) -> Iterator[str]:
    for piece in _BASE64.findall(text)[:50]:
        raw = piece.rstrip("=").replace("-", "+").replace("_", "/")
        with_padding = raw + "=" * (-len(raw) % 4)
        try:
            decoded = base64.b64decode(with_padding, validate=True).decode()
        except (ValueError, binascii.Error):
            continue
        if _readable(decoded):
            yield decoded
    for piece in _HEX.findall(text)[:50]:
        try:
            decoded = bytes.fromhex(re.sub(r"[ :]", "", piece)).decode()
        except ValueError:
            continue
        if _readable(decoded):
            yield decoded


def _readable(text: str) -> bool:
    return text.translate({9: None, 10: None, 13: None}).isprintable()
