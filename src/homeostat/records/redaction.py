"""Secrets and personal data taken out of a text, before it leaves. Pure, linear in time, the same in SDK and gateway.

What is found is replaced by what it was: `[email]`, `[phone]`, `[card]`, `[iban]`, `[ip]`, `[key]`, `[token]`,
`[private key]`. Numbers are checked (Luhn for cards, mod 97 for IBANs), so that order numbers stay.

No pattern has a repetition inside a repetition, and every repetition has an end: a text made to be slow is not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Check = Callable[["re.Match[str]"], int]
"""Where what was matched really ends; 0: it is not what it looked like."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What it is called, how it looks, what betrays it cheaply, and a check of what matched."""

    name: str
    pattern: re.Pattern[str]
    needs: tuple[str, ...] = ()
    """One of these stands in every text that matches: looking for them is ten times as fast."""
    near: re.Pattern[str] | None = None
    """Something in every match that is quickly found; the pattern itself is only tried around it."""
    reach: int = 0
    """How far from there a match begins or ends at most."""
    holds: Check | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One place in a text, and what stands there."""

    name: str
    start: int
    end: int


def _luhn(match: re.Match[str]) -> int:
    """A payment card's number."""
    digits = [int(char) for char in match[0] if char.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return 0
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2])
    return match.end() if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else 0


#: Letters and digits of a bank account number, by country.
_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip


def _iban(match: re.Match[str]) -> int:
    """A country's number of letters, and check digits that fit."""
    left, text, end = _IBAN_LENGTHS.get(match[0][:2], 0), "", match.start()
    for char in match[0]:
        if not left:
            break
        end += 1
        if char.isalnum():
            text += char.upper()
            left -= 1
    if left or not text:
        return 0
    return end if int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1 else 0


_DATE: Final = re.compile(r"\d{1,2}[./ -]\d{1,2}[./ -](?:19|20)\d\d|(?:19|20)\d\d[./ -]\d{1,2}[./ -]\d{1,2}")
_AMERICAN: Final = re.compile(r"(?:1[ .-])?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{4}")
_ABROAD: Final = re.compile(r"(?:\+|00)[1-9]")
_AT_HOME: Final = re.compile(r"\(?0[1-9]\d{0,4}\)?[ ./-]")


def _phone(match: re.Match[str]) -> int:
    """Written as telephone numbers are: with a country, with a leading zero, or as in America. Else it is a number."""
    text = match[0]
    while text:
        digits = sum(char.isdigit() for char in text)
        if digits < 7:
            return 0
        if (
            (_ABROAD.match(text) and digits <= 15)
            or _AMERICAN.fullmatch(text)
            or (_AT_HOME.match(text) and 9 <= digits <= 12 and not _DATE.match(text))
        ):
            return match.start() + len(text)
        shorter = text.rstrip("0123456789").rstrip(" ()./-")
        text = "" if shorter == text else shorter
    return 0


def _address(match: re.Match[str]) -> int:
    """An address in a network; not a version, not a mask, not one that means nobody in particular."""
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return 0
    nobody = address.is_loopback or address.is_unspecified or match[0].startswith("255.")
    return 0 if nobody else match.end()


def _secret(match: re.Match[str]) -> int:
    """Random enough to be one: letters and digits mixed, or small and capital letters."""
    value = match["value"]
    letters = any(char.isalpha() for char in value)
    mixed = any(char.isupper() for char in value[1:]) and any(char.islower() for char in value)
    return match.end("value") if letters and (mixed or any(char.isdigit() for char in value)) else 0


#: What may stand before or after something that is a whole of its own; `%20` and `\\n` end in letters that are none.
_LEFT: Final = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
_RIGHT: Final = r"(?![A-Za-z0-9])"


def _rule(
    name: str, pattern: str, *needs: str, near: str = "", reach: int = 0, holds: Check | None = None, flags: int = 0
) -> Rule:
    about = re.compile(near, re.ASCII) if near else None
    return Rule(name, re.compile(pattern, re.ASCII | flags), needs, about, reach, holds)


#: As it is, escaped once or twice, or as a part of an address.
_QUOTE: Final = r"(?:\\{0,3}[\"']|%22|%27)?"
_SPACE: Final = r"(?:\s|%20|\+){0,3}"

SECRETS: Final = (
    _rule("token", _LEFT + r"eyJ[A-Za-z0-9_-]{6,4000}\.[A-Za-z0-9_-]{4,8000}(?:\.[A-Za-z0-9_-]{0,4000})?", "eyJ"),
    _rule("key", _LEFT + r"sk-(?:ant-|proj-|svcacct-|admin-|or-v1-|lf-)?[A-Za-z0-9_-]{16,300}", "sk-"),
    _rule("key", _LEFT + r"(?:sk|rk|pk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,200}", "sk_", "rk_", "pk_", "whsec_"),
    _rule("key", _LEFT + r"hs_[A-Za-z0-9]{6,40}_[A-Za-z0-9_-]{20,120}", "hs_"),
    _rule("key", _LEFT + r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}" + _RIGHT, "AKIA", "ASIA", "AROA", "AIDA"),
    _rule("key", _LEFT + r"gh[pousr]_[A-Za-z0-9]{30,255}", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _rule("key", _LEFT + r"github_pat_[A-Za-z0-9_]{30,255}", "github_pat_"),
    _rule("key", _LEFT + r"glpat-[A-Za-z0-9_-]{18,100}", "glpat-"),
    _rule("key", _LEFT + r"xox[abeoprs]-[A-Za-z0-9-]{10,250}", "xox"),
    _rule("key", r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,100}", "hooks.slack.com"),
    _rule("key", _LEFT + r"AIza[A-Za-z0-9_-]{30,45}", "AIza"),
    _rule("key", _LEFT + r"ya29\.[A-Za-z0-9_-]{20,500}", "ya29."),
    _rule("key", _LEFT + r"hf_[A-Za-z0-9]{20,100}", "hf_"),
    _rule("key",
          _LEFT + r"(?:gsk|xai|r8|lin_api|dop_v1|npm|pplx|nvapi|fw|tvly|shpat|lsv2_[ps][tk])[_-][A-Za-z0-9_]{20,200}",
          "gsk_", "xai-", "r8_", "lin_api_", "dop_v1_", "npm_", "pplx-", "nvapi-", "fw_", "tvly-", "shpat_", "lsv2_"),
    _rule("key", _LEFT + r"pypi-[A-Za-z0-9_-]{40,300}", "pypi-"),
    _rule("key", _LEFT + r"SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{16,80}", "SG."),
    _rule("key", _LEFT + r"(?:AC|SK)[0-9a-f]{32}" + _RIGHT, "AC", "SK"),
    _rule("key", _LEFT + r"key-[0-9a-f]{32}" + _RIGHT, "key-"),
    _rule(
        "token",
        _LEFT + r"(?:bearer|basic)(?:\s|%20|\+|\\u0020){1,3}(?P<value>[A-Za-z0-9._~+/=-]{16,4000})",
        "earer", "EARER", "asic", "ASIC", holds=_secret, flags=re.I,
    ),
    _rule(
        "key",
        r"(?:api[_-]?key|secret|access[_-]?key|auth[_-]?token|access[_-]?token|client[_-]?secret|passw(?:or)?d|pwd)"
        r"[A-Za-z_]{0,20}" + _QUOTE + _SPACE + r"(?:[:=]|%3D|%3A|=>)" + _SPACE + _QUOTE +
        r"(?P<value>[A-Za-z0-9._~+/!@#$^&*-]{8,400}=?=?)",
        "key", "KEY", "Key", "ecret", "ECRET", "oken", "OKEN", "assw", "ASSW", "pwd", "PWD", holds=_secret, flags=re.I,
    ),
    _rule("key", r"://[^\s/:@\"']{1,100}:(?P<value>[^\s/@\"']{3,200})@", "://"),
)  # fmt: skip
"""What opens doors."""

#: Where digits stand close together: numbers of telephones, cards, machines.
_NUMBER: Final = r"[\d+(][\d ()./+-]{6,}"

PERSONAL: Final = (
    _rule(
        "email",
        r"[A-Za-z0-9_.+-]{1,64}(?:@|%40|&#64;|\\u0040)(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}" + _RIGHT,
        "@", "%40", "&#64;", "u0040", near=r"@|%40|&#64;|\\u0040", reach=300,
    ),
    _rule("iban", _LEFT + r"[A-Z]{2}[0-9]{2}(?:[ \u00a0-]?[A-Za-z0-9]{1,4}){3,9}" + _RIGHT,
          near=r"[A-Z]{2}\d\d[ \u00a0-]?[A-Za-z0-9]", reach=60, holds=_iban),
    _rule("card", r"(?<![\d.])(?<!\d[ -])[2-6]\d{3}(?:[ -]?\d){9,15}(?!\d)", near=_NUMBER, holds=_luhn),
    _rule("ip", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)", near=_NUMBER, holds=_address),
    _rule("ip", r"(?<![0-9A-Fa-f:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}(?![0-9A-Fa-f:])",
          near=r":[0-9A-Fa-f]{0,4}:", reach=45, holds=_address),
    _rule("phone", r"(?<![\w+.,=/-])(?:\+|\(|\d)[\d ()./-]{5,24}\d(?!\w)", near=_NUMBER, holds=_phone),
)  # fmt: skip
"""What belongs to a person."""

_BEGIN: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END: Final = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
RULES: Final = (*SECRETS, *PERSONAL)


def found(text: str) -> list[Found]:
    """Every place with a secret or personal data, in order, none inside another.

    >>> [(each.name, each.start, each.end) for each in found("a@b.org sk-0123456789abcdef")]
    [('email', 0, 7), ('key', 8, 27)]
    """
    places = _private_keys(text)
    zones: dict[re.Pattern[str], list[tuple[int, int]]] = {}
    for rule in RULES:
        if rule.needs and not any(need in text for need in rule.needs):
            continue
        if rule.near is None:
            where = [(0, len(text))]
        else:
            where = zones.get(rule.near) or zones.setdefault(rule.near, _zones(text, rule.near, rule.reach))
        for start, end in where:
            for match in rule.pattern.finditer(text, start, end):
                part = "value" if "value" in match.re.groupindex else 0
                first, last = match.start(part), match.end(part) if rule.holds is None else rule.holds(match)
                if last:
                    places.append(Found(rule.name, first, last))
    places.sort(key=lambda each: (each.start, -each.end))
    kept: list[Found] = []
    for place in places:
        if not kept or place.start >= kept[-1].end:
            kept.append(place)
    return kept


def _zones(text: str, near: re.Pattern[str], reach: int) -> list[tuple[int, int]]:
    """Stretches of the text around what betrays a match, none over another."""
    zones: list[tuple[int, int]] = []
    for match in near.finditer(text):
        start, end = max(0, match.start() - reach), min(len(text), match.end() + reach)
        if zones and start <= zones[-1][1]:
            zones[-1] = (zones[-1][0], end)
        else:
            zones.append((start, end))
    return zones


def _private_keys(text: str) -> list[Found]:
    """From BEGIN to END; to the end of the text where END was cut off."""
    places: list[Found] = []
    here = 0
    while (begin := _BEGIN.search(text, here) if "PRIVATE KEY" in text else None) is not None:
        end = _END.search(text, begin.end())
        here = len(text) if end is None else end.end()
        places.append(Found("private key", begin.start(), here))
    return places


def redacted(text: str) -> str:
    """The text with each such place replaced by what it was.

    >>> redacted("Mail anna@example.org from 10.1.2.3, card 4111 1111 1111 1111, order 4111 1111 1111 1112.")
    'Mail [email] from [ip], card [card], order 4111 1111 1111 1112.'
    """
    places = found(text)
    if not places:
        return text
    parts: list[str] = []
    last = 0
    for place in places:
        parts += (text[last : place.start], f"[{place.name}]")
        last = place.end
    return "".join([*parts, text[last:]])
