"""The causes: each gathers points for and against itself, in words.

Points are log-odds by judgement, not fitted: 1 leans, 3 convinces, 5 settles. They know measures by who measures, never
by a name, and scenarios not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from homeostat.act.diagnosis import signs
from homeostat.act.diagnosis.evidence import MOVED, Beside, Evidence, family
from homeostat.records import words
from homeostat.records.comparison import together
from homeostat.records.incident import Cause

#: All measures of a comparison together: odds that lean, and do not settle.
_LEANS: Final = 4.0
#: So many signals of a kind say how often it comes.
_HEARD: Final = 10
#: Such a share of word-for-word repetitions is no chance.
_FLOOD: Final = 0.03


@dataclass
class Case:
    """What speaks for a cause and against it."""

    points: float = 0.0
    supports: list[tuple[float, str]] = field(default_factory=list)
    contradicts: list[tuple[float, str]] = field(default_factory=list)
    settle: str = ""
    subject: str = ""

    def add(self, points: float, text: str) -> None:
        """A piece of evidence: for it where the points are above zero."""
        self.points += points
        (self.supports if points > 0 else self.contradicts).append((abs(points), text))


def _release(evidence: Evidence) -> Case:
    case = Case(settle="Compare the releases on users put to them by chance, or go back and see whether it recovers.")
    for finding in evidence.findings:
        if finding.release:
            case.subject = case.subject or finding.release
            case.add(5.0, f"users of {finding.release} do worse than users of the other, put there by chance: "
                          f"{words.finding(finding)[:-1]}")  # fmt: skip
            break
    apart = _compared(evidence, case)
    near = signs.near(evidence, ("release", "policy"))
    if near:
        closeness, change = near[0]
        case.subject = case.subject or change.subject
        case.add(4.5 * closeness, f"{change.text} {words.when(change.at)}, where it began")
        if closeness < signs.ENOUGH and not apart and not signs.alike(evidence):
            told = "too few answers of theirs tell" if change.subject in evidence.gone else "their comparison will tell"
            case.add(-1.0, f"only {change.share:.0%} of the users were put elsewhere: {told}")
    elif evidence.looked:
        case.add(-4.0, "no release, prompt or policy of ours changed near the onset")
    alike = signs.alike(evidence)
    if alike:
        case.add(-5.0, f"{alike.candidate} and {alike.baseline} do alike: {words.measure(alike.measure)}")
    return case


def _compared(evidence: Evidence, case: Case) -> bool:
    """What releases beside each other say; whether one of them is clearly worse."""
    worst = max(evidence.comparisons, key=lambda each: each.harm, default=None)
    harmed = signs.harmed(evidence)
    if worst is not None and worst.harm >= 20:
        case.subject = case.subject or worst.candidate
        seen = words.interval(worst.estimate, worst.low, worst.high)
        case.add(4.5, f"{worst.candidate} against {worst.baseline}, {words.measure(worst.measure)}: {seen}, "
                      f"{words.users(worst.users[0])} and {words.users(worst.users[1])}")  # fmt: skip
    elif harmed is not None:
        case.subject = case.subject or harmed.candidate
        case.add(5.0, _beside(harmed))
    elif together(evidence.comparisons) >= _LEANS:
        said = f"{worst.candidate} against {worst.baseline} leans that way" if worst is not None else ""
        case.add(2.0, said)
    return harmed is not None or (worst is not None and worst.harm >= 20)


def _beside(told: Beside) -> str:
    one, other = (words.number(mean, told.measure) for mean in told.means)
    return (f"since the onset {words.measure(told.measure)} of {told.candidate} {one}, of {told.baseline} beside it "
            f"{other}: {words.users(told.users[0])} and {words.users(told.users[1])}")  # fmt: skip


def _provider(evidence: Evidence) -> Case:
    case = Case(settle="Ask the pinned model version, or another provider, the same questions and compare.")
    alike, harmed = signs.alike(evidence), signs.harmed(evidence)
    changed = signs.near(evidence, signs.OURS)
    ours = [] if alike else changed
    answers = signs.answers_moved(evidence)
    if evidence.models:
        case.subject = evidence.models[0]
        case.add(3.0, f"{', '.join(evidence.models)} answers since the onset, which did not before")
    plain = [each for each in answers if each.family == "plain"]
    if answers:
        said = [each for each in answers if each not in plain] or answers
        case.add(1.5, f"the answers themselves changed: {signs.told(said)}")
    elif evidence.looked and not signs.blind(evidence):
        case.add(-2.5, "nothing that measures the answers themselves moved")
    if plain and not ours:
        case.add(1.5, f"{signs.told(plain)}, {'in all releases alike' if changed else 'with nothing changed by us'}")
    asked_alike = not any(signs.surely(each) for each in evidence.inputs) and evidence.flood[0] < _FLOOD
    if signs.surely(evidence.manner) and not ours and asked_alike:
        case.add(1.0, f"answers are worded differently: {evidence.manner.text}" if evidence.manner else "")
    if harmed is not None:
        case.add(-3.0, f"{harmed.baseline} did better than {harmed.candidate} at the same time")
    if ours:
        case.add(-2.5 * ours[0][0], f"{ours[0][1].text} at the same time")
    elif alike:
        case.add(1.5, f"all releases alike: {alike.candidate} and {alike.baseline}")
    elif evidence.looked:
        case.add(1.5, "nothing of ours changed near the onset")
    if evidence.looked:
        shifted = [each for each in evidence.inputs if signs.surely(each)]
        if shifted:
            case.add(-1.5, f"the questions changed too: {shifted[0].text}")
        elif evidence.new_words:
            case.add(-1.0, f"the questions have new words: {', '.join(list(evidence.new_words)[:4])}")
        else:
            case.add(0.5, "the questions are as before")
    if evidence.topic is not None:
        if evidence.topic.concentrated:
            case.add(-2.5, f"the loss is in one kind of question: {', '.join(evidence.topic.words)}")
        elif answers:
            case.add(0.5, "all kinds of questions lost alike")
    if evidence.aged is not None and evidence.aged > 20:
        case.add(-2.5, "what is retrieved is older than before")
    return case


def _data(evidence: Evidence) -> Case:
    case = Case(settle="Weigh the answers from before to today's mix of questions: does the fall stay?")
    weights = {"languages": 4.0, "words": 2.5, "length": 2.0, "users": 1.5, "visits": 3.0}
    shifted = [each for each in evidence.inputs if signs.surely(each)]
    for shift in shifted:
        case.add(weights.get(shift.what, 2.0), shift.text)
        case.subject = case.subject or shift.what
    share, text = evidence.flood
    if share >= _FLOOD:
        case.subject = case.subject or "repeated questions"
        case.add(4.5, f"{share:.1%} of the questions are a few texts again and again: “{text[:60]}”")
    if evidence.looked and not shifted and share < _FLOOD:
        case.add(-3.0, "questions and users are as before")
    if (
        evidence.new_words
        and share < _FLOOD
        and signs.worse(evidence)
        and not any(each.what == "languages" for each in shifted)
    ):
        case.add(-1.5, "what is new are words, not the mix")
    if signs.ours(evidence):
        case.add(-1.0, "a change of ours lies where it began")
    return case


def _concept(evidence: Evidence) -> Case:
    case = Case(settle="Let people label answers of the questions concerned: is what was right still right?")
    languages = any(each.what == "languages" and signs.surely(each) for each in evidence.inputs)
    if evidence.new_words and not languages:
        said = ", ".join(f"“{word}” in {share:.1%}" for word, share in list(evidence.new_words.items())[:4])
        case.subject = next(iter(evidence.new_words))
        case.add(3.5, f"questions use words that were unknown before: {said}")
        if evidence.flood[0] >= _FLOOD:
            case.add(-3.5, "they stand in a few texts that come again and again")
        if evidence.looked and not signs.worse(evidence):
            case.add(-2.5, "they are answered as well as the others")
    topic = evidence.topic
    if topic is not None and topic.concentrated:
        case.subject = case.subject or " ".join(topic.words[:3])
        case.add(
            3.0, f"{topic.loss:.0%} of the loss is in {topic.traffic:.0%} of the questions: {', '.join(topic.words)}"
        )
    elif evidence.looked and not evidence.new_words:
        case.add(-2.0, "neither new words nor one kind of question that lost alone")
    if evidence.aged is not None and evidence.aged > 20:
        case.add(-2.0, "what is retrieved is older than before: the documents are at fault first")
    if signs.ours(evidence):
        case.add(-2.0, "a change of ours lies where it began")
    if languages:
        case.add(-1.0, "the languages of the questions changed")
    return case


def _knowledge(evidence: Evidence) -> Case:
    case = Case(settle="Look up the sources of the questions concerned, and when they were last changed.")
    if evidence.aged is not None and evidence.aged > 20:
        case.subject = "retrieved documents"
        case.add(5.5, f"what is retrieved is {evidence.aged:.0f} days older than before the onset")
    if evidence.documents is not None:
        if signs.surely(evidence.documents) and evidence.documents.distance > 0.2:
            case.add(2.0, f"other documents are retrieved: {evidence.documents.text}")
        else:
            case.add(-2.5, "the same documents are retrieved")
    elif evidence.looked:
        case.add(-2.0, "no retrieved documents are told")
    users = [each for each in evidence.moved if each.family in ("feedback", "behaviour", "human") and each.moved]
    grounded = [each for each in evidence.moved if "groundedness" in each.measure]
    if users and grounded and all(not each.moved for each in grounded):
        case.add(1.0, "answers are as well grounded as before, people are less content")
    if signs.ours(evidence):
        case.add(-1.0, "a change of ours lies where it began")
    return case


def _judge(evidence: Evidence) -> Case:
    case = Case(settle="Let people label a sample and compare the judge with them, before the onset and since.")
    silent = [each for each in evidence.findings if each.against == "silence" and each.rung == "judge"]
    if silent:
        case.subject = words.measure(silent[0].measure)
        case.add(5.0, words.finding(silent[0])[:-1])
    near = signs.near(evidence, ("scorer",))
    if near and any(near[0][1].subject.partition("@")[0] in each.measure for each in evidence.findings):
        case.subject = case.subject or near[0][1].subject
        case.add(4.5 * near[0][0], f"{near[0][1].text} {words.when(near[0][1].at)}, where it began")
    judged = [each for each in evidence.moved if each.family == "judge" and each.moved]
    fired = [each for each in evidence.findings if family(each.measure, each.rung) == "judge"]
    if not judged and not fired:
        case.add(-4.0, "no judge's score moved")
        return case
    case.subject = case.subject or words.measure(judged[0].measure if judged else fired[0].measure)
    others = [each for each in evidence.moved if each.family in ("human", "text", "feedback", "behaviour")]
    against = [each for each in others if each.moved]
    if against:
        case.add(-3.5, f"what no judge measures moved too: {signs.told(against)}")
    elif signs.had_power(others):
        happier = any(each.z > 0 for each in judged) or any(each.direction == "up" for each in fired)
        people = [each for each in others if each.family != "text"]
        # A judge may see a fall that small models are blind to; people who go on as before are another word.
        points = 5.0 if happier else 3.5 if signs.had_power(people) else 1.0
        more = "more" if happier else "less"
        case.add(points, f"the judge is {more} content and nothing else moved: {signs.told(others[:3], still=True)}")
    return case


def _feedback(evidence: Evidence) -> Case:
    case = Case(settle="Read the new votes: who gave them, and do they fit the answers?")
    fired = [each for each in evidence.findings if family(each.measure, each.rung) == "feedback"]
    moved = [each for each in evidence.moved if each.family == "feedback" and each.moved]
    if not fired and not moved:
        case.add(-4.0, "no feedback moved")
        return case
    case.subject = words.measure(fired[0].measure if fired else moved[0].measure)
    # Of a kind that hardly came before nobody knows how often it comes: it may be a slow one, or new.
    more = [
        each for each in evidence.volumes
        if each.ratio >= 1.4 and each.z >= MOVED and each.before * evidence.answers[0] >= _HEARD and signs.opinion(each)
    ]  # fmt: skip
    if more:
        case.add(3.0, f"{more[0].ratio:.1f} times as many {more[0].signal} for each answer")
    elif evidence.looked:
        case.add(-2.5, "as many people give feedback as before")
    others = [each for each in evidence.moved if each.family in ("human", "text", "behaviour", "judge")]
    against = [each for each in others if each.moved]
    if against:
        case.add(-2.5, f"the answers changed too: {signs.told(against)}")
    elif signs.had_power(others):
        case.add(2.0, f"nothing else moved: {signs.told(others[:3], still=True)}")
    if evidence.repeated >= 0.3:
        case.add(2.0, f"{evidence.repeated:.0%} of the new comments are the same text")
    if evidence.givers >= 0.15:
        case.add(1.5, "a few people give most of the new votes")
    return case


def _instrumentation(evidence: Evidence) -> Case:
    case = Case(settle="Compare what the application sent with what arrived; look at its last deployment.")
    silent = [each for each in evidence.findings if each.against == "silence" and each.rung != "judge"]
    if silent:
        case.subject = words.measure(silent[0].measure)
        case.add(5.0, words.finding(silent[0])[:-1])
    lost = signs.stopped(evidence)
    if lost:
        case.subject = case.subject or ", ".join(each.signal for each in lost[:3])
        told = ", ".join(f"{each.signal} {each.before:.1%} → {each.after:.1%}" for each in lost[:3])
        case.add(4.5 if len(lost) > 1 else 3.0, f"signals stopped coming while answers go on (for each answer): {told}")
    covers = [
        each
        for each in evidence.findings
        if each.measure.startswith(("coverage(", "count(signal")) and each.direction == "down"
    ]
    if covers and not silent:
        if lost or not evidence.looked:
            case.add(2.0, words.finding(covers[0])[:-1])
        else:
            case.add(-3.0, "looked at again, no more than one kind of signal comes less often")
    answers = [each for each in signs.answers_moved(evidence) if each.family in ("text", "human", "judge", "plain")]
    if answers and not silent:
        case.add(-2.0, f"the answers changed too: {signs.told(answers)}")
    if not silent and not lost and not covers:
        case.add(-4.0, "everything that came before still comes")
    return case


def _none(evidence: Evidence) -> Case:
    case = Case(settle="Wait: what chance did goes away by itself.")
    drawn = any(each.against == "threshold" and each.severity != "watch" for each in evidence.findings)
    if drawn:
        case.add(-3.0, "a threshold that somebody set was crossed")
    weak = bool(evidence.findings) and all(each.chance_per_month > 0.3 for each in evidence.findings)
    if weak and not drawn:
        case.add(1.0, words.chance(min(each.chance_per_month for each in evidence.findings)))
    if evidence.findings and all(each.severity == "watch" for each in evidence.findings):
        case.add(1.0, "nothing crossed a line; it is worth watching")
    if evidence.looked:
        moved = [each for each in evidence.moved if each.moved]
        if moved:
            case.add(-1.5, f"it is there when looked at again: {signs.told(moved)}")
        elif signs.stopped(evidence):
            case.add(-1.5, "it is there when looked at again: signals stopped coming")
        elif not signs.blind(evidence):
            case.add(1.0, "looked at again, nothing moved")
    return case


RULES: Final[dict[Cause, Callable[[Evidence], Case]]] = {
    "release": _release, "provider": _provider, "data": _data, "concept": _concept, "knowledge": _knowledge,
    "judge": _judge, "feedback": _feedback, "instrumentation": _instrumentation, "none": _none,
}  # fmt: skip
