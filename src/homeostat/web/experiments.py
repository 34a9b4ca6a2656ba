"""`/api/v1/experiments`: releases compared on users put to them by chance."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.loop.watching import trials
from homeostat.records.instant import micros
from homeostat.registry.declined import Declined
from homeostat.registry.proof import Proof
from homeostat.store.ledger import experiments
from homeostat.store.ledger.experiments import Kept
from homeostat.store.warehouse.questions import verdicts as asked
from homeostat.store.warehouse.questions.verdicts import About, measurable
from homeostat.verify import experiments as running
from homeostat.verify.experiments import Arm, Plan
from homeostat.web.asked import Core, Json, core_of, visitor_of, work
from homeostat.web.openapi import answers
from homeostat.web.steered import Name, Text, author_of, declined, page, steer

router: Final = APIRouter(tags=["experiments"])


class NewExperiment(BaseModel):
    """The first of `shares` is the control. `at_least`: the smallest difference that would matter."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    shares: dict[Name, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(min_length=2, max_length=10)
    measure: Annotated[str, Field(min_length=1, max_length=300)]
    route: Name = "default"
    direction: Literal["up", "down"] = "up"
    at_least: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.01
    planned: Annotated[int, Field(ge=100, le=10_000_000)] = 5_000
    why: Text = ""


class Stop(BaseModel):
    """Who gets the route; without `to` the winner, else the control."""

    model_config = ConfigDict(extra="forbid")
    to: Name = ""
    why: Text = ""


@router.get("/api/v1/experiments")
async def list_experiments(request: Request) -> Response:
    """Newest first."""
    core, project = core_of(request), visitor_of(request).project
    found = await work(request, lambda: experiments.listed(core.ledger, project))
    return page([running.as_json(kept) for kept in found])


@router.post("/api/v1/experiments", status_code=201, responses=answers(400, 404, 409))
async def start_experiment(request: Request, wanted: NewExperiment) -> Response:
    """Start one: the route gets these shares at once."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    measurable(wanted.measure)
    plan = Plan(**wanted.model_dump())
    proof = Proof(core.settings.good_share, core.settings.good_hours)
    done = await work(
        request, lambda: steer(core, lambda: running.start(core.ledger, project, plan, author, proof=proof))
    )
    return declined(done) if isinstance(done, Declined) else Json(running.as_json(done), 201)


@router.get("/api/v1/experiments/{name}", responses=answers(404))
async def show_experiment(request: Request, name: str) -> Response:
    """Every release against the control, with intervals that hold whenever they are looked at."""
    core, project = core_of(request), visitor_of(request).project

    def show() -> Any:
        kept = experiments.get(core.ledger, project, name)
        return running.missing(name) if kept is None else _seen(core, project, kept)

    found = await work(request, show)
    return declined(found) if isinstance(found, Declined) else Json(found)


@router.post("/api/v1/experiments/{name:path}/stop", responses=answers(400, 404, 409))
async def stop_experiment(request: Request, name: str, wanted: Stop | None = None) -> Response:
    """End it: the route goes to the winner, or back to the control. One that was changed meanwhile is `left` as it is,
    and `to` is empty."""
    core, project, author, said = core_of(request), visitor_of(request).project, author_of(request), wanted or Stop()

    def stop() -> Kept | Declined:
        kept, to = experiments.get(core.ledger, project, name), said.to
        if kept is not None and kept.state == "running" and not to:
            to = running.winner(kept, _arms(core, project, kept))
        done: Kept | Declined = steer(
            core, lambda: running.stop(core.ledger, project, name, author, to=to, why=said.why)
        )
        return done

    done = await work(request, stop)
    return declined(done) if isinstance(done, Declined) else Json(running.as_json(done))


def _seen(core: Core, project: str, kept: Kept) -> dict[str, Any]:
    return running.as_json(kept, _arms(core, project, kept))


def _arms(core: Core, project: str, kept: Kept) -> list[Arm]:
    now = core.clock.now()
    end = int(kept.document["stopped_us"]) or micros(now)
    told = kept.document
    start, route = int(told["started_us"]), str(told["route"])
    own = trials.own(core.ledger, project, route, start, end)
    about = About(project, str(told["measure"]), start, end, now, route=own)
    return running.arms(kept, asked.units(core.warehouse, about, window=600_000_000))
