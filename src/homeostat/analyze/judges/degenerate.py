"""Answers that say nothing: decided without a judge, because judges let them pass.

Judges take an opener ("Let's think step by step.") or a lone colon for a good answer surprisingly often
(arXiv:2507.08794), and asking costs money.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_OPENERS: Final = re.compile(
    r"(?:ok(?:ay)?|sure|certainly|of course|absolutely|great question|good question|yes|no|well|so|right|alright|"
    r"thought process|solution|answer|response|explanation|reasoning|analysis|final answer|the answer is|"
    r"here(?:'s| is) (?:the|my|your) (?:answer|solution|response|explanation)|step by step|"
    r"let(?:'s| us| me) (?:solve|think|work|go|break|start|see|take|begin)[^.!?]{0,60}|"
    r"i(?:'ll|'d| will| can| would)? (?:be )?(?:happy|glad|love)? ?(?:to )?(?:help|assist|answer|explain)[^.!?]{0,40}|"
    r"to (?:answer|solve) (?:this|the|your) (?:question|problem)|"
    r"lösung|antwort|natürlich|gerne|lass(?:t)? uns[^.!?]{0,40}|réponse|solución|respuesta|claro|bien sûr|soluzione|"
    r"risposta|解|答|解答|回答|答案|解説|かいせつ|もちろん)",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(r"[.!?:;,…。:!?\n]+")


def degenerate(output: str) -> str:
    """Why this is no answer at all; empty: it may be one."""
    text = output.strip()
    if not text:
        return "The answer is empty."
    if not any(unicodedata.category(char)[0] in "LN" for char in text):
        return "The answer consists of punctuation only."
    pieces = [piece.strip(" *_#>-\"'()[]") for piece in _ENDS.split(text[:400])]
    said = [piece for piece in pieces if piece]
    # "Yes" and "No" answer many questions; followed by nothing but openers they are still an answer.
    if len(text) < 300 and all(_OPENERS.fullmatch(piece) for piece in said) and said[0].lower() not in ("yes", "no"):
        return "The answer only announces an answer."
    return ""
