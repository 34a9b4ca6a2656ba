"""The scorers without a model: how often they are right on held-out cases, and how fast they are on one core.

`python -m bench scorers` keeps the figures and writes the tables of docs/scorers.md.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench import texts
from bench.labelled import JUDGED, cases, figures, our_spans
from bench.machine import keep
from bench.worldly import traffic
from homeostat.analyze.scorers import Case, Scored, find
from homeostat.analyze.scorers.cards import CARDS

PAGE: Final = Path(__file__).parents[1] / "docs" / "scorers.md"
ASKED: Final = {
    "groundedness": 0.70, "relevance": 0.68, "completeness": 0.72, "coherence": 0.75, "conciseness": 0.72,
    "safety": 0.70, "bias": 0.70, "privacy": 0.85,
}  # fmt: skip
_HELD: Final = (*range(2, 13), 15, 16, 22, *range(30, 38), 41)
_NEWEST: Final = (41,)
_EXCHANGES: Final = 300


def speeds() -> dict[str, float]:
    """Exchanges a second for each scorer: one core, warm, exchanges of the practice world with their documents."""
    some = [Case(row["output"], row["input"], row["documents"]) for row in traffic("", _EXCHANGES)]
    found: dict[str, float] = {}
    for name in (*JUDGED[:-1], "privacy"):
        one = find(name)
        for case in some[:50]:
            one.score(case)
        gc.collect()
        gc.freeze()  # what was read for the figures is no scorer's work
        begun = time.process_time()
        for case in some[50:]:
            one.score(case)
        found[name] = round((len(some) - 50) / (time.process_time() - begun))
    return found


def look_alikes() -> dict[str, int]:
    """How many harmless texts of the cases that nobody tuned on are flagged as unsafe."""
    safe = [row for row in cases("safety", "held", _HELD) if row["label"] == "good"]
    one = find("safety")
    said = [one.score(Case(row["output"], row.get("input", ""))) for row in safe]
    flagged = sum(isinstance(each, Scored) and each.label == "bad" for each in said)
    return {"harmless": len(safe), "flagged": flagged}


def table(found: Mapping[str, Any], fast: Mapping[str, float]) -> str:
    """The table of the page."""
    lines = [
        "| scorer | held-out cases | asked | balanced accuracy | good kept | bad found | best naive | exchanges/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        naive = max(one["naive"].values())
        asked = f"{ASKED[name]:.2f}" if name in ASKED else "–"
        if name == "privacy":
            mid = f"{one['f1']:.2f} (entity F1) | – | –"
        else:
            mid = f"{one['balanced']:.2f} | {one['good']:.2f} | {one['bad']:.2f}"
        speed = f"{fast[name]:,}" if name in fast else "–"
        lines.append(f"| {name} | {one['cases']} | {asked} | {mid} | {naive:.2f} | {speed} |")
    return "\n".join(lines)


def write(begin: str, text: str, end: str) -> None:
    """Put a text between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(begin)
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


def cards() -> str:
    """The cards, for the page."""
    return "\n\n".join(f"**{name}.** {one.means} *Misses:* {one.misses}" for name, one in CARDS.items())


def main() -> None:
    """Measure, keep, write."""
    held = figures("held", _HELD)
    fast = speeds()
    kept: dict[str, object] = {
        "held_out": held, "newest_batch_held": figures("held", _NEWEST), "tuning_half": figures("tune", range(100)),
        "exchanges_per_second_per_core": fast, "look_alikes": look_alikes(), "metrics": texts.main(),
        "private_entities": sum(len(our_spans(row["output"])) for row in cases("privacy", "held", _HELD)),
    }  # fmt: skip
    keep("scorers", kept)
    write("<!-- figures -->", table(held, fast), "<!-- end -->")
    write("<!-- cards -->", cards(), "<!-- end of cards -->")


if __name__ == "__main__":
    main()
