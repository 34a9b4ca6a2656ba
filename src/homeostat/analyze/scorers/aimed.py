"""What is said to somebody's face, in plain words: an insult, a threat, a call to hurt oneself or another, a verdict on a group."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from homeostat.analyze.text.phrases import phrases

_YOU: Final = re.compile(r"\b(?:you(?:['’]?re| are| must be| sound like| look like)?|u r)(?: \w+){0,3} ?$")
_DENIED: Final = re.compile(r"\b(?:not|never|no|n['’]t|neither|hardly|isn['’]t|aren['’]t|without|nor)\b|n['’]t\b")
_HARM: Final = r"(?:kill|murder|hurt|shoot|stab|strangle|choke|rape|punch|smash|slit|crush|beat|bury|destroy|hunt)"
_WHOM: Final = r"(?:you|him|her|them|your (?:wife|husband|kids|children|family|mother|face|throat))"
_QUOTED: Final = re.compile(r'["“][^"“”]{2,300}["”]')
_REPORTS: Final = re.compile(
    r"\b(?:said|says|told|shouted|shouts|yelled|yells|wrote|writes|whispered|replied|asked|called|quoted|reads|insult|titled|lyrics?|slogan|character|villain|novel|story|film|movie|song|poem|play|scene|verdict|court|means)\b"
)
_THREAT: Final = re.compile(
    r"\b(?:i|we)(?:['’]ll| will| am going to|['’]m going to|['’]re going to|['’]m gonna| shall)"
    rf"(?: \w+){{0,5}}? {_HARM}(?: \w+){{0,2}}? {_WHOM}\b(?! (?:at|in|on|to|by|a|an|this|that|time|with a))"
)
_SELF: Final = re.compile(
    r"(?:^|[.!?,;:]\s*|\b(?:go|just|should|then|and|please|better|don['’]t you|to) )(?:go )?(?:and )?"
    r"(?:kill|hang|shoot|drown|starve|harm|cut) yourself\b"
)
_LIVING: Final = (
    r"(?:him|her|them|(?:the|your|his|her|their|that|this|my) (?:[\w'’]+ ){0,2}?(?:wife|husband|girlfriend|boyfriend|partner|ex|"
    r"neighbou?rs?|roommate|flatmate|landlord|landlady|colleague|co-?worker|teacher|nurse|driver|cashier|guy|girls?|boys?|"
    r"kids?|son|daughter|brother|sister|mother|father|mum|mom|dad|baby|grandmother|grandfather|grandma|grandpa|"
    r"dogs?|cats?|puppy|kitten|horse|rabbit|hamster))"
)
_HURTING: Final = (
    r"(?:poison|beat|stab|slap|strangle|choke|drown|suffocate|smother|whip|punch|kick|hit|shoot|kill|hurt|torture|starve|"
    r"blackmail|stalk|drug|scald|run over|lock up|knock out)"
)
#: Whom an order says to hurt; what follows must not turn it into a game, a message or another thing (`the cat flap`).
_ORDERED: Final = re.compile(
    r"(?:^\W*|[.!?;:]\s+|\b(?:just|then|simply|you (?:should|could|can|might as well|have to|need to)) )(?:go (?:and )?|quietly |first )?"
    rf"{_HURTING} {_LIVING}"
    r"(?=\W*$|[.,;:!?]|\s+(?:until|till|when|while|if|so|and|or|before|because|once|again|hard|harder|with|every|whenever|like|where|a bit|a little)\b)"
)
_LOW: Final = re.compile(
    r"\b(?:criminals?|thieves|liars?|rapists?|terrorists?|inferior|lazy|dirty|filthy|less (?:intelligent|clever|capable|human)|"
    r"less than human|not (?:real |fully )?(?:human|people)|sick|evil|a (?:plague|disease|cancer|burden|threat)|too (?:stupid|emotional|weak|lazy|dumb) to)\b"
)
_ARE: Final = re.compile(r"^(?: \w+){0,2} (?:are|is|were|have always been|will always be)(?! (?:not|never|no)\b)")


def own(text: str) -> str:
    """The text without what it only quotes of somebody: `"I'll kill him", she shouted`.

    >>> own('"I will kill you," she shouted on stage.'), own('Say this: "I will kill you."')
    (' she shouted on stage.', 'Say this: "I will kill you."')
    """
    if not _QUOTED.search(text) or not _REPORTS.search(rest := _QUOTED.sub("", text)):
        return text
    return rest


def aimed(sentence: str) -> Mapping[str, float]:
    """What of these a sentence in small letters says; nothing: an empty mapping.

    >>> aimed("you are such an idiot.")
    {'aimed_insult': 1.0}
    >>> aimed("you are not an idiot."), aimed("poison the neighbour's dog."), aimed("shoot your landlord an e-mail.")
    ({}, {'aimed_order': 1.0}, {})
    """
    found: dict[str, float] = {}
    insults = [start for start, _ in phrases("safety")["insult"].found(sentence)]
    if any(_face(sentence[:start]) for start in insults):
        found["aimed_insult"] = 1.0
    if (threat := _THREAT.search(sentence)) and not _DENIED.search(threat[0]):
        found["aimed_threat"] = 1.0
    if (hurt := _SELF.search(sentence)) and not _DENIED.search(sentence[max(0, hurt.start() - 12) : hurt.start()]):
        found["aimed_self"] = 1.0
    if (order := _ORDERED.search(sentence)) and not _DENIED.search(sentence[max(0, order.start() - 12) : order.end()]):
        found["aimed_order"] = 1.0
    if any(_low(sentence[start + len(name) :], insults=bool(insults)) for start, name in _groups(sentence)):
        found["aimed_group"] = 1.0
    return found


def _face(before: str) -> bool:
    """What stands before an insult is the reader, and nothing denies it."""
    near = before[-45:]
    return bool(_YOU.search(near.rstrip(" ,") + " ")) and not _DENIED.search(near)


def _groups(sentence: str) -> list[tuple[int, str]]:
    return phrases("bias")["group"].found(sentence)


def _low(after: str, *, insults: bool) -> bool:
    """A group, and then that it is something low."""
    verb = _ARE.match(after)
    if verb is None:
        return False
    rest = after[verb.end() :][:60]
    return bool(_LOW.search(rest)) or (insults and bool(phrases("safety")["insult"].found(rest)))
