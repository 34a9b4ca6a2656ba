"""What the operator of the shop has set up: the model behind the gateway, and a judge of what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from homeostat.sim import product
from homeostat.sim.endpoints import Providers, listening
from homeostat.sim.judge import Judge
from homeostat.sim.model import Model
from homeostat.sim.product import Product, Refused
from homeostat.sim.serving import free_port, serving
from homeostat.sim.tuning import Tuning
from homeostat.sim.world import World

#: One question for the whole answer, in the operator's own words: at twenty answers a minute, about every one of them.
JUDGES: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "content", "kind": "judge", "share": 1.0,
        "settings": {
            "dimension": "content", "form": "yes_no",
            "task": "You look after customers of a shop. Say whether the customer can be content with this reply.",
            "fault": "Must the customer be discontent with this reply?",
        },
    },
)  # fmt: skip
#: Live, where as many answers come in a second or two, about every fourth.
LIVE_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Given:
    """A server that runs already, and a key for the project in which the shop shall live."""

    url: str
    key: str = ""


@contextmanager
def served(
    world: World, given: Given | None = None, *, clock: str = "world", port: int = 0, pace: float = 0.0
) -> Iterator[tuple[str, Product, Model | None]]:
    """The shop at a server of its own; or at a given one, which knows neither its model nor its judge."""
    if given is None:
        with shop(world, clock=clock, port=port, pace=pace) as own:
            yield own
        return
    with product.at(given.url, given.key) as server:
        known = server.get("/api/v1/exchanges", kind="all", limit="1") or {}
        if known.get("items"):
            raise Refused(
                f"The project at {given.url} has exchanges already; those of the practice world would mix with them. "
                "Give it a project of its own: `homeostat key create practice --project practice "
                "--scopes ingest,read,gateway,admin`, and the key in HOMEOSTAT_KEY."
            )
        if clock == "world" and not server.drives:
            raise Refused(
                f"The server at {given.url} follows the calendar. Headless it must let the world drive its clock: "
                "`homeostat up --clock world` on a fresh directory."
            )
        yield given.url, server, None


@contextmanager
def shop(
    world: World,
    *,
    clock: str = "world",
    port: int = 0,
    pace: float = 0.0,
    settings: Mapping[str, str] | None = None,
    judges: bool = True,
) -> Iterator[tuple[str, Product, Model]]:
    """A server on a fresh directory, set up, with its providers: its address, the product behind it, its model.
    `settings`: further environment of the server."""
    behind, model = free_port(), Model(world, pace=pace)
    providers = Providers(model, Judge(world.book, world.scenario, world.seed, changes=world.changes), Tuning(model))
    chosen = _settings(behind) | dict(settings or {})
    with listening(providers, behind), serving(clock=clock, port=port, settings=chosen) as url, \
            product.at(url) as server:  # fmt: skip
        for judge in JUDGES if judges else ():
            server.have("/api/v1/scorers", judge | ({"share": LIVE_SHARE} if clock == "live" else {}))
        yield url, server, model


def _settings(behind: int) -> dict[str, str]:
    """The environment of the server."""
    return {
        "HOMEOSTAT_UPSTREAM": f"http://127.0.0.1:{behind}/v1", "HOMEOSTAT_UPSTREAM_KEY": "practice",
        "HOMEOSTAT_JUDGE_URL": f"http://127.0.0.1:{behind}/judge/v1", "HOMEOSTAT_JUDGE_MODEL": "judge-1",
        "HOMEOSTAT_JUDGE_KEY": "practice", "HOMEOSTAT_JUDGE_PER_MINUTE": "2000",
    }  # fmt: skip
