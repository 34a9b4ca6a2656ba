"""Numbers with their units, as values that can be compared: `2.55 grams` is `2,550 mg`, `a quarter of a day` is `six hours`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_UNITS: Final[dict[str, dict[str, float]]] = {
    "time": {
        "second seconds sec secs s segundos secondes sekunden sekunde": 1,
        "minute minutes min mins minuto minutos minuten": 60,
        "hour hours h hr hrs stunde stunden hora horas heure heures uhr": 3600,
        "day days tag tage tagen día días jour jours 24-hours": 86400,
        "week weeks woche wochen semana semanas semaine semaines": 604800,
        "month months monat monate monaten mes meses mois": 2629800,
        "quarter quarters": 7889400,
        "year years jahr jahre jahren año años an ans année années": 31557600,
        "decade decades": 315576000,
        "century centuries": 3155760000,
    },
    "mass": {"mcg microgram micrograms µg": 1e-6, "mg milligram milligrams": 1e-3, "g gram grams gramm": 1.0,
             "kg kilo kilos kilogram kilograms": 1e3, "ton tons tonne tonnes": 1e6, "oz ounce ounces": 28.3495, "lb lbs pound-mass": 453.592},
    "length": {"mm millimetre millimetres millimeter millimeters": 1e-3, "cm centimetre centimetres centimeter centimeters": 1e-2,
               "m metre metres meter meters": 1.0, "km kilometre kilometres kilometer kilometers": 1e3, "mile miles mi": 1609.34,
               "foot feet ft": 0.3048, "inch inches": 0.0254, "yard yards": 0.9144},
    "volume": {"ml millilitre millilitres milliliter milliliters": 1e-3, "l litre litres liter liters": 1.0, "gallon gallons": 3.785, "cup cups": 0.24},
    "energy": {"kwh": 1.0, "wh": 1e-3, "mwh": 1e3},
    "bytes": {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12},
    "dollar": {"dollar dollars usd $ bucks": 1.0, "cent cents": 0.01}, "krone": {"nok kroner krone dkk sek kronor": 1.0}, "franc": {"chf franc francs": 1.0},
    "euro": {"euro euros eur €": 1.0}, "pound": {"£ gbp quid": 1.0},
    "percent": {"% percent percentage prozent points point": 1.0},
    "times": {"times fold": 1.0}, "celsius": {"°c celsius": 1.0}, "fahrenheit": {"°f fahrenheit": 1.0},
}  # fmt: skip
_UNIT: Final = {
    word: (kind, factor) for kind, table in _UNITS.items() for many, factor in table.items() for word in many.split()
}
_SMALL: Final = {
    word: value
    for value, many in enumerate(
        ["zero null cero zéro", "one eins un uno", "two zwei dos deux", "three drei tres trois", "four vier cuatro quatre", "five fünf cinco cinq\n        ", "six sechs seis", "seven sieben siete sept", "eight acht ocho huit", "nine neun nueve neuf", "ten zehn diez dix", "eleven elf once onze", "twelve zwölf doce douze\n        ", "thirteen dreizehn trece treize", "fourteen vierzehn catorce quatorze", "fifteen fünfzehn quince quinze", "sixteen sechzehn", "seventeen siebzehn\n        ", "eighteen achtzehn", "nineteen neunzehn"]
    )
    for word in many.split()
}  # fmt: skip
_TENS: Final = {
    "twenty": 20,
    "zwanzig": 20,
    "veinte": 20,
    "vingt": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "treinta": 30,
    "cuarenta": 40,
    "trente": 30,
    "dreißig": 30,
    "vierzig": 40,
}
_SCALE: Final = {
    "hundred": 100,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "mio": 1e6,
    "millionen": 1e6,
    "mil": 1e3,
    "k": 1e3,
    "dozen": 12,
}
_TIMES: Final = {"twice": 2, "double": 2, "doubles": 2, "doubled": 2, "doubling": 2, "doppelt": 2, "triple": 3, "triples": 3, "tripled": 3, "thrice": 3, "quadruple": 4}  # fmt: skip
_FRACTION: Final = {
    "half": 0.5, "quarter": 0.25, "third": 1 / 3, "fifth": 0.2, "sixth": 1 / 6, "eighth": 0.125, "tenth": 0.1, "twelfth": 1 / 12, "twentieth": 0.05,
}  # fmt: skip
_TOKEN: Final = re.compile(r"(?<![^\W_])(?<![A-Z]-)\d+(?:[.,]\d+)*|°[cCfF]|[^\W\d_]+\d+|[^\W\d_]+|[%$€£°:]", re.UNICODE)
_CLOCK: Final = re.compile(
    r"(?<![\d:])(\d{1,2})(?:[:.h](\d{2}))?\s?(am|pm|a\.m\.|p\.m\.|uhr|o'clock)(?!\w)|(?<![\d:])(\d{1,2}):(\d{2})(?![\d:])",
    re.IGNORECASE,
)
_HOURS: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_SPOKEN: Final = re.compile(
    rf"\b(?:((?:half|quarter|\d{{1,2}}|five|ten|twenty(?:[- ]five)?))\s(past|to)\s({_HOURS}|\d{{1,2}})|({_HOURS})\so'?clock)\b"
    r"(?:\s(?:in the (?:morning|afternoon|evening)|at night))?",
    re.IGNORECASE,
)
_LATE: Final = re.compile(r"afternoon|evening|night")
_EACH: Final = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annually": "year", "annual": "year", "hourly": "hour", "quarterly": "quarter"}  # fmt: skip
_SOFT: Final = re.compile(
    r"\b(?:an?|per|each|every|pro|par|por|una?|une?|eine[nm]?)\s(second|minute|hour|day|week|month|quarter(?!\s(?:of|past|to|point))|year|decade|monat|jahr|tag|mes|año|jour|an)\b"
    rf"|\b(?:{'|'.join(_EACH)})\b",
    re.IGNORECASE,
)
_HALF: Final = re.compile(r"[ap]\.?m", re.IGNORECASE)
_SIGN: Final = {
    "$": "dollar", "€": "euro", "£": "pound", "eur": "euro", "usd": "dollar", "gbp": "pound", "nok": "krone", "sek": "krone", "dkk": "krone", "chf": "franc",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in the base unit of its kind (`number` when it has none), where it begins, and its text."""

    value: float
    kind: str
    start: int
    text: str
    soft: bool = False  # `a month`, `daily`: it may confirm a number, but states none itself.


@lru_cache(maxsize=1024)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Every quantity of a text, in order."""
    found = []
    taken: list[tuple[int, int]] = []
    for match in _CLOCK.finditer(text):
        found.append(_clock(match))
        taken.append(match.span())
    for match in _SPOKEN.finditer(text):
        if not any(a < match.end() and match.start() < b for a, b in taken) and (spoken := _spoken(match)) is not None:
            found.append(spoken)
            taken.append(match.span())
    tokens = [match for match in _TOKEN.finditer(text) if not any(a <= match.start() < b for a, b in taken)]
    at = 0
    while at < len(tokens):
        if (times := _TIMES.get(tokens[at][0].lower())) is not None:
            found.append(Quantity(float(times), "times", tokens[at].start(), tokens[at][0]))
            at += 1
            continue
        value, after = _number(tokens, at)
        if value is None:
            at += 1
            continue
        before = tokens[at - 1][0].lower() if at else ""
        found.append(_with_unit(value, before, tokens, at, after))
        at = after
    found += [_soft(match) for match in _SOFT.finditer(text)]
    return tuple(sorted(found, key=lambda quantity: quantity.start))


def _spoken(match: re.Match[str]) -> Quantity | None:
    """`twenty-five past eight`, `half past three`, `four o'clock`."""
    low = match[0].lower()
    told = match[3] or match[4]
    hour = int(told) if told.isdigit() else _SMALL.get(told.lower())
    if hour is None or hour > 12:
        return None
    # `nine to five` is a span, `at five to nine` is none.
    if low.split()[1] == "to" and match[1].lower() != "quarter" and not match.string[: match.start()].endswith("at "):
        return None
    minutes = 0
    if match[1]:
        before = [part for part in re.split(r"[\s-]+", match[1].lower()) if part]
        named = {"half": 30, "quarter": 15}
        parts = [named.get(one, _TENS.get(one, _SMALL.get(one, int(one) if one.isdigit() else 0))) for one in before]
        minutes = (-1 if match[2].lower() == "to" else 1) * sum(parts)
    value = hour * 60 + minutes + (720 if _LATE.search(low) and hour < 12 else 0)
    return Quantity(float(value), "clock", match.start(), match[0])


def _soft(match: re.Match[str]) -> Quantity:
    kind, factor = _UNIT[_EACH.get(match[0].lower(), (match[1] or "day").lower())]
    return Quantity(factor, kind, match.start(), match[0], soft=True)


def _clock(match: re.Match[str]) -> Quantity:
    hour, minute = int(match[1] or match[4]), int(match[2] or match[5] or 0)
    half = (match[3] or "").lower()
    if half.startswith("p") and hour < 12:
        hour += 12
    return Quantity(hour * 60 + minute, "clock", match.start(), match[0])


def _number(tokens: list[re.Match[str]], at: int) -> tuple[float | None, int]:
    """The number that begins at a token, in digits or words, and the place after it."""
    low = tokens[at][0].lower()
    value: float | None = None
    after = at + 1
    if low[0].isdigit():
        value = _digits(low)
    elif low in _TENS:
        value = _TENS[low]
        if after < len(tokens) and 0 < _SMALL.get(tokens[after][0].lower(), 0) < 10:
            value, after = value + _SMALL[tokens[after][0].lower()], after + 1
    elif low in _SMALL and low not in ("un", "once", "uno"):
        value = float(_SMALL[low])
    elif low in ("hundred", "thousand", "million", "dozen"):
        return _SCALE[low], after
    elif low in _FRACTION:
        ahead = tokens[after][0].lower() if after < len(tokens) else ""
        if ahead in ("a", "an") or (at and tokens[at - 1][0].lower() in ("a", "one", "by")):
            return _FRACTION[low], after
    if value is None:
        return None, after
    while after < len(tokens) and tokens[after][0].lower() in _SCALE:
        value, after = value * _SCALE[tokens[after][0].lower()], after + 1
    if [token[0].lower() for token in tokens[after : after + 3]] == ["and", "a", "half"]:
        return value + 0.5, after + 3
    return value, after


def _digits(raw: str) -> float:
    """`1,234.5`, `1.234,5`, `3.5` and `10,000` as people write them."""
    if "," in raw and "." in raw:
        raw = raw.replace(",", "") if raw.rfind(".") > raw.rfind(",") else raw.replace(".", "").replace(",", ".")
    elif raw.count(",") and all(len(part) == 3 for part in raw.split(",")[1:]):
        raw = raw.replace(",", "")
    else:
        raw = raw.replace(",", ".")
    if raw.count(".") > 1:
        raw = raw.replace(".", "")
    return float(raw[:300])


def _with_unit(value: float, before: str, tokens: list[re.Match[str]], at: int, after: int) -> Quantity:
    start = tokens[at].start()
    text = " ".join(token[0] for token in tokens[at:after])
    if before in _SIGN:
        return Quantity(value, _SIGN[before], start, f"{before} {text}" if before.isalpha() else before + text)
    if value == int(value) and 1100 <= value <= 2100 and tokens[at][0].isdigit() and len(tokens[at][0]) == 4:
        return Quantity(value, "number", start, text)
    following = [token[0].lower() for token in tokens[after : after + 3]]
    if (
        value <= 12
        and following[:1]
        and following[0] in ("in", "at")
        and set(following) & {"morning", "night", "evening", "afternoon"}
    ):
        return Quantity(value * 60 + (720 if "morning" not in following and value < 12 else 0), "clock", start, text)
    if following[:2] == ["quarters", "of"] and value <= 4:
        # `Three quarters of those who came` are no months.
        value, after, text = value / 4, after + 1, f"{text} quarters"
    for ahead in range(after, min(after + 3, len(tokens))):
        word = tokens[ahead][0].lower()
        if word == "an" and ahead + 1 < len(tokens) and tokens[ahead + 1][0].lower() in _UNIT:
            continue  # `half an hour`; `dix ans` is years.
        if word in _UNIT:
            kind, factor = _UNIT[word]
            if len(word) == 1 and word.isalpha() and ahead > after:
                break
            return Quantity(value * factor, kind, start, f"{text} {word}")
        if word not in ("business", "calendar", "working", "of", "a", "an", "or", "square", "us", "full", "written"):
            break
    return Quantity(value, "number", start, text)


def same(one: Quantity, other: Quantity, loose: float = 0.015) -> bool:
    """Whether two quantities say the same. A bare number agrees with the number that a unit was put to."""
    if one.kind == other.kind:
        if abs(one.value - other.value) <= 1e-9 * max(abs(one.value), abs(other.value)):
            return True
        # 1944 is not 1945; but 19,340 feet are 5,895 metres, and 384,400 may be told as 384,000.
        converted = one.text.split()[-1:] != other.text.split()[-1:] and one.kind not in ("number", "clock")
        rounded = min(abs(one.value), abs(other.value)) >= 10_000 and one.kind in ("number", "length", "dollar", "euro")
        near = abs(one.value - other.value) <= loose * max(abs(one.value), abs(other.value))
        return (near and (converted or rounded)) or (
            one.kind == "clock"
            and abs(one.value - other.value) == 720
            and not (_HALF.search(one.text) and _HALF.search(other.text))
        )
    temperature = {one.kind: one.value, other.kind: other.value}
    if "celsius" in temperature and "fahrenheit" in temperature:
        return abs(temperature["celsius"] * 1.8 + 32 - temperature["fahrenheit"]) < 1.5
    if {one.kind, other.kind} == {"clock", "time"}:
        clock, time = (one, other) if one.kind == "clock" else (other, one)
        return clock.value * 60 == time.value
    if "number" in temperature:
        left, right = _bare(one), _bare(other)
        return left is not None and right is not None and abs(left - right) <= 1e-9 * max(abs(left), 1)
    return False


def _bare(quantity: Quantity) -> float | None:
    """The number as it was written."""
    if quantity.kind == "clock":
        return quantity.value / 60
    return _written(quantity.text)


@lru_cache(maxsize=1024)
def _written(text: str) -> float | None:
    tokens = list(_TOKEN.finditer(text.lstrip("$€£")))
    return _number(tokens, 0)[0] if tokens else None
