"""Killed at every step of a load: after the next start nothing is lost and nothing is there twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from homeostat.store.spool.envelope import Envelope, Part

from .segments import NOON, call, chain, put, told

DYING = Path(__file__).with_name("dying.py")
#: "undone" is reached after a death between intent and end only, so one stands before it.
STEPS = (
    "intent",
    "verified",
    "exact",
    "spans",
    "undone",
    "drafted",
    "exchanges",
    "tombstones",
    "facts",
    "stored",
    "finished",
)

#: Those of the commit tier: each start of an engine takes seconds.
SOME = ("spans", "undone", "tombstones", "finished")


def segments(folder: Path, first: int) -> None:
    """Three segments: children first, then a parent that takes over their answers, facts, and something sent again."""
    spool = folder / "spool"
    spool.mkdir(parents=True, exist_ok=True)
    a, b, c, d = range(first, first + 4)
    signal = json.dumps({"fact": "signal", "id": f"s{first}", "name": "thumbs", "value": 1.0}).encode()
    one = {"gen_ai__response__id": f"r{first}"}
    put(spool, [told("p", call(a, 2, parent=1), call(b, 1), call(c, 5, parent=4, scope="sdk", **one))])
    put(
        spool,
        [
            told("p", chain(a, 1), call(a, 3, parent=1), call(c, 4, **one)),
            Envelope(NOON, "p", 1, Part.FACTS, signal),
            told("p", call(b, 1)),
        ],
    )
    put(spool, [told("p", call(d, 1)), Envelope(NOON, "p", 1, Part.FACTS, signal)])


def wanted(rounds: int) -> dict[str, Any]:
    """What a reader must find after so many rounds of `segments`."""
    spans, exchanges = [], []
    for first in range(1, 1 + 4 * rounds, 4):
        a, b, c, d = (f"{trace:032X}" for trace in range(first, first + 4))
        spans += [(a, 1), (a, 2), (a, 3), (b, 1), (c, 4), (c, 5), (d, 1)]
        exchanges += [
            (a, 1, True, False, 2, 200),
            (a, 2, False, True, 1, 100),
            (a, 3, False, True, 1, 100),
            (b, 1, True, True, 1, 100),
            (c, 4, True, True, 1, 100),  # its child, an answer of its own before, is gone
            (d, 1, True, True, 1, 100),
        ]
    names = ("t", "s", "is_answer", "is_call", "calls", "input_tokens")
    return {
        "spans": [{"t": trace, "s": f"{span:016X}", "n": 1} for trace, span in spans],
        "signals": [{"id": name, "n": 1} for name in sorted(f"s{first}" for first in range(1, 1 + 4 * rounds, 4))],
        "exchanges": [dict(zip(names, (t, f"{s:016X}", *rest), strict=True)) for t, s, *rest in exchanges],
        "outcomes": {"stored": 8 * rounds, "rejected": {"duplicate": 2 * rounds}, "expired": 0, "erased": 0},
        "left": [],
    }


def run(folder: Path, *step: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, str(DYING), str(folder), *step], capture_output=True, text=True, timeout=280)
    return done.returncode, done.stdout.strip() or done.stderr[-2000:]


@pytest.mark.parametrize("steps", [SOME, pytest.param(STEPS, marks=pytest.mark.nightly)], ids=["some", "every"])
def test_killed_at_one_step_after_the_other(steps: tuple[str, ...], tmp_path: Path) -> None:
    for round_, step in enumerate(steps):
        segments(tmp_path, 1 + 4 * round_)
        code, said = run(tmp_path, step)
        assert code == -9, (step, said)
    code, said = run(tmp_path)
    assert code == 0, said
    assert json.loads(said) == wanted(len(steps))


@pytest.mark.nightly
@pytest.mark.parametrize("step", STEPS)
def test_killed_three_times_at(step: str, tmp_path: Path) -> None:
    segments(tmp_path, 1)
    if step == "undone":
        run(tmp_path, "spans")
    deaths = [run(tmp_path, step)[0] for _ in range(3)]
    assert deaths[0] == -9
    code, said = run(tmp_path)
    assert code == 0, said
    assert json.loads(said) == wanted(1)
