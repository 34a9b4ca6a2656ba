"""The plain JSON routes: from a request to facts in the spool.

A list is stored whole or not at all: when one item is wrong, the answer names each wrong one and nothing is kept, so a
client never has to work out which half to send again. (Langfuse's routes answer item by item, as theirs do.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec

from homeostat.doors.answers import Gone, Receive, Refused, Scope, Send, refused_plainly, send_json
from homeostat.doors.body import Claim, Doorstep, plain_body, read_body, read_encoding, read_headers
from homeostat.observe.facts import expired
from homeostat.observe.otlp.check import Checked
from homeostat.observe.otlp.intake import Spool
from homeostat.observe.otlp.json_text import read_json
from homeostat.observe.otlp.seen import Seen, fingerprint
from homeostat.observe.plain import langfuse
from homeostat.observe.plain.exchanges import exchange
from homeostat.observe.plain.item import NAME_CHARS, Item, Wrong
from homeostat.observe.plain.opinions import score, signal
from homeostat.store.spool.envelope import Envelope, Part
from homeostat.store.spool.writer import SpoolRefused

Fact = dict[str, Any]
Make = Callable[[Item, str], Fact]
Answer = tuple[int, Any]

DEPTH: Final = 64
_SMALL: Final = 32 << 10
_MOST_TOLD: Final = 100
_MOST_ITEMS: Final = 10_000
_KINDS: Final[dict[str, Make]] = {"signals": signal, "scores": score, "exchanges": exchange}
_NO_ATTRIBUTES: Final = ("signals", "scores")


class _Invalid(Exception):
    """Items that cannot be kept."""

    def __init__(self, wrong: list[tuple[int, Wrong]]) -> None:
        super().__init__("invalid")
        self.wrong = wrong


class PlainIntake:
    """Exchanges, signals and scores as JSON."""

    def __init__(self, spool: Spool, step: Doorstep, now_ns: Callable[[], int], keep_ns: int, text_limit: int) -> None:
        self._spool = spool
        self._step = step
        self._now_ns = now_ns
        self._keep_ns = keep_ns
        self._text_limit = text_limit
        self._seen = Seen()

    async def take(self, route: str, scope: Scope, receive: Receive, send: Send) -> int:
        """Answer one request; returns the status that was sent, 0 when the client left."""
        try:
            if route == "projects":
                status, answer = 200, langfuse.projects(scope["homeostat.visitor"].project)
            else:
                status, answer = await self._post(route, scope, receive)
        except Gone:
            return 0
        except _Invalid as error:
            return await _tell_wrong(send, error.wrong)
        except SpoolRefused as error:
            refusal = Refused(503, f"Not stored: {error}. Send it again.", retry_after=error.retry_after)
            await refused_plainly(send, refusal)
            return 503
        except Refused as refusal:
            await refused_plainly(send, refusal)
            return refusal.status
        await send_json(send, status, answer)
        return status

    async def _post(self, route: str, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            raise Refused(405, "Send it with POST.")
        kind, encoding, length = read_headers(scope["headers"])
        if kind.partition(b";")[0].strip().lower() != b"application/json":
            raise Refused(415, "Content-Type must be application/json.")
        project = scope["homeostat.visitor"].project
        with Claim(self._step) as claim:
            body = await read_body(receive, claim, self._step, length)
            body = await plain_body(body, read_encoding(encoding), claim, self._step)
            received = self._now_ns()
            if len(body) <= _SMALL:
                facts, answer = self._facts(route, body, project, received)
            else:
                loop = asyncio.get_running_loop()
                facts, answer = await loop.run_in_executor(
                    self._step.threads, self._facts, route, body, project, received
                )
            if facts:
                await self._keep(facts, project, received, fingerprint(project, route, body))
        return answer

    async def _keep(self, facts: list[Fact], project: str, received: int, mark: bytes) -> None:
        """Make the facts durable, once: a body that is sent again is counted, and answered as before."""
        if await self._seen.first(mark) is not None:
            again = Envelope(received, project, len(facts), Part.NOTHING, b"", outcome="duplicate")
            await self._spool.append(again)
            return
        try:
            lines = b"\n".join(map(msgspec.json.encode, facts))
            oldest = max(0, received - self._keep_ns)
            await self._spool.append(Envelope(received, project, len(facts), Part.FACTS, lines, oldest))
        except BaseException:
            self._seen.failed(mark)
            raise
        self._seen.done(mark, Checked(len(facts)))

    def _facts(self, route: str, body: bytes, project: str, received: int) -> tuple[list[Fact], Answer]:
        """Facts to keep, and the answer once they are kept."""
        value = read_json(body)
        if _deeper(value, DEPTH):
            raise Refused(400, f"The JSON body is nested deeper than {DEPTH}. Flatten it.")
        if route == "ingestion":
            return self._ingestion(value, project, received)
        if route == "langfuse_scores":
            return self._langfuse_scores(value, project, received)
        return self._ours(route, value, project, received)

    def _ours(self, route: str, value: Any, project: str, received: int) -> tuple[list[Fact], Answer]:
        facts: list[Fact] = []
        wrong: list[tuple[int, Wrong]] = []
        ignored: set[str] = set()
        for index, one in enumerate(_objects(value)):
            item = Item(one, received, self._text_limit)
            facts.append(_KINDS[route](item, project))
            wrong += ((index, problem) for problem in item.wrong)
            if route in _NO_ATTRIBUTES:
                ignored.update(item.rest())
        if wrong:
            raise _Invalid(wrong)
        answer: dict[str, Any] = {"accepted": len(facts), "ids": [fact["id"] for fact in facts]}
        oldest = max(0, received - self._keep_ns)
        if gone := sum(expired(fact, received, oldest) for fact in facts):
            answer["expired"] = gone
        if ignored:
            answer["ignored"] = sorted(ignored)
        return facts, (202, answer)

    def _langfuse_scores(self, value: Any, project: str, received: int) -> tuple[list[Fact], Answer]:
        """`POST /api/public/scores`: one score answers its id, a list how many were taken."""
        facts: list[Fact] = []
        errors: list[dict[str, str]] = []
        for one in _objects(value):
            item = Item(one, received, self._text_limit)
            fact = langfuse.score(item, project)
            if item.wrong:
                errors.append({"message": "; ".join(f"{w.field} {w.message}" for w in item.wrong)})
            else:
                facts.append(fact)
        if isinstance(value, list):
            if errors:
                told = {"accepted": len(facts), "rejected": len(errors), "errors": errors[:_MOST_TOLD]}
                return facts, (207, told)
            return facts, (202, {"message": "Accepted"})
        if errors:
            return [], (400, {"message": errors[0]["message"], "error": "InvalidRequestError"})
        return facts, (200, {"id": facts[0]["id"]})

    def _ingestion(self, value: Any, project: str, received: int) -> tuple[list[Fact], Answer]:
        """`POST /api/public/ingestion`: scores are taken, other events are told where they belong."""
        batch = langfuse.events(value)
        if batch is None:
            raise Refused(400, 'The body must be {"batch": [...]}, a list of event objects.')
        _not_too_many(batch)
        facts: list[Fact] = []
        told: dict[str, list[dict[str, Any]]] = {"successes": [], "errors": []}
        for event in batch:
            name = str(event.get("id") or "")[:NAME_CHARS]
            if event.get("type") == "sdk-log":
                told["successes"].append({"id": name, "status": 201})
                continue
            message = "Send traces by OpenTelemetry to /api/public/otel/v1/traces; this route takes scores."
            if langfuse.is_score(event):
                item = Item({"timestamp": event.get("timestamp"), **event["body"]}, received, self._text_limit)
                fact = langfuse.score(item, project)
                message = "; ".join(f"{w.field} {w.message}" for w in item.wrong)
                if not item.wrong:
                    facts.append(fact)
                    told["successes"].append({"id": name, "status": 201})
                    continue
            told["errors"].append({"id": name, "status": 400, "message": message, "error": "InvalidRequestError"})
        return facts, (207, told)


def _objects(value: Any) -> list[dict[str, Any]]:
    """One object or a list of them."""
    items = value if isinstance(value, list) else [value]
    _not_too_many(items)
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise Refused(400, f"Item {index} is not a JSON object. Send an object, or a list of objects.")
    return items


def _not_too_many(items: list[Any]) -> None:
    if len(items) > _MOST_ITEMS:
        raise Refused(413, f"{len(items)} items in one request. Send {_MOST_ITEMS} at most.")


def _deeper(value: Any, depth: int) -> bool:
    """Is `value` nested deeper than that?"""
    if not isinstance(value, dict | list):
        return False
    if depth == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(_deeper(item, depth - 1) for item in inner)


async def _tell_wrong(send: Send, wrong: list[tuple[int, Wrong]]) -> int:
    items = [{"index": index, "field": w.field, "message": f"{w.field} {w.message}"} for index, w in wrong[:_MOST_TOLD]]
    first = items[0]
    refusal = Refused(422, f"Item {first['index']}: {first['message']}.")
    hint = "Nothing was stored. Correct what `items` names and send all of it again."
    await refused_plainly(send, refusal, hint=hint, items=items)
    return 422
