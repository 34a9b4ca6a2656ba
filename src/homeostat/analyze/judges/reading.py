"""A judge's answer, read strictly: exactly the object that was asked for, or no verdict at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from homeostat.analyze.judges.prompt import Prompt

#: A longer answer is no answer: whoever rambles has not followed the form.
MOST: Final = 32_000
_KEYS: Final = {"rubric": "level", "yes_no": "verdict", "pairwise": "better"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said: a value from 0 to 1 (1 is good), its word, its reasons."""

    value: float
    word: str
    reasons: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It gave no verdict, and why."""

    why: str


class _Doubled(ValueError):
    pass


def read(text: str, prompt: Prompt) -> Verdict | Unreadable:
    """The verdict in an answer; anything but the one object that was asked for is none."""
    if len(text) > MOST:
        return Unreadable("the judge's answer is too long")
    try:
        said = json.loads(_unfenced(text), object_pairs_hook=_once, parse_constant=_no_constant)
    except _Doubled:
        return Unreadable("the judge's answer names a key twice")
    except (ValueError, RecursionError):
        return Unreadable("the judge's answer is not the JSON that was asked for")
    if not isinstance(said, dict):
        return Unreadable("the judge's answer is not a JSON object")
    key = _KEYS[prompt.form]
    if set(said) != {"check", "reasons", key}:
        return Unreadable("the judge's answer has other keys than asked for")
    if said["check"] != prompt.fence:
        return Unreadable("the judge's answer does not carry the check word: the text may have dictated it")
    if not isinstance(said["reasons"], str) or not said["reasons"].strip():
        return Unreadable("the judge gave no reasons")
    value = _value(prompt, said[key])
    if value is None:
        return Unreadable(f"the judge's {key} is not one of those allowed")
    return Verdict(value, str(said[key]), said["reasons"][:4000])


def _value(prompt: Prompt, word: Any) -> float | None:
    if prompt.form == "rubric":
        # A truth value is an integer in Python, and 5.0 is not what was asked for.
        return (word - 1) / 4 if type(word) is int and 1 <= word <= 5 else None
    words: dict[str, float] = (
        {"YES": 0.0, "NO": 1.0} if prompt.form == "yes_no" else {"first": 1.0, "second": 0.0, "neither": 0.5}
    )
    return words.get(word) if isinstance(word, str) else None


def _unfenced(text: str) -> str:
    """Models put JSON between three back-ticks, however they are asked; that much is forgiven."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        return text.partition("\n")[2].removesuffix("```").strip()
    return text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) != len(pairs):
        raise _Doubled
    return said


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
