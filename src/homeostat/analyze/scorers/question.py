"""What a question wants: the kind of answer, its parts, its focus; and whether a text gives an answer of that kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from homeostat.analyze.text.lexicon import nearest
from homeostat.analyze.text.quantities import quantities
from homeostat.analyze.text.sentences import sentences
from homeostat.analyze.text.thesaurus import entry
from homeostat.analyze.text.words import Word, content, words

# The first that fits decides. Patterns are our own and take linear time; they see a few hundred characters.
_KINDS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("price", r"\bhow much (?:does|do|is|are|will|would|did)\b|\b(?:price|cost|fee|fare|rate|tariff)\b|\bcuánto (?:cuesta|vale)|\bcombien coûte|\bwas kostet|\bwie (?:hoch|teuer)|\btarifs?\b|\bprix\b|\bcuánto\b"),
        ("count", r"\bhow many\b|\bpopulation\b|\bwhat(?:'s| is) \d|\bpercentage\b|\bwie viele?\b|\bcuánt[oa]s\b|\bhow (?:tall|high|far|big|old|heavy|deep|fast|large)\b|\btemperature\b|\bboiling point\b|\bdos(?:e|age)\b|\bconvert\b|\bcalories\b|\bsize\b|^\s*what'?s? \d"),
        ("span", r"\bhow (?:long|often|quickly|soon)\b|\bperiod\b|\bwarranty\b|\bwie lange\b|\bwindow\b|\bcuánto tiempo\b|\bdelivery time\b"),
        ("when", r"(?:^\W*(?:and |or |so |but |until |since |by |from )?|[,;:.?!]\s*(?:and |or |so )?|\b(?:know|tell me|say|see|check|about|sure|and|or|until|since|by|ask|out|remember) )when\b|\bwhat (?:time|year|date|day|month|hours)\b|\bdeadline\b|\bopening hours\b|\bhours\b|\bwann\b|\bcuándo\b|\bquand\b|\bqué hora\b|\bhoraires\b|\b(?:due|last|first|start|end|closing|final|exact) dates?\b|\bdate (?:of|for)\b|\bab wann\b"),
        ("who", r"\bwho\b|\bwhom\b|\bwhose\b|\bwer\b|\bquién\b|\bfounder\b|\bauthor of\b"),
        ("where", r"\bwhere\b|\bwo\b|\bdónde\b|\boù\b|\baddress\b|\blocation\b|\bdirections\b|\bhow do i get (?:to|from)\b"),
        ("why", r"\bwhy\b|\bwarum\b|\bpor qué\b|\bpourquoi\b|\breasons?\b|\bcauses?\b|\bwhat caused\b"),
        ("howto", r"\bhow (?:do|can|should|would|to|could|did)\b|\bsteps?\b|\bwhat should i do\b|\bwie (?:kann|muss|soll|mache)\b|\bcómo\b|\bcomment\b|\bwon't\b|\bfix\b|\bset up\b|\binstall\b"),
        ("contrast", r"\bcompare\b|\bdifferen(?:t|ces?)\b|\bversus\b|\bvs\b"),
        ("choice", r"\bwhich\b|\bbetter\b|\b\w+ or (?:a |the )?\w+\b"),
        ("yesno", r"^\W*(?:\w+[,.!:] )?(?:is|are|was|were|do|does|did|can|could|may|will|would|should|has|have|am|ist|sind|kann|darf|hat|est-ce|puis-je|puedo|es|hay)\b"),
        ("make", r"\b(?:write|draft|compose|translate|summari[sz]e|suggest|recommend|name|tell me a|give me|outline|list|generate|create)\b"),
    )
)  # fmt: skip
_POLITE: Final = re.compile(
    r"^.*?\b(?:can|could|would|will|do|may i|can i|could i|kannst|können|pouvez|puede)\s(?:you|i|sie|du|vous)?\s?(?:please )?(?:tell|explain|show|say|know|give|help|list|write|suggest|recommend|describe|compare|name|ask|remind|rewor\w*|rephrase|rewrite|shorten|translate|summari[sz]e|simplify|proofread|correct|convert|draft|make|turn|sagen|wissen|dire|decir)\b",
    re.IGNORECASE,
)
_WHETHER: Final = re.compile(
    r"^\W*(?:(?:and|so|but|ok|okay|also|hi|hey|sorry|please|well)\b[\s,]*)?(?:is|isn't|are|aren't|was|were|do|don't|does|doesn't|did|can|can't|could|may|will|would|should|shall|has|have|am|must|ist|sind|kann|darf|muss|hat|gibt es|est-ce|puis-je|puedo|hay)\b",
    re.IGNORECASE,
)
_OR: Final = re.compile(r"\w,? or (?!not\b|so\b|something\b|anything\b)\w", re.IGNORECASE)
_MEANING: Final = re.compile(
    r"\bwhat (?:do|does|did|is|'s)\b.*\b(?:mean|meaning|meant|stand for)\b|\bmeaning of\b|^\W*defin", re.IGNORECASE
)
_MEANS: Final = re.compile(
    r"\b(?:means?|meaning|refers? to|stands? for|short for|describes?|called|definition|i\.e\.|in other words|simply|basically)\b|^\W*(?:that|it|when|an?|the|not)\b|\b(?:is|are) (?:an?|the|when|what|where|how|not)\b|\b(?:isn't|aren't) ",
    re.IGNORECASE,
)
_CHOOSES: Final = re.compile(
    r"\b(?:better|best|worse|rather|depends?|wins?|go with|go for|take|pick|choose|prefer\w*|either|neither|both|only|than|cheaper|\w+(?:er|est) (?:if|for|when|one)|former|latter|first|second|suits?|worth|recommend\w*|because|since|instead|unless|if you|if it|stick|usually|while|whereas|but|difference)\b|^\W*(?:the \w+(?: one)?|a \w+|\w+)\W*$",
    re.IGNORECASE,
)
_YES: Final = re.compile(
    r"\b(?:is|are|isn't|aren't|do|don't|does|doesn't|can|can't|be) (?:not )?(?:covered|allowed|possible|included|available|safe|recommended|needed|required|legal|fine|okay)\b|(?:\bare|\bis|\bdo|\bdoes) not\W*$|^\W*(?:done|yes|no|not|nope|yeah|sure|certainly|of course|absolutely|unfortunately|only|better not|it (?:does|is|isn|has|can|doesn)|they|we do|you (?:can|may|need|should)|there(?:'s| is| are)|ja|nein|sí|no,|oui|non|cats|both|neither|all)\b",
    re.IGNORECASE,
)
# `For a newborn, yes.`, `Gladly.`
_LATER: Final = re.compile(
    r"^[^.!?]{0,60}\b(?:yes|no|not|never|sorry)\b|^\W*(?:gladly|happily|by all means|go ahead|feel free|with pleasure|definitely|probably|mostly|sometimes|usually|rarely|hardly|ideally|better|depends|it depends|sadly|i'm afraid|once|if|as long as|up to|every|always|any|most|some)\b|\b(?:isn't|aren't|won't|can't|cannot|doesn't|don't|shouldn't|wouldn't|mustn't|wasn't|didn't|hasn't|haven't|no longer|needn't)\b",
    re.IGNORECASE,
)
_WHY: Final = re.compile(
    r"\b(?:because|since|due to|so that|as a result|owing to|caused by|reason|means that|thanks to|weil|porque|parce que|therefore|in order to|to (?:keep|avoid|make|prevent|protect)|if|so|after|when|most often)\b",
    re.IGNORECASE,
)
_DO: Final = re.compile(
    r"(?:^|[.:;,\n]\s*(?:then |and |first,? |next,? |or )?|\band |\bthen |\byou (?:can|need to|should|have to|must|may) |^to [\w ]{3,40}, |\bplease |\bjust |\byou'd )"
    r"(?:open|go|choose|press|click|tap|use|take|call|mix|add|run|type|select|hold|check|put|cut|cover|cool|blot|try|set|turn|keep|avoid|bring|write|send|fill|visit|ask|scan|enter|log|sign|download|install|drag|heat|boil|bake|whisk|stir|"
    r"knead|let|make|place|remove|pull|push|connect|restart|contact|apply|hire|buy|sell|look|find|start|stop|wear|pack|book|reply|update|delete|create|do|don't|never|follow|read|eat|drink|wait|park|loosen|press|rinse|wash|pour|hit|peel|plug|switch|move|change|give|get|learn|talk|skip)\b"
    r"|`|\w\(|[{}]|\w\[|=>|\bper (?:überweisung|mail)|^\w+ing\b|\b(?:click|menu|settings|button|profile)\b|\b(?:in|on|via|through|under) (?:the|your|our) (?:app|portal|website|site|account|page|desk|counter)\b",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(
    r"\b(?:in|at|on|near|opposite|behind|beside|next to|between|above|under|around|outside|inside|at the|minutes? (?:on foot|walk|away)|street|road|garage|train|bus|bei|à|en|au)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question read: its kind, its matter, and the words that say what of the matter is wanted."""

    text: str
    kind: str
    matter: tuple[Word, ...]


_GREETS: Final = re.compile(
    r"\W*(?:hello|hi|hey|dear|good (?:morning|day|evening|afternoon)|thanks?|thank you|many thanks|best|kind regards|cheers|hallo|guten tag|danke|vielen dank|bonjour|merci|hola|gracias|buenos|sorry|no,? i meant|please help|i (?:looked|tried|searched|could not|couldn't|read))\b[^?]*$",
    re.IGNORECASE,
)


_HELLO: Final = re.compile(
    r"^\W*(?:hello|hi|hey|good (?:morning|day|evening|afternoon)|hallo|guten tag|bonjour|hola|dear)\b[^,.!?:;]{0,20}[,.!:;-]\s*|^\W*no,? i meant:?\s*",
    re.IGNORECASE,
)
_TAG: Final = re.compile(
    r"\W*(?:is (?:that|this|it) (?:possible|ok|okay|right|true|correct|fine)|right|ok|okay|correct)\W*", re.IGNORECASE
)


@lru_cache(maxsize=1024)
def asking(text: str) -> str:
    """A question without its greetings, thanks and tales; the whole when nothing else is there."""
    told = sentences(text)
    kept = [_HELLO.sub("", part) for part in told if not _GREETS.match(part)]
    kept = [part for part in kept if len(kept) == 1 or not _TAG.fullmatch(part)]
    return " ".join(kept) if kept else text


@lru_cache(maxsize=1024)
def read(text: str) -> Question:
    """The kind and matter of a question; of a longer text the last question counts."""
    text = asking(text)[-600:]
    return Question(text, _kind(text), tuple(content(words(text))))


def _kind(text: str) -> str:
    """How a question begins says more than what is in it: `Is it normal when he sleeps 17 hours?` wants a yes or no."""
    last = next((part for part in reversed(sentences(text)) if part.endswith("?")), text)
    direct = _POLITE.sub("", last)
    if direct == last and _WHETHER.match(last):
        return "choice" if _OR.search(last) else "yesno"
    if _MEANING.search(direct):
        return "meaning"
    return _first(direct) or ("make" if direct != last else _first(text) or "open")


def _first(text: str) -> str:
    """The kind that is asked for first: `the last date for the fee` wants a date."""
    found = [(match.start(), at) for at, (_, pattern) in enumerate(_KINDS) if (match := pattern.search(text))]
    return _KINDS[min(found)[1]][0] if found else ""


def answers(kind: str, asked: Question, text: str) -> bool | None:
    """Whether a text holds an answer of a kind; None when that cannot be told from its form."""
    told = words(text)
    known = {word.stem for word in asked.matter}
    if kind in ("count", "price", "span", "when"):
        return _number(kind, asked, text)
    if kind == "who":
        return _names_somebody(told, known, text)
    if kind == "where":
        return bool(_PLACE.search(text)) and any(word.stem not in known for word in content(told))
    if kind == "why":
        return bool(_WHY.search(text))
    if kind == "howto":
        return bool(_DO.search(text))
    if kind == "yesno":
        return bool(_YES.search(text) or _LATER.match(text))
    if kind == "meaning":
        return bool(_MEANS.search(text))
    if kind == "choice":
        return bool(_CHOOSES.search(text))
    return None


_PERSONS: Final = frozenset(["person", "someon", "employe", "organization", "administrative", "leader", "worker"])
_DESK: Final = re.compile(
    r"\b(?:desk|office|team|department|hotline|helpline|service|police|reception|support|authority|council|company|agency|everyone|anyone|nobody|we|i|you|both)\b",
    re.IGNORECASE,
)


def _names_somebody(told: tuple[Word, ...], known: set[str], text: str) -> bool:
    """A name that the question did not hold, a person by what they do, or a place where people answer."""
    for word in content(told):
        if word.stem in known:
            continue
        raw = text[word.start : word.start + len(word.low)]
        if word.big and not raw.isupper() and (word.start > 0 or len(told) <= 6):
            return True
        if entry(word.stem).explained & _PERSONS:
            return True
    return bool(_DESK.search(text))


def _number(kind: str, asked: Question, text: str) -> bool:
    old = {(quantity.kind, quantity.value) for quantity in quantities(asked.text)}
    new = [quantity for quantity in quantities(text) if (quantity.kind, quantity.value) not in old]
    low = text.lower()
    if kind == "price":
        return (
            any(one.kind in ("dollar", "euro", "pound") for one in new)
            or (any(one.kind == "percent" for one in new) and bool(_SHARE.search(asked.text)))
            or "free" in low
            or "kostenlos" in low
            or "gratis" in low
            or (any(one.kind == "number" for one in new) and bool(_PAID.search(low)))
            or (
                len(low) < 40
                and any(one.kind == "number" for one in new)
                and not _DATES & {word.low for word in words(text)}
            )
        )
    if kind == "span":
        return any(one.kind in ("time", "clock") for one in new) or bool(_REPEATED.search(low))
    if kind == "when":
        if (
            _HOUR.search(asked.text)
            and len(told := words(text)) > _BRIEF
            and not any(one.kind == "clock" for one in new)
        ):
            return bool(_DATES & {word.low for word in told})
        dated = any(
            one.kind in ("clock", "time") or (one.kind == "number" and 1000 <= one.value <= 2100) for one in new
        )
        return (
            dated
            or bool(_MONTHS.search(text) or _DATES & {word.low for word in words(text)})
            or (bool(new) and len(low) < 60)
        )
    return bool(new)


# Months that are also other words.
_MONTHS: Final = re.compile(r"(?<=[a-z0-9,.] )(?:March|May)\b")
_HOUR: Final = re.compile(r"\bwhat time\b|\b(?:opening|business) hours\b", re.IGNORECASE)
#: In so few words a number may well be the hour.
_BRIEF: Final = 6
_REPEATED: Final = re.compile(
    r"\b(?:every|each) (?:\w+ )?(?:seconds?|minutes?|hours?|days?|nights?|mornings?|evenings?|weeks?|months?|quarters?|seasons?|years?|times?|spring|summer|autumn|fall|winter|\w+days?)\b|\b(?:daily|weekly|monthly|yearly|hourly|annually|quarterly|once|twice|overnight|forever|täglich|immer)\b"
)
_SHARE: Final = re.compile(
    r"\b(?:rates?|percent\w*|interest|commission|discount|bonus|raise|increase|tip|tax|vat|fees?|share|surcharge)\b|%",
    re.IGNORECASE,
)
# An amount without its currency.
_PAID: Final = re.compile(r"\b(?:for|pay|costs?|price\w*|charge\w*|at) (?:about |around |only )?\d|\d[.,]\d\d\b")
_DATES: Final = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "noon",
        "midnight",
        "morning",
        "evening",
        "afternoon",
        "night",
        "today",
        "tomorrow",
        "yesterday",
        "tonight",
        "weekdays",
        "weekends",
        "daily",
        "januar",
        "februar",
        "märz",
        "mai",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "montag",
        "dienstag",
        "mittwoch",
        "donnerstag",
        "freitag",
        "samstag",
        "sonntag",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "always",
        "now",
        "soon",
    ]
)


def covered(asked: tuple[Word, ...] | list[Word], told: list[Word]) -> float:
    """Which part of the question's matter comes back in a text, synonyms included."""
    if not asked:
        return 0.0
    stems = frozenset(word.stem for word in told)
    return sum(nearest(one.stem, stems) for one in asked) / len(asked)


_SPLIT: Final = re.compile(
    r"\?\s+|,\s*(?:and|und|y|et)\s+|;\s*|,\s+(?=how|what|when|where|who|why|is|do|does|can|may|which|or\b)|\s(?:and|und|et|y|n|&)\s+(?=how|what|when|where|who|why|which|is\b|do\b|does\b|can\b|should\b|in what|may|name|explain|tell|say|ask|describe|propose|change|write|ab wann|le\b|cuándo|list|\d)|\.\s+(?=how|what|also|and|please|tell|explain|i want)",
    re.IGNORECASE,
)
# What is compared belongs together; by what it is compared, each is a part.
TWO_SIDES: Final = re.compile(
    r"\bcompar\w+\b|\bdifferen(?:t|ces?)\b|\bpros (?:and|&) cons\b|\badvantages and (?:dis|draw)", re.IGNORECASE
)
BY: Final = re.compile(r"(?:\bby\b|\bon\b|\bin terms of\b|\bregarding\b|\bwith respect to\b|:)\s+(.+)$", re.IGNORECASE)
_ORDERS: Final = re.compile(
    r"^\W*(?:also|and|please|tell|give|list|explain|name|describe|write|compare|show|send|suggest|translate|bitte|nenne)\b|\bi(?:'d| would)? (?:want|like|need) to know\b|\bplease\b",
    re.IGNORECASE,
)
# `I want to return a jacket, how long do I have?`: the first part tells why the second is asked. Greetings ask nothing.
_TELLS: Final = re.compile(
    r"^\W*(?:i|we|my|our)(?:'\w+)?\b(?! (?:\w+ )?(?:want|need|like|love|wish) to (?:know|see|hear|learn|understand))"
    r"|^\W*(?:hi|hello|hey|help|again|sorry|seriously|thanks?|one more (?:question|thing)|(?:another|quick) question)\b"
    r"|\b(?:is|are|am|was|were|has|have|had|says?|said|shows?|does|did|not sure|cannot|can't|won't|isn't|doesn't)\b",
    re.IGNORECASE,
)
_ASKS: Final = re.compile(
    r"^\W*(?:(?:but|and|so|also|or|please),? )?(?:(?:until|till|by|from|since|at|to|in|for|on|with) (?=wh|how))?(?:how|what|when|where|whom?|whose|why|which|is|are|do|does|can|could|may|should|will|has|have|did|was|were|am|would|must)\b",
    re.IGNORECASE,
)
_LIST: Final = re.compile(r",\s+(?:and\s+)?|\s(?:and|und|y|et|&)\s+", re.IGNORECASE)


@lru_cache(maxsize=1024)
def parts(text: str) -> tuple[str, ...]:
    """The parts of a question that each want an answer: `What does it cost, and when does it open?` has two."""
    told = sentences(asking(text[-1500:]))
    # Beside a question, what neither asks nor orders only tells how things are.
    if any(sentence.endswith("?") for sentence in told):
        told = tuple(sentence for sentence in told if sentence.endswith("?") or _ORDERS.search(sentence))
    found = [piece.strip(" ?.,") for sentence in told for piece in _SPLIT.split(sentence) if piece]
    found = [
        piece
        for piece in found
        if len(words(piece)) >= 2 or (len(found) > 1 and (content(words(piece)) or _ASKS.match(piece)))
    ]
    listed: list[str] = []
    for piece in found or [asking(text[-1500:])]:
        if TWO_SIDES.search(piece):
            criteria = BY.search(piece)
            listed += [item.strip() for item in _LIST.split(criteria[1]) if item.strip()] if criteria else [piece]
            continue
        items = [item for item in _LIST.split(piece) if item.strip()]
        nouns = len(items) > 1 and all(
            1 <= len(content(words(item))) <= 5 and len(words(item)) <= (12 if at == 0 else 8)
            for at, item in enumerate(items)
        )
        listed += items if nouns else [piece]
    listed = [piece for piece in listed if not _TAG.fullmatch(piece)] or listed
    if any(_ASKS.match(piece) for piece in listed):
        listed = [piece for piece in listed if _ASKS.match(piece) or _ORDERS.match(piece) or not _TELLS.search(piece)]
    return tuple(listed[:8])
