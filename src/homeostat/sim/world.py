"""The world: conversations begin, take their turns, and leave signals behind, in event time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from homeostat.records.policy import Policy, assign
from homeostat.sim import people
from homeostat.sim.annotators import Annotators
from homeostat.sim.application import MOST_TURNS, Application, Conversation
from homeostat.sim.changes import Changes, chance
from homeostat.sim.dice import Dice, lasts, one_of
from homeostat.sim.exchange import Exchange
from homeostat.sim.rhythm import next_arrival
from homeostat.sim.scenario import Scenario, Served
from homeostat.sim.shop import shop
from homeostat.sim.truth import Book, Truth

SECOND: Final = 10**9
_DAY: Final = 86_400 * SECOND
#: What annotators call their judgement, and after how many seconds half of them are through.
REVIEW: Final = "review"
_REVIEWED_AFTER: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What happened in a stretch of time: exchanges in the order in which they ended, signals as they came in, and
    among them the scores of people who review answers."""

    exchanges: list[Exchange] = field(default_factory=list)
    signals: list[dict[str, Any]] = field(default_factory=list)

    def pieces(self, start: int, length: int) -> Iterator[tuple[int, Batch]]:
        """Stretches of so many nanoseconds in which something happened, each with the moment when it begins."""
        found: dict[int, Batch] = {}
        for exchange in self.exchanges:
            found.setdefault(max(0, exchange.begin - start) // length, Batch()).exchanges.append(exchange)
        for signal in self.signals:
            at = int(datetime.fromisoformat(signal["at"]).timestamp() * SECOND)
            found.setdefault(max(0, at - start) // length, Batch()).signals.append(signal)
        return ((start + number * length, found[number]) for number in sorted(found))


class World:
    """One scenario, played with one seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.book, self.changes = Book(), Changes(scenario)
        self.now = int(scenario.start.timestamp()) * SECOND
        self._crowd = people.Crowd(seed)
        self._app = Application(seed, self.changes)
        self._annotators = Annotators(seed)
        parts = ("arrivals", "visits", "people", "signals", "reviews")
        self._dice = {part: Dice(seed, part) for part in parts}
        self._releases = {release.name: release for release in scenario.releases}
        self._queue: list[tuple[int, int, Conversation | None]] = []
        self._signals: list[tuple[int, int, dict[str, Any]]] = []
        self._tickets = self._conversations = 0
        shares = people.facts()["turns"]["share"]
        self._turns = people.Chooser({str(at): share for at, share in enumerate(shares, 1)})
        self._a_day = scenario.per_day / sum(at * share for at, share in enumerate(shares, 1))
        self._put(self._arrival(self.now), None)

    @property
    def count(self) -> int:
        """Exchanges so far."""
        return len(self.book.rows)

    @property
    def finished(self) -> bool:
        """Everything that the scenario asks for has happened."""
        return self.count >= self.scenario.exchanges

    def knows(self, release: str) -> bool:
        """Is it one that the application can answer with?"""
        return release in self._releases

    def learn(self, release: Served, *, cured: bool) -> None:
        """A release that the product made. `cured`: what goes wrong in this story does not concern it."""
        self._releases[release.name] = release
        self.changes.learn(release, cured=cured)

    def until(self, to_ns: int, policy: Policy, most: int | None = None) -> Batch:
        """Everything up to a moment, with releases by this policy. Ends early when the scenario is over, or when there
        were so many exchanges in all (`most`); `now` says where it stands."""
        made: list[Exchange] = []
        last = min(self.scenario.exchanges, most or self.scenario.exchanges)
        while self._queue and self._queue[0][0] <= to_ns and not self.finished:
            if self.count >= last:
                to_ns = self._queue[0][0] - 1
                break
            at, _, conversation = heapq.heappop(self._queue)
            if conversation is None:
                self._put(self._arrival(at), None)
                conversation = self._begin()
            made.append(self._turn(conversation, at, policy))
        self.now = to_ns
        return Batch(made, list(self._due(to_ns)))

    def wait(self, by_ns: int) -> None:
        """Everything that is still to come comes so much later."""
        self.now += by_ns
        self._queue = [(at + by_ns, ticket, talk) for at, ticket, talk in self._queue]
        self._signals = [(at + by_ns, ticket, told | {"at": iso(at + by_ns)}) for at, ticket, told in self._signals]

    # Conversations

    def _put(self, at: int, conversation: Conversation | None) -> None:
        self._tickets += 1
        heapq.heappush(self._queue, (at, self._tickets, conversation))

    def _arrival(self, after: int) -> int:
        strength = self.changes.strength(self.count)
        a_day = self._a_day * self.changes.value("traffic", "factor", strength, 1.0)
        return next_arrival(after, a_day, self._dice["arrivals"].at(self._conversations))

    def _begin(self) -> Conversation:
        number, strength = self._conversations, self.changes.strength(self.count)
        self._conversations += 1
        random = self._dice["visits"].at(number)
        bot = chance(random, self.changes.value("bots", "share", self.changes.harm(self.count), 0.0))
        known = random.random() >= self.changes.value("traffic", "new_users", strength, 0.12)
        # Few come often and many come once: the square of a throw leans to the regulars.
        who = int(self.scenario.users * random.random() ** 2) if known else self.scenario.users + number
        user = self._crowd.user(who, self.changes.languages(strength))
        turns = 1 if bot else int(self._turns(random.random()))
        intent = shop().intents[int(self.changes.topics(user.language, strength)(random.random()))]
        values = people.belongings(random, self.now // _DAY)
        session = f"s-{number:07d}"
        return Conversation(number, user, session, turns, values, intent, bot=bot)

    def _turn(self, talk: Conversation, at: int, policy: Policy) -> Exchange:
        talk.turn += 1
        key = talk.number * MOST_TURNS + talk.turn
        strength = self.changes.strength(self.count)
        name = assign(policy, user=talk.user.id, session=talk.session, request=str(key)).release
        release = self._releases.get(name) or self.scenario.releases[0]
        harm = self.changes.harm(self.count, release.name)
        question, fault, said = self._app.said(talk, key, release, strength, harm)
        exchange = self._app.told(talk, key, at, self.count, release, question, said, harm)
        about = "bot" if talk.bot else talk.intent.id
        truth = Truth(
            self.count, exchange.id, at, talk.user.id, talk.session, release.name, about, talk.user.language,
            talk.user.plan, talk.user.country, talk.user.channel, fault, question, said.text,
        )  # fmt: skip
        self.book.add(truth)
        self._review(exchange, truth, key)
        self._after(talk, key, exchange, fault, strength)
        return exchange

    # What people do afterwards

    def _after(self, talk: Conversation, key: int, exchange: Exchange, fault: str, strength: float) -> None:
        random = self._dice["people"].at(key)
        good, patience = not fault, random.random()
        talk.manner = "next" if good or patience > 0.3 else "again"
        left = not good and patience > 0.85
        ends = left or (talk.turn >= talk.turns and talk.manner == "next") or talk.turn >= 6
        reactions = [] if talk.bot else people.reactions(talk.user, fault, talk.intent.buys, ends, random)
        self._leave(exchange, reactions, key, self.changes.harm(exchange.number))
        if ends:
            return
        if talk.manner == "next":
            chosen = int(self.changes.topics(talk.user.language, strength)(random.random()))
            near = [at for at in shop().by_group[talk.intent.group] if talk.user.language in shop().intents[at].said]
            talk.intent = shop().intents[one_of(random, near) if random.random() < 0.6 else chosen]
        gap = lasts(random, people.facts()["turns"]["gap_seconds"], 0.6)
        self._put(exchange.end + int(gap * SECOND), talk)

    def _leave(self, exchange: Exchange, reactions: list[people.Signal], key: int, harm: float) -> None:
        random = self._dice["signals"].at(key)
        kept = self.changes.value("signals", "kept", harm, 1.0)
        if chance(random, self.changes.value("signals", "spam", harm, 0.0)):
            reactions = [*reactions, people.Signal("thumbs", lasts(random, 30.0, 1.0), -1.0, "bad bad bad")]
        for order, signal in enumerate(reactions):
            if kept < 1.0 and random.random() >= kept:
                continue
            at = exchange.end + int(signal.after * SECOND)
            self._later(at, _told(signal, exchange, at, order))

    def _review(self, exchange: Exchange, truth: Truth, key: int) -> None:
        """Some answers are read by an annotator, an hour or several later."""
        random = self._dice["reviews"].at(key)
        if not chance(random, self.scenario.reviewed):
            return
        who = one_of(random, self._annotators.names)
        at = exchange.end + int(lasts(random, _REVIEWED_AFTER, 1.0) * SECOND)
        good = self._annotators.label(who, truth)
        self._later(at, {
            "id": f"{exchange.root_id.hex()}-{who}", "name": REVIEW, "rung": "human", "scorer": who,
            "value": float(good), "exchange_id": exchange.id, "at": iso(at),
        })  # fmt: skip

    def _later(self, at: int, told: dict[str, Any]) -> None:
        self._tickets += 1
        heapq.heappush(self._signals, (at, self._tickets, told))

    def _due(self, to_ns: int) -> Iterator[dict[str, Any]]:
        while self._signals and self._signals[0][0] <= to_ns:
            yield heapq.heappop(self._signals)[2]


def _told(signal: people.Signal, exchange: Exchange, at: int, order: int) -> dict[str, Any]:
    """A signal as the application posts it."""
    about = {"exchange": exchange.id, "session": exchange.session, "user": exchange.user.id}
    said: dict[str, Any] = {
        "id": f"{exchange.root_id.hex()}-{order}",
        "name": signal.name,
        f"{signal.about}_id": about[signal.about],
        "at": iso(at),
    }
    if signal.value is not None:
        said["value"] = signal.value
    if signal.comment:
        said["comment"] = signal.comment
    return said


def iso(at_ns: int) -> str:
    """A moment as the API reads it."""
    return datetime.fromtimestamp(at_ns // SECOND, UTC).replace(microsecond=at_ns % SECOND // 1000).isoformat()
