"""Where a text breaks, and which parts of a question an answer serves."""

from __future__ import annotations

import pytest

from homeostat.analyze.scorers.case import Case
from homeostat.analyze.scorers.coherence import features as coherence
from homeostat.analyze.scorers.completeness import features as completeness


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "switched",
            "Blot the stain at once. Se la macchia si vede ancora, ripeti una volta. Then let the carpet dry.",
        ),
        ("no_reason", "Use a pot with a hole, because old photographs fade in daylight."),
        ("refers_ahead", "1. Scan the code with the app from step 3.\n2. Log out.\n3. Install the app."),
        ("backwards", "Then switch it on for the first time. Having boiled it, fill in the water next."),
        ("taken_back", "The cork should never touch water. The cork is rinsed in water every day."),
        ("handed_on", "Contracts end after four weeks. Gyms have many mirrors. Mirrors are made of sand and silver."),
        ("half_denied", "The engine never stops, so it stops at once."),
        (
            "switched",
            "Open the file and choose Activity. Ve výchozím nastavení se zobrazují jen lidé z vaší organizace.",
        ),
        ("so_against", "Milk goes sour fastest on the shelf. So the shelf is where it stays sweet the longest."),
        ("denied_flatly", "The lamp charges on the pad. The lamp has never charged on any pad."),
        ("late_stage", "Serve the soup at once. Chop the onions now. It feeds four."),
        ("stage_ends", "Submit the form. Choose your files there. Then download the form."),
        ("ordinals", "Roll on the second coat when it is dry. Sand the door, so that the first coat sticks."),
        ("nobody", "She signs it once the amount is known."),
        ("same_person", "He told him that it was late. Then she gave it to her."),
    ],
)
def test_a_break_is_seen(name: str, text: str) -> None:
    assert coherence(Case(text, "How do I do that?"))[name] > 0


@pytest.mark.parametrize(
    "text",
    [
        "Blot the stain at once. If it can still be seen, do it again. Then let the carpet dry.",
        'Say "un café, por favor, y la cuenta". They will understand you at once.',
        "Use a pot with a hole, because water that stays in the pot rots the roots.",
        "Chop the onions and fry them. Add the stock, and let it simmer. Serve it with bread.",
        "My neighbour waters hers once a month. She says that her cactus flowers each spring.",
        "The pot may be of clay. It costs more, so most people buy plastic.",
        "Ask for `npx sirv dist --cors` or rsync, grep, awk, sed and xargs.",
    ],
)
def test_what_hangs_together_has_no_break(text: str) -> None:
    found = coherence(Case(text, "How do I care for a cactus in a pot?"))
    assert not any(
        found[name]
        for name in (
            "switched",
            "no_reason",
            "refers_ahead",
            "backwards",
            "taken_back",
            "half_denied",
            "handed_on",
            "so_against",
            "denied_flatly",
            "late_stage",
            "stage_ends",
            "ordinals",
            "nobody",
            "same_person",
        )
    )


def test_what_others_are_quoted_with_is_theirs() -> None:
    told = "They are split. The chair called it {}. Her deputy said the {}: {}."
    plain_ = told.format("good", "opposite", "we never called it good, I and she")
    quoted = told.format('"good"', "opposite", '"we never called it good, I and she"')
    assert coherence(Case(plain_, "What did they say?"))["many_persons"] == 1
    assert coherence(Case(quoted, "What did they say?"))["many_persons"] == 0


@pytest.mark.parametrize(
    ("name", "question", "short", "whole"),
    [
        (
            "left",
            "Which of these freeze well: soup, lettuce, bread?",
            "Soup and bread do.",
            "Soup and bread do, lettuce doesn't.",
        ),
        ("unconverted", "Convert 5 miles and 12 miles to km.", "5 miles are 8 km.", "8 km and 19 km."),
        ("untold", 'Translate: "It is late. We must go."', '"Es ist spät."', '"Es ist spät. Wir müssen gehen."'),
        (
            "vague",
            "Should we use tabs or spaces?",
            "It is a topic that many people like to argue about.",
            "Spaces. Two of them.",
        ),
        (
            "last_unsaid",
            "What does the pass cost, and does it include parking?",
            "The pass costs 79 euros for adults. You can buy it at the desk with cash or in the app.",
            "The pass costs 79 euros for adults. Parking is included for as long as the gates are open.",
        ),
    ],
)
def test_what_is_missing_is_seen(name: str, question: str, short: str, whole: str) -> None:
    assert completeness(Case(short, question))[name] > completeness(Case(whole, question)).get(name, 0.0)
