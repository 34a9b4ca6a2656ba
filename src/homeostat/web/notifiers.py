"""`/api/v1/notifiers`: the channels by which people are told. Secrets come in and never go out."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from homeostat.act import outbox as telling
from homeostat.act.notifiers import Message, Outbound, Told, building
from homeostat.act.notifiers.building import BadChannel
from homeostat.act.notifiers.outbound import allowed
from homeostat.records.channel import Channel, Quiet, Rules, rules_as_json
from homeostat.records.finding import Severity
from homeostat.records.instant import iso, micros
from homeostat.registry import names
from homeostat.registry.author import Author
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, channels, outbox
from homeostat.store.warehouse.questions.refused import Refused
from homeostat.web.asked import Core, Json, core_of, visitor_of, work
from homeostat.web.errors import not_found
from homeostat.web.openapi import answers
from homeostat.web.steered import Name, author_of, declined, page

router: Final = APIRouter(tags=["notifiers"])
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_MOST: Final = 50


class QuietHours(BaseModel):
    """From when to when (`22:00`), in which zone, only critical things are told."""

    model_config = ConfigDict(extra="forbid")
    since: Name
    until: Name
    zone: Name = "UTC"


class NewChannel(BaseModel):
    """A channel as it shall be. What is left out stays as it is, settings too while the kind is the same; null or empty
    takes quiet hours and escalation off."""

    model_config = ConfigDict(extra="forbid")
    kind: Name = ""
    settings: dict[Name, Any] = Field({}, max_length=20)
    severity: Severity = "warning"
    every: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    quiet: QuietHours | None = None
    escalate_after: Annotated[float, Field(ge=0, le=10_080)] = 0.0
    escalate_to: Name = ""
    only_escalations: bool = False
    state: Literal["on", "off"] = "on"


@router.get("/api/v1/notifiers")
async def list_channels(request: Request) -> Response:
    """Every channel with how telling goes; never a secret."""
    core, project = core_of(request), visitor_of(request).project

    def listed() -> list[dict[str, Any]]:
        counted = outbox.counts(core.ledger, project)
        found = channels.listed(core.ledger, project)
        return [_json(each, counted.get((project, each.name), {})) for each in found]

    return page(await work(request, listed))


@router.get("/api/v1/notifiers/kinds")
async def list_kinds(request: Request) -> Response:
    """The kinds of notifiers and their settings."""
    visitor_of(request)
    return Json(building.kinds())


@router.put("/api/v1/notifiers/{name}", responses=answers(400))
async def put_channel(request: Request, name: str, wanted: NewChannel) -> Response:
    """Make a channel, or change it. Only the operator says where this machine sends things."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)
    if not _NAME.fullmatch(name) or names.bad_text(wanted.model_dump()):
        raise Refused("A name has 1 to 64 small letters, digits and -; texts are whole characters, without NUL.")
    made = await work(request, lambda: _put(core, project, name, wanted, author))
    return Json(_json(made, {}))


@router.delete("/api/v1/notifiers/{name}", responses=answers(404, 409))
async def remove_channel(request: Request, name: str) -> Response:
    """Forget a channel; what waits for it is told to nobody. Not while another escalates to it."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)

    def remove() -> bool | Declined:
        with core.ledger.begin():
            using = [each.name for each in channels.listed(core.ledger, project) if each.rules.escalate_to == name]
            if using:
                return Declined(
                    "conflict", f"{', '.join(using)} escalates to {name}: nobody would be told then.",
                    "Let it escalate to another channel first, or to none (--escalate off).",
                )  # fmt: skip
            if not channels.remove(core.ledger, project, name):
                return False
            outbox.drop_for(core.ledger, project, name, now=telling.machine_now())
            author.wrote(core.ledger, project, "notifier.remove", name)
            return True

    removed = await work(request, remove)
    if isinstance(removed, Declined):
        return declined(removed)
    return Json({"removed": name}) if removed else not_found("channel")


@router.post("/api/v1/notifiers/{name:path}/test", responses=answers(404))
async def test_channel(request: Request, name: str) -> Response:
    """Send a test message now, past all rules: `{"ok", "error"}`."""
    core, project, author = core_of(request), visitor_of(request).project, author_of(request)

    def test() -> dict[str, Any] | None:
        channel = channels.get(core.ledger, project, name)
        if channel is None:
            return None
        author.wrote(core.ledger, project, "notifier.test", name)
        said = Told(0, "test", "warning", f"{author.actor} pressed the test button",
                    "If you read this, the channel works.", iso(micros(author.at)))  # fmt: skip
        message = Message(secrets.token_hex(16), project, (said,))
        try:
            notifier = building.built(building.key(core.folder.control), channel)
            done = notifier.tell(message, Outbound(allowed(core.settings.notify_allow)))
        except BadChannel as problem:
            return {"ok": False, "error": str(problem)}
        with core.ledger.begin():
            channels.used(core.ledger, project, name, problem=done.error[:500])
            if done.ok:
                telling.tried(core.ledger, channel, at=micros(author.at))
        return {"ok": done.ok, "error": done.error}

    answer = await work(request, test)
    return not_found("channel") if answer is None else Json(answer)


def _put(core: Core, project: str, name: str, wanted: NewChannel, author: Author) -> Channel:
    ledger, key = core.ledger, building.key(core.folder.control)
    with ledger.begin():
        there = channels.get(ledger, project, name)
        whole = _whole(wanted, there)
        rules = _rules(ledger, project, name, whole)
        before = _before(key, there) if there is not None and there.kind == whole.kind else None
        try:
            settings = building.checked(whole.kind, wanted.settings, before)
        except BadChannel as problem:
            raise Refused(str(problem)) from None
        seen, hidden = building.split(whole.kind, settings)
        if there is None and len(channels.listed(ledger, project)) >= _MOST:
            raise Refused(f"A project has at most {_MOST} channels.")
        made = Channel(
            project, name, whole.kind, seen, building.seal(key, project, name, hidden), rules, whole.state,
            created=there.created if there else telling.machine_now(), author=author.actor,
            sent=there.sent if there else 0, sent_critical=there.sent_critical if there else 0,
        )  # fmt: skip
        channels.put(ledger, made)
        author.wrote(ledger, project, "notifier.put", name, before=_told(there), after=_told(made))
        return made


def _before(key: bytes, channel: Channel) -> dict[str, Any]:
    seen = dict(channel.settings)
    try:
        return seen | building.unseal(key, channel)
    except BadChannel:  # secrets must be given again
        return seen


def _whole(wanted: NewChannel, there: Channel | None) -> NewChannel:
    """With the kind, the state and the rules of before where it says nothing of them."""
    if there is None and not wanted.kind:
        raise Refused("There is no such channel: say which kind it shall be.", hint="GET /api/v1/notifiers/kinds")
    if there is None:
        return wanted
    before, said = (
        {"kind": there.kind, "state": there.state, **rules_as_json(there.rules)},
        wanted.model_dump(exclude_unset=True),
    )
    if said.get("escalate_to") == "" or said.get("escalate_after") == 0:
        before |= {"escalate_to": "", "escalate_after": 0.0}
    return NewChannel.model_validate({**before, **said})


def _rules(ledger: Ledger, project: str, name: str, wanted: NewChannel) -> Rules:
    if wanted.escalate_to and channels.get(ledger, project, wanted.escalate_to) is None:
        raise Refused(f"There is no channel {wanted.escalate_to} to escalate to.")
    if wanted.escalate_to == name:
        raise Refused("A channel cannot escalate to itself.")
    if bool(wanted.escalate_to) != (wanted.escalate_after > 0):
        raise Refused("escalate_after (minutes) and escalate_to (a channel) belong together.")
    quiet = None
    if wanted.quiet is not None:
        quiet = Quiet(wanted.quiet.since, wanted.quiet.until, wanted.quiet.zone)
        if not (_CLOCK.fullmatch(quiet.since) and _CLOCK.fullmatch(quiet.until)) or quiet.since == quiet.until:
            raise Refused("Quiet hours go from one time of the day to another: 22:00 to 07:00.")
        try:
            ZoneInfo(quiet.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Refused(f"There is no time zone {quiet.zone}.") from None
    return Rules(
        wanted.severity, wanted.every, quiet, wanted.escalate_after, wanted.escalate_to, wanted.only_escalations
    )


def _told(channel: Channel | None) -> dict[str, Any] | None:
    """For the audit log: what may be seen."""
    if channel is None:
        return None
    said = {"kind": channel.kind, "state": channel.state, "settings": dict(channel.settings)}
    return said | rules_as_json(channel.rules)


def _json(channel: Channel, counts: dict[str, int]) -> dict[str, Any]:
    hidden = [name for name, each in building.kinds().get(channel.kind, {"settings": {}})["settings"].items()
              if each["secret"]]  # fmt: skip
    sent = max(channel.sent, counts.get("last", 0))
    return {
        "name": channel.name, **(_told(channel) or {}), "secrets": hidden, "created": iso(channel.created),
        "author": channel.author, "sent": iso(sent) if sent else None, "problem": channel.problem,
        "waiting": counts.get("waiting", 0), "dead": counts.get("dead", 0),
    }  # fmt: skip
