"""The world does what its data and scenarios say: rates, rhythm, delays, segments, faults; the same every time."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime
from math import log
from pathlib import Path

import pytest

from homeostat.records.policy import Policy, reshaped
from homeostat.sim.people import facts, personas
from homeostat.sim.rhythm import HOUR_NS
from homeostat.sim.scenario import ORDINARY, Scenario, named, names
from homeostat.sim.shop import shop
from homeostat.sim.world import SECOND, World
from tests.sim.playing import Alone, alone, fits, told

_DIGEST = (
    "from tests.sim.playing import alone; from homeostat.sim.scenario import named; "
    "print(alone(named('bad-prompt-release').sized(900), 5).digest)"
)


def test_the_same_seed_is_the_same_world_byte_for_byte() -> None:
    """Also in other processes, whatever their hash seed."""
    found = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = alone(named("bad-prompt-release").sized(900), 5)
    assert found == {f"{here.digest}\n"}
    other = alone(named("bad-prompt-release").sized(900), 6)
    assert here.digest != other.digest and here.world.book.digest() != other.world.book.digest()


def test_a_change_of_the_policy_changes_nothing_else() -> None:
    """Who asks what, and how good A answers, does not depend on what B does: parts do not shift each other's chance."""
    with_b, without = named("bad-prompt-release"), named("weekend")
    same = Scenario(
        with_b.name, with_b.group, with_b.story, with_b.truth, with_b.exchanges, with_b.onset, with_b.oracle,
        per_day=with_b.per_day, start=with_b.start, releases=with_b.releases[:1],
    )  # fmt: skip
    one = {(row.session, row.question): row.answer for row in alone(with_b, 11).world.book.rows if row.release == "A"}
    two = {(row.session, row.question): row.answer for row in alone(same, 11).world.book.rows}
    both = one.keys() & two.keys()
    assert len(both) > 0.9 * len(one) and without.benign
    assert all(one[key] == two[key] for key in both)


def test_texts_vary() -> None:
    """Thousands of phrasings of a few hundred intents, in four languages."""
    rows = told("weekend").world.book.rows
    assert len({row.question for row in rows}) > 0.7 * len(rows)
    assert len({row.intent for row in rows}) > 200
    assert {row.language for row in told("language-mix").world.book.rows} == {"en", "de", "fr", "es"}
    assert not [row for row in rows if "{" in row.question + row.answer or "[" in row.question + row.answer]


def test_answers_go_wrong_as_often_as_an_ordinary_model() -> None:
    rows = told("weekend").world.book.rows
    faults = Counter(row.fault for row in rows)
    for fault, share in ORDINARY.items():
        assert fits(faults[fault], len(rows), share), (fault, faults[fault])
    assert fits(faults[""], len(rows), 1 - sum(ORDINARY.values()))


def test_segments_have_their_shares() -> None:
    """Counted over customers: a customer's exchanges are not independent."""
    users = {row.user: row for row in told("weekend").world.book.rows}
    segments = facts()["segments"]
    for name in ("plan", "channel"):
        for value, share in segments[name].items():
            assert fits(sum(getattr(user, name) == value for user in users.values()), len(users), share), (name, value)
    english = sum(user.language == "en" for user in users.values())
    assert fits(english, len(users), segments["language"]["en"])
    people = {one.user.id: one.user for one in told("weekend").exchanges}
    for value, share in segments["country"].items():
        own = [user for user in people.values() if user.language == "en"]
        assert fits(sum(user.country == value for user in own), len(own), share), value
    for persona in personas():
        assert fits(sum(user.persona == persona for user in people.values()), len(people), persona.share), persona.name


def test_conversations_have_one_to_six_turns_with_documents_and_tools() -> None:
    exchanges = told("weekend").exchanges
    turns = Counter(one.turn for one in exchanges)
    assert set(turns) == {1, 2, 3, 4, 5, 6}
    assert [turns[at] for at in range(1, 7)] == sorted(turns.values(), reverse=True)
    # Somebody who came with one question asks a second time now and then, where the answer was bad.
    assert 1 - facts()["turns"]["share"][0] < turns[2] / turns[1] + 0.05 < 0.7
    assert all(1 <= len(one.documents) <= 2 for one in exchanges)
    used = {one.tool.name: json.loads(one.tool.result) for one in exchanges if one.tool}
    assert set(used) == {"order_status", "repair_status"} and set(used["order_status"]) >= {"order", "shipped"}


def test_latencies_and_tokens_are_those_of_a_small_model() -> None:
    exchanges = [one for one in told("weekend").exchanges if one.answer]
    assert statistics.median(one.ttft for one in exchanges) == pytest.approx(0.38, rel=0.03)
    took = sorted((one.end - one.begin) / SECOND for one in exchanges)
    assert 0.6 < took[len(took) // 2] < 1.2 and 1.1 < took[len(took) * 95 // 100] < 2.5
    assert all(one.ttft < (one.end - one.begin) / SECOND for one in exchanges)
    assert all(one.output_tokens == len(one.answer) // 4 + 1 for one in exchanges)
    assert 100 < statistics.fmean(one.input_tokens for one in exchanges) < 300


def test_the_day_and_the_week_have_their_rhythm() -> None:
    """Conversations by hour of the day against the shares that the data says: chi-square by exact parts."""
    first = {row.session: row.at_ns for row in reversed(told("weekend").world.book.rows)}
    start = min(first.values()) // HOUR_NS
    whole = [at // HOUR_NS - start for at in first.values() if at // HOUR_NS - start < 7 * 24]
    rhythm, offset = facts()["rhythm"], start % 24
    by_hour = Counter((hour + offset) % 24 for hour in whole)
    for hour, weight in enumerate(rhythm["day"]):
        assert fits(by_hour[hour], len(whole), weight / sum(rhythm["day"])), hour
    weekend = sum((start + hour - 4 * 24) // 24 % 7 >= 5 for hour in whole)
    assert fits(weekend, len(whole), sum(rhythm["week"][5:]) / 7)


def test_people_react_as_their_data_says() -> None:
    """Counts against probabilities, separately for good and bad answers, without the last ten minutes."""
    played = told("double-traffic")
    rows = played.world.book.rows
    after = facts()["after"]
    fault = {row.id: row.fault for row in rows}
    last = played.world.now - 600 * SECOND
    early = {row.id for row in rows if row.at_ns < last}
    counts: Counter[tuple[str, bool]] = Counter()
    up = {True: 0, False: 0}
    for signal in played.signals:
        about = signal.get("exchange_id", "")
        if about in early:
            good = not fault[about]
            counts[signal["name"], good] += 1
            up[good] += signal["name"] == "thumbs" and signal["value"] == 1
    bad = sum(bool(fault[one]) for one in early)
    n = {True: len(early) - bad, False: bad}
    for good in (True, False):
        mark = "good" if good else "bad"
        # Personas give thumbs more or less often; their mean is one, and people come several times: wider limits.
        assert fits(counts["thumbs", good], n[good], after["thumbs"]["rate"], 1e-9)
        assert fits(up[good], counts["thumbs", good], after["thumbs"]["up"][mark])
        for name in ("human_requested", "answer_copied"):
            assert fits(counts[name, good], n[good], after[name][mark]), (name, good)


def test_what_people_do_at_the_end_and_later() -> None:
    """Those who rate, answer a survey, close the chat, give up buying, come back: of the first five of ten days, so
    that hardly anything is still to come."""
    played = told("weekend")
    half = played.exchanges[0].begin + 5 * 86_400 * SECOND
    early = [one for one in played.exchanges if one.begin < half]
    good = {row.id: row.good for row in played.world.book.rows}
    last = {one.session: one for one in early}
    after = facts()["after"]
    did = {name: [one for one in played.signals if one["name"] == name] for name in after}
    for name, about in (("rating", "exchange_id"), ("survey", "session_id")):
        own = {one.id if about == "exchange_id" else one.session for one in early}
        assert fits(sum(one[about] in own for one in did[name]), len(early), after[name]["rate"]), name
    closed = {one["session_id"] for one in did["chat_closed"]}
    for mark, wanted in (("good", True), ("bad", False)):
        ends = [one.session for one in last.values() if good[one.id] is wanted]
        # A conversation that somebody leaves with a bad answer is over, too; all of them are ends.
        assert fits(sum(one in closed for one in ends), len(ends), after["chat_closed"][mark]), mark
    asked = {one.session for one in early if shop().by_id[intent_of(played, one.id)].buys}
    gave_up = {one["session_id"] for one in did["purchase_abandoned"]}
    assert gave_up & {one.session for one in early} <= asked and 0.05 < len(gave_up & asked) / len(asked) < 0.3
    came = sum(one["user_id"] in {each.user.id for each in early} for one in did["came_back"])
    assert 0.02 < came / len(last) < 0.10


def intent_of(played: Alone, exchange: str) -> str:
    truth = played.world.book.of(exchange)
    assert truth is not None
    return truth.intent


def test_delays_are_realistic() -> None:
    """Medians of what waited, against the data."""
    played = told("double-traffic")
    end = {exchange.id: exchange.end for exchange in played.exchanges}
    for name in ("thumbs", "answer_copied", "rating"):
        waits = [
            datetime.fromisoformat(signal["at"]).timestamp() - end[signal["exchange_id"]] / SECOND
            for signal in played.signals if signal["name"] == name
        ]  # fmt: skip
        median, spread = facts()["after"][name]["delay"]
        assert abs(log(statistics.median(waits) / median)) < 4 * 1.2533 * spread / len(waits) ** 0.5, name


def test_delays_after_a_conversation() -> None:
    """The chat is closed soon after its last answer; a survey is answered hours later."""
    played = told("weekend")
    half = played.exchanges[0].begin + 5 * 86_400 * SECOND
    ended = {one.session: one.end / SECOND for one in played.exchanges if one.begin < half}
    for name, wrong in (("chat_closed", 0.0), ("survey", 0.3)):  # a survey may be about an answer before the last
        waits = [
            datetime.fromisoformat(one["at"]).timestamp() - ended[one["session_id"]]
            for one in played.signals if one["name"] == name and one["session_id"] in ended
        ]  # fmt: skip
        median, spread = facts()["after"][name]["delay"]
        assert abs(log(statistics.median(waits) / median)) < 4 * 1.2533 * spread / len(waits) ** 0.5 + wrong, name


@pytest.mark.parametrize("name", names())
def test_every_scenario_plants_what_it_says(name: str) -> None:
    """Before the onset an ordinary application; after it the shares of the file."""
    scenario = named(name)
    played = told(name)
    rows = played.world.book.rows
    assert scenario.long_enough and len(rows) == scenario.exchanges <= 15_000
    before, after = rows[: scenario.onset], rows[scenario.onset + scenario.over :]
    assert fits(sum(row.good for row in before), len(before), 1 - sum(ORDINARY.values()))
    assert {row.release for row in before} == {scenario.releases[0].name}
    everywhere = [effect for effect in scenario.effects if effect.kind == "answers" and not effect.where]
    taken = 1.0
    for effect in everywhere if scenario.name not in ("language-mix",) else ():
        fault, share = effect.values["fault"], effect.values["share"] * taken
        release = scenario.releases[-1 if len(scenario.policy) > 1 and scenario.policy[-1].at == scenario.onset else 0]
        left = 1.0
        for other in everywhere:
            left *= 1 - other.values["share"]
        expected = share + left * release.faults.get(fault, 0.0)
        assert fits(sum(row.fault == fault for row in after), len(after), expected), fault
        taken *= 1 - effect.values["share"]


def test_releases_answer_as_badly_as_their_faults() -> None:
    for name in names():
        scenario = named(name)
        if len(scenario.releases) > 1 and not scenario.effects:
            worse = scenario.releases[1]
            own = [row for row in told(name).world.book.rows if row.release == worse.name]
            assert fits(sum(not row.good for row in own), len(own), sum(worse.faults.values())), name


def test_benign_worlds_stay_good() -> None:
    benign = [name for name in names() if named(name).benign]
    assert len(benign) == 5
    for name in benign:
        rows = told(name).world.book.rows
        assert fits(sum(row.good for row in rows), len(rows), 1 - sum(ORDINARY.values())), name


def test_what_drifts_drifts() -> None:
    """Each kind of drift, by its own measure, after against before."""

    def split(name: str) -> tuple[list[int], list[int]]:
        scenario, rows = named(name), told(name).world.book.rows
        return list(range(scenario.onset)), list(range(scenario.onset + scenario.over, len(rows)))

    def mean(name: str, value: str) -> float:
        exchanges = told(name).exchanges
        before, after = split(name)
        ends = [
            statistics.fmean(float(getattr(exchanges[at], value)) for at in part if exchanges[at].answer)
            for part in (before, after)
        ]
        return ends[1] / ends[0]

    assert mean("slower", "ttft") == pytest.approx(2.5, rel=0.06)
    assert mean("costlier", "output_tokens") == pytest.approx(3.0, rel=0.06)
    rows = told("longer-prompts").world.book.rows
    before, after = split("longer-prompts")
    assert statistics.fmean(len(rows[at].question) for at in after) / statistics.fmean(
        len(rows[at].question) for at in before
    ) == pytest.approx(1.25, abs=0.05)
    rows = told("new-product").world.book.rows
    before, after = split("new-product")
    assert not [at for at in before if "urora" in rows[at].question]
    assert fits(sum("aurora x" in rows[at].question.lower() for at in after), len(after), 0.12 * 0.98)
    rows = told("language-mix").world.book.rows
    before, after = split("language-mix")
    foreign = [sum(rows[at].language != "en" for at in part) / len(part) for part in (before, after)]
    assert foreign[0] == pytest.approx(0.02, abs=0.012) and foreign[1] == pytest.approx(0.08, abs=0.02)
    assert {exchange.answered for exchange in told("model-rename").exchanges[3000:]} == {"gpt-4o-mini-2026-03-01"}
    calm, busy = told("model-rename").exchanges, told("double-traffic").exchanges
    took = [(one[7999].begin - one[3000].begin) for one in (calm, busy)]
    assert took[1] < 0.75 * took[0]


def test_signals_stop_and_spam_comes() -> None:
    for name, low, high in (("broken-instrumentation", 0.0, 0.08), ("feedback-spam", 1.3, 3.0)):
        scenario, played = named(name), told(name)
        onset = played.exchanges[scenario.onset].begin
        number = {exchange.id: exchange.number for exchange in played.exchanges}
        asked = [number[s["exchange_id"]] >= scenario.onset for s in played.signals if "exchange_id" in s]
        after, before = sum(asked), len(asked) - sum(asked)
        rate = after / (scenario.exchanges - scenario.onset) / (before / scenario.onset)
        assert low <= rate <= high and onset > 0, (name, rate)


def test_annotators_review_a_share_of_the_answers_and_shift_nothing_else() -> None:
    plain = alone(named("bad-prompt-release").sized(4000), 5)
    played = alone(replace(named("bad-prompt-release").sized(4000), reviewed=0.2), 5)
    labels = [signal for signal in played.signals if "rung" in signal]
    assert [signal for signal in played.signals if "rung" not in signal] == plain.signals
    assert played.world.book.digest() == plain.world.book.digest()
    # What was said last is not reviewed yet when the story ends.
    assert 0.5 * 800 < len(labels) < 1.15 * 800
    truth = {row.id: row.good for row in played.world.book.rows}
    rates = facts()["annotators"]
    for name, rate in rates.items():
        for good, right in ((True, rate["sensitivity"]), (False, rate["specificity"])):
            mine = [one["value"] for one in labels if one["scorer"] == name and truth[one["exchange_id"]] == good]
            assert fits(sum(value == float(good) for value in mine), len(mine), right), (name, good)


def test_what_happens_is_told_piece_by_piece_and_whole() -> None:
    world = World(named("bad-prompt-release"), 7)
    start, length = world.now, 300 * SECOND
    batch = world.until(start + 3600 * SECOND, Policy("default", 1, reshaped((), {"A": 1.0})))
    pieces = list(batch.pieces(start, length))
    assert [at for at, _ in pieces] == sorted({at for at, _ in pieces}) and len(pieces) >= 10
    for at, piece in pieces:
        assert all(at <= each.begin < at + length for each in piece.exchanges)
    for many in ("exchanges", "signals"):
        assert [each for _, piece in pieces for each in getattr(piece, many)] == getattr(batch, many)
