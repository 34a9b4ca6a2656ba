"""The simulated application: it takes a question, finds documentation, asks its model and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from homeostat.sim import people
from homeostat.sim.changes import Changes, chance
from homeostat.sim.dice import Dice, lasts, one_of
from homeostat.sim.exchange import Document, Exchange, ToolCall
from homeostat.sim.faults import Asked, Reply, reply, styled
from homeostat.sim.grammar import filled
from homeostat.sim.people import User
from homeostat.sim.scenario import Served
from homeostat.sim.shop import Intent, read, shop

SECOND: Final = 10**9
MOST_TURNS: Final = 8
SYSTEM: Final = (
    "You are the support assistant of Brightleaf, a shop for kitchen appliances. Answer briefly and politely, only "
    "from the documentation below, in the language of the customer. If the documentation does not say it, say so."
)
#: When the pages of a version were written.
WRITTEN: Final = {"now": "2026-01-15", "older": "2025-06-01"}


@dataclass(slots=True)
class Conversation:
    """A customer with something to ask, and how far they got."""

    number: int
    user: User
    session: str
    turns: int
    values: Mapping[str, str]
    intent: Intent
    turn: int = 0
    manner: str = "first"
    bot: bool = False


class Application:
    """What a customer's question becomes. Its chance depends on the conversation and the turn alone."""

    def __init__(self, seed: int, changes: Changes) -> None:
        self._changes = changes
        self._dice = {part: Dice(seed, part) for part in ("questions", "model", "pace")}

    def said(
        self, talk: Conversation, key: int, release: Served, strength: float, harm: float
    ) -> tuple[str, str, Reply]:
        """The question as it was typed, what is really wrong with the reply, and the reply. `strength`: how much
        customers have changed; `harm`: how much goes wrong."""
        random = self._dice["questions"].at(key)
        if talk.bot:
            told = read("bots.toml")
            return one_of(random, told["lines"]), "", Reply(told["answer"])
        new = self._new_product(talk, strength, random)
        writing = self._changes.writing(strength)
        question = people.question(talk.intent, talk.user, talk.manner, writing, talk.values, random)
        random = self._dice["model"].at(key)
        fault = self._changes.fault(release, talk.intent, talk.user, harm, random.random())
        if new:
            return self._about_unknown(new, question, fault, talk, random, harm)
        said = reply(fault, asked(talk), random)
        if said.text and chance(random, self._changes.value("style", "share", harm, 0.0)):
            said = Reply(styled(said.text, talk.user.language, random), said.version, said.finish)
        return question, fault, said

    def told(self, talk: Conversation, key: int, at: int, number: int, release: Served, question: str, said: Reply,
             harm: float) -> Exchange:  # fmt: skip
        """The whole exchange: documents, tool, times, tokens."""
        random, value = self._dice["pace"].at(key), self._changes.value
        system = release.system or SYSTEM
        documents = () if talk.bot else _found(talk, said.version, random)
        out = len(said.text) // 4 + 1
        reasoning = int(out * (value("tokens", "factor", harm, 1.0) - 1.0))
        slower = value("speed", "factor", harm, 1.0)
        ttft = lasts(random, 0.38, 0.35) * slower
        took = ttft + (out + reasoning) * 0.011 * lasts(random, 1.0, 0.2) * slower + 0.05
        size = len(system) + len(question) + sum(len(document.text) for document in documents)
        answered = self._changes.word("model-name", "answered") if harm else ""
        return Exchange(
            number, random.getrandbits(128).to_bytes(16, "big"), random.getrandbits(64).to_bytes(8, "big"),
            random.getrandbits(64).to_bytes(8, "big"), at, at + int(took * SECOND), ttft, talk.user, talk.session,
            talk.turn, release, answered or release.answered, system, question, said.text, said.finish, documents,
            _tool(talk), size // 4 + 20, out + reasoning, reasoning, 64 if random.random() < 0.3 else 0,
        )  # fmt: skip

    def _new_product(self, talk: Conversation, strength: float, random: Random) -> str:
        """Does this customer ask about a product that our documentation does not know? Its name."""
        share = self._changes.value("product", "share", strength, 0.0)
        if not chance(random, share) or talk.user.language != "en":
            return ""
        talk.intent = shop().intents[one_of(random, shop().by_group["product"])]
        return self._changes.word("product", "name")

    def _about_unknown(
        self, new: str, question: str, fault: str, talk: Conversation, random: Random, harm: float
    ) -> tuple[str, str, Reply]:
        """The model mostly tells of a neighbour under the new name; seldom it says that it does not know. Once the
        documentation knows the product, it answers."""
        old = next(row["name"] for row in shop().products if row["name"] in talk.intent.said["en"].pages["now"].snippet)
        question = question.replace(old, new).replace(old.lower(), new.lower())
        if fault:
            said = reply(fault, asked(talk), random)
            return question, fault, Reply(said.text.replace(old, new), said.version, said.finish)
        if not harm:
            return question, "", Reply(reply("", asked(talk), random).text.replace(old, new))
        if random.random() < self._changes.value("product", "wrong", 1.0, 0.8):
            return question, "hallucinated", Reply(reply("", asked(talk), random).text.replace(old, new))
        return question, "", Reply(f"Our documentation does not cover the {new} yet, so I cannot say for certain.")


def asked(talk: Conversation) -> Asked:
    """What the model has to know about a question."""
    said = talk.intent.said
    language = talk.user.language
    return Asked(said[language], said["en"], talk.intent.group, language, talk.values, talk.user.country)


def _found(talk: Conversation, version: str, random: Random) -> tuple[Document, ...]:
    """What retrieval brings: the right page, in the version that its index holds, and mostly a neighbour."""
    intent, language = talk.intent, talk.user.language
    text = filled(intent.said[language].pages[version].snippet, talk.values)
    first = Document(intent.document, text, round(0.72 + 0.25 * random.random(), 2), WRITTEN[version])
    other = shop().intents[one_of(random, shop().by_group[intent.group])]
    if other is intent or language not in other.said:
        return (first,)
    text = filled(other.said[language].pages["now"].snippet, talk.values)
    return first, Document(other.document, text, round(0.45 + 0.25 * random.random(), 2), WRITTEN["now"])


def _tool(talk: Conversation) -> ToolCall | None:
    if not talk.intent.tool or talk.bot:
        return None
    values = talk.values
    result = {"order": values["order"], "shipped": values["left"], "expected": values["due"]}
    return ToolCall(talk.intent.tool, json.dumps({"order": values["order"]}), json.dumps(result))
