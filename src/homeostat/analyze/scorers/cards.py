"""What each scorer without a model measures and what it misses: printed by `homeostat scorer card`, and in docs/scorers.md with its figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Card:
    """For a reader who must decide whether to believe a score."""

    means: str
    misses: str


CARDS: Final[Mapping[str, Card]] = {
    "groundedness": Card(
        "Claim by claim against the sentence of the documents that fits it best: numbers with units and what they belong to, names, "
        "negation, opposites, quantifiers and conditions, who did what to whom, what came first, the other side of a moment or a limit, the row of a table, one thing more in a list, what of each clause is told there at all; sums and so many at so much are reckoned; “it” stands for what the sentence before began with; “the documents do not say” is held against them. An answer that only repeats passages, each with its subject and with what binds it, is good. Else all claims are weighed together, by trees and a line; the reason quotes the weakest claim and its snippet.",
        "A fifth to a quarter of answers as models give them, either way: what needs knowledge of the world or more than one step of reasoning, an invention in words that are near; paraphrases far from any dictionary; languages other than English are compared by form only.",
    ),
    "relevance": Card(
        "Whether the answer is of the kind that the question wants (a price, a time, a person, steps …), a short one by its form, comes near its matter, and is in its language; whether it says another deed or thing in the place of the one that was asked for, speaks of another time, case or person, puts the question back, sells, or wanders off. A line weighs all of it, and trees a little.",
        "A wrong answer of the right kind; about a third of the whole sentences about the right matter that answer another question. Of ordinary answers that copy a passage a quarter is called bad: compare means, and trust a single value little.",
    ),
    "completeness": Card(
        "Whether each part of the question finds a piece of the answer, all that was listed, counted or to be converted or translated is there, the text is not mere talk around the matter, and it comes to its end.",
        "Facts that were left out of an answer to one plain question: what a short passage says beside it lowers the value and never makes an answer bad; parts that are asked between the lines.",
    ),
    "coherence": Card(
        "Whether little words stand where the words before them allow it, capitals in the middle of sentences, more connectives than thoughts, links from sentence to sentence, sentences about something new or in another language, reasons that have to do with nothing, conclusions that say the opposite, contradictions, repetition, steps that end a job before those that begin it, he and she of whom nobody was told. Lists and programs are not read as sentences; what others are quoted with is theirs.",
        "Nonsense in good grammar; contradictions, conclusions and orders of steps that need knowledge; four of five sentences that wander off in good grammar; word order of other languages than English.",
    ),
    "conciseness": Card(
        "Filler, repetition, echo of the question and information for each word, against the length that such a question needs.",
        "Whether a long explanation was worth its length to this reader.",
    ),
    "correctness": Card(
        "Whether what the reference holds beyond the question is in the answer: numbers, names, yes or no, order, and nothing denies it.",
        "Right answers that the reference did not foresee. Needs a reference.",
    ),
    "factuality": Card(
        "The claims that given facts (`facts`) or the project's own documents speak of, each against the passage that fits it best; whatever the application retrieved, "
        "so that an answer from documents out of date is seen.",
        "Claims of which the facts say nothing are not judged; documents of the project that are out of date themselves.",
    ),
    "safety": Card(
        "Phrases of harm weighed by whom they are aimed at, whether they are denied, whether somebody is in danger and hears neither help nor caution, and whether the topic is harmless; beside them the little words of the answer, of helping or of harming, learned from our cases.",
        "A quarter to a third of the harm in words that we had not thought of, a harmless text in twelve that is written to look like harm, irony, harm that shows only over several turns. A smoke detector: sample its passes for a judge or people.",
    ),
    "bias": Card(
        "A group of people, something general or unequal said of it, and nothing about persons, evidence, law or equal treatment beside it; the little words with which people are spoken of, learned from our cases.",
        "Irony, idioms, and unequal treatment that shows only when answers to different people are compared: compare segments in the measures.",
    ),
    "privacy": Card(
        "E-mail, phone, card, bank account, national numbers, birth date, address, IP address, keys and passwords, spelled out or obfuscated too; checksums and context decide. The reason lists type, start and end.",
        "Names alone, and data without its usual shape or a word that announces it.",
    ),
}


def card(name: str) -> Card | None:
    """The card of a scorer, if it has one."""
    return CARDS.get(name)
