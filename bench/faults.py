"""How well the default scorers tell each planted fault from ordinary traffic: AUC by fault and scorer.

The practice world makes the exchanges and knows what is wrong with them; the scorers see what the product would see.
Ordinary traffic is taken as it comes, with the 15 answers in 100 that an ordinary model gets wrong.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from scipy.stats import rankdata

from bench.machine import keep
from homeostat.analyze.scorers import Case, Scored, scorers
from homeostat.analyze.scorers.engine import IN_ENGINE
from homeostat.analyze.scorers.factuality import OWN
from homeostat.analyze.text.library import Library, Passage
from homeostat.loop.scoring.kinds import defaults
from homeostat.records.policy import Policy, reshaped
from homeostat.sim.exchange import Exchange
from homeostat.sim.faults import FAULTS
from homeostat.sim.scenario import Effect, named
from homeostat.sim.world import World
from homeostat.store.warehouse.client import Warehouse

PAGE: Final = Path(__file__).parents[1] / "docs" / "practice-world.md"
BEGIN: Final = "<!-- measured: written by `python -m bench faults`, do not edit -->"
END: Final = "<!-- end of measured -->"
SEED: Final = 20261121
AIM: Final = 0.85
ORDINARY: Final = 1_000
PLANTED: Final = 250
#: Which dimensions a fault is looked for in: those that it harms, where a default scorer looks at them.
DIMENSIONS: Final = {fault: tuple(harm) for fault, harm in FAULTS.items() if harm}


def traffic(fault: str, count: int) -> list[Exchange]:
    """So many exchanges: with this fault, or ordinary ones when it is empty."""
    effects = (Effect("answers", {"fault": fault, "share": 0.5}),) if fault else ()
    scenario = replace(named("weekend"), exchanges=count * (4 if fault else 1) + 200, onset=1, effects=effects)
    if fault == "wrong_language":
        scenario = replace(scenario, effects=(*effects, Effect("languages", {"shares": {"de": 0.4, "fr": 0.3}})))
    world = World(scenario, SEED)
    policy = Policy("default", 1, reshaped([], {"A": 1.0}))
    made = world.until(world.now + 400 * 86_400 * 10**9, policy).exchanges
    wanted = {row.number for row in world.book.rows if row.answer and (not fault or row.fault == fault)}
    return [one for one in made if one.number in wanted][:count]


def own_documents(exchanges: Sequence[Exchange]) -> Library:
    """What the shop's documentation says today, as its operator would put it into a folder."""
    return Library(Passage("shop", text) for text in sorted({one.text for each in exchanges for one in each.documents}))


def values(exchanges: Sequence[Exchange], own: Library) -> dict[str, list[float | None]]:
    """What every scorer of the default set says of each, and `factuality` by the shop's own documents."""
    known = scorers()
    found: dict[str, list[float | None]] = defaultdict(list)
    chosen = [known[one.kind] for one in defaults("bench") if one.kind in known] + [known["factuality"]]
    for exchange in exchanges:
        documents = tuple(document.text for document in exchange.documents)
        ours = [passage.text for passage in own.search(exchange.question, exchange.answer)]
        about = {"finish_reason": exchange.finish, OWN: ours}
        case = Case(exchange.answer, exchange.question, documents, metadata=about)
        for each in chosen:
            said = each.score(case)
            found[each.name].append(said.value if isinstance(said, Scored) else None)
    return found | _in_engine(exchanges)


def _in_engine(exchanges: Sequence[Exchange]) -> dict[str, list[float | None]]:
    """The engine's expressions, over a file of these rows."""
    found: dict[str, list[float | None]] = {}
    kinds = "n UInt32, input String, output String, finish_reason String, status String, tools Array(String)"
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        file.write_text("".join(f"{json.dumps(_row(n, one))}\n" for n, one in enumerate(exchanges)))
        engine = Warehouse(f"chdb://{folder}/engine", readers=1)
        for each in IN_ENGINE:
            asked = f"SELECT toFloat64({each.value}) FROM file('{file}', JSONEachRow, '{kinds}') ORDER BY n"
            found[each.name] = [row[0] for row in engine.jobs.query(asked, dict(each.parameters)).result_rows]
        engine.close()
    return found


def _row(number: int, exchange: Exchange) -> dict[str, object]:
    return {
        "n": number, "input": exchange.question, "output": exchange.answer, "finish_reason": exchange.finish,
        "status": "ok", "tools": [exchange.tool.name] if exchange.tool else [],
    }  # fmt: skip


def auc(bad: Sequence[float | None], good: Sequence[float | None]) -> float | None:
    """How probable it is that a faulty answer gets the lower score; ties count half. What is unscored is left out."""
    low, high = ([value for value in side if value is not None] for side in (bad, good))
    if len(low) < 20 or len(high) < 20:
        return None
    ranks = rankdata([*low, *high])
    beneath = float(np.sum(ranks[len(low) :])) - len(high) * (len(high) + 1) / 2
    return round(beneath / (len(low) * len(high)), 3)


def measured(faults: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """AUC of every scorer for every fault."""
    plain = traffic("", ORDINARY)
    own = own_documents(plain)
    ordinary = values(plain, own)
    found = {}
    for fault in faults:
        planted = values(traffic(fault, PLANTED), own)
        found[fault] = {name: auc(planted[name], ordinary[name]) for name in ordinary}
        print(f"{fault}: {_said(best(fault, found[fault]))}", file=sys.stderr)
    return found


def best(fault: str, by_scorer: Mapping[str, float | None]) -> tuple[str, float]:
    """The scorer that separates it best, of those that look at a dimension which the fault harms."""
    looks = {each.name: each.dimension for each in IN_ENGINE}
    looks |= {name: each.dimension for name, each in scorers().items()}
    own = {
        name: value for name, value in by_scorer.items()
        if value is not None and looks.get(name) in DIMENSIONS[fault]
    }  # fmt: skip
    name = max(own, key=lambda one: own[one], default="")
    return name, own.get(name, 0.5)


def _said(found: tuple[str, float]) -> str:
    return f"{found[0] or 'none'} {found[1]:.2f}"


def table(found: Mapping[str, Mapping[str, float | None]]) -> str:
    """The table of the page."""
    lines = ["| fault | harms | best scorer of those dimensions | AUC |", "|---|---|---|---|"]
    for fault, by_scorer in found.items():
        name, value = best(fault, by_scorer)
        lines.append(f"| {fault.replace('_', ' ')} | {', '.join(DIMENSIONS[fault])} | {name or '-'} | {value:.2f} |")
    return "\n".join(lines)


def write(found: Mapping[str, Mapping[str, float | None]]) -> None:
    """Put the table into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table(found)}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> None:
    """Measure, keep, write."""
    found = measured(list(DIMENSIONS))
    keep("faults", {"aim": AIM, "ordinary": ORDINARY, "planted": PLANTED, "auc": found})
    write(found)


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(DIMENSIONS)
    print(json.dumps(measured(wanted), indent=1))
