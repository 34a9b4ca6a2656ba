"""A model taught anew: a dataset goes to a fine-tuning API, its model comes back as a release in shadow or canary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

from homeostat.act.remedies import routes
from homeostat.act.remedies.effects import Effects, Rejected
from homeostat.act.remedies.remedy import Told
from homeostat.records.action import Action
from homeostat.records.policy import Policy, Shadow
from homeostat.registry import datasets, releases
from homeostat.registry.declined import Declined
from homeostat.registry.names import bad
from homeostat.store.ledger import datasets as rows

_FEWEST: Final = 10
_ENDED: Final = frozenset(("failed", "cancelled"))
_OVER: Final = _ENDED | {"succeeded"}


@dataclass(frozen=True, slots=True)
class Retrain:
    """Upload a version of a dataset, start the job, follow it, keep the model as a release, let it serve a little.

    >>> Retrain("good", base="gpt-4o-mini").steps
    ('upload', 'start', 'follow', 'release', 'policy')
    """

    answer: ClassVar[str] = "retrain"
    steps: ClassVar[tuple[str, ...]] = ("upload", "start", "follow", "release", "policy")
    inside: ClassVar[frozenset[str]] = frozenset(("release", "policy"))

    dataset: str
    version: int = 0
    base: str = ""
    shape: Literal["chat", "preferences"] = "chat"
    route: str = "default"
    leaving: str = ""
    mode: Literal["shadow", "canary"] = "shadow"
    share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError("share is more than 0, at most 1")

    def preview(self, effects: Effects, action: Action) -> Mapping[str, Any] | Declined:
        """What would be sent, how much of it, and what its model would serve."""
        if effects.tuning is None:
            return _no_api()
        lines = self._lines(effects, action)
        if isinstance(lines, Declined):
            return lines
        planned = self._planned(effects, action)
        if isinstance(planned, Declined):
            return planned
        now, shares = planned
        size = sum(len(json.dumps(line)) for line in lines)
        return {"dataset": self.dataset, "lines": len(lines), "bytes": size, "base": self.base, "mode": self.mode,
                "first": lines[0], **routes.change(now, shares)}  # fmt: skip

    def do(self, step: str, effects: Effects, action: Action) -> Told | Declined:
        """One step; those that go outside tell the API our number, so that a repeated one is recognised."""
        if step in ("upload", "start", "follow") and effects.tuning is None:
            return _no_api()
        if step in ("upload", "start"):  # nothing is paid for that could not serve
            planned = self._planned(effects, action)
            if isinstance(planned, Declined):
                return planned
        match step:
            case "upload":
                return self._upload(effects, action)
            case "start":
                return self._start(effects, action)
            case "follow":
                return self._follow(effects, action)
            case "release":
                return self._release(effects, action)
            case _:
                return self._serve(effects, action)

    def undo(self, effects: Effects, action: Action) -> Told | Declined:
        """A job that runs is cancelled; a release that serves serves no more. The model stays at the provider."""
        if "file" in action.result and "model" not in action.result:
            if effects.tuning is None:
                return bad(
                    "A fine-tuning job may still run: stop it at the provider.", "tuning_url is not set any more."
                )
            job = _started(effects, action)
            if job and _read(effects.tuning.call("GET", f"/fine_tuning/jobs/{job}")).get("status") not in _OVER:
                try:
                    effects.tuning.call("POST", f"/fine_tuning/jobs/{job}/cancel")
                except Rejected as problem:
                    why = f"The fine-tuning job {job} could not be cancelled ({problem}): stop it at the provider."
                    return Declined("conflict", why)
        return routes.put_back(effects, action, self.route)

    def _upload(self, effects: Effects, action: Action) -> Told | Declined:
        lines = self._lines(effects, action)
        if isinstance(lines, Declined):
            return lines
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        body, headers = _form(f"homeostat-{action.project}-{action.id}.jsonl", content)
        file = _id(_of(effects).call("POST", "/files", body, headers))
        return Told(result={"file": file, "lines": len(lines)}) if file else _nameless("file")

    def _start(self, effects: Effects, action: Action) -> Told | Declined:
        mark = f"homeostat-{action.id}"
        if job := _started(effects, action):
            return Told(result={"job": job})
        wanted = {"training_file": action.result["file"], "model": self.base, "suffix": mark}
        if self.shape == "preferences":
            wanted["method"] = {"type": "dpo"}
        job = _id(_of(effects).call("POST", "/fine_tuning/jobs", json.dumps(wanted).encode(), _JSON))
        return Told(result={"job": job}) if job else _nameless("job")

    def _follow(self, effects: Effects, action: Action) -> Told | Declined:
        job = _read(_of(effects).call("GET", f"/fine_tuning/jobs/{action.result['job']}"))
        status = job.get("status")
        if not isinstance(status, str):
            raise OSError("it does not say how the job stands")
        if status in _ENDED:
            why = _read(job.get("error")).get("message") or status
            return Declined("conflict", f"The fine-tuning job ended: {str(why)[:300]}")
        if status != "succeeded" or not job.get("fine_tuned_model"):
            return Told(result={"status": status}, wait=True)
        return Told(result={"status": status, "model": str(job["fine_tuned_model"])})

    def _release(self, effects: Effects, action: Action) -> Told | Declined:
        old = releases.find(effects.ledger, action.project, self.leaving)
        if isinstance(old, Declined):
            return old
        model, name = str(action.result["model"]), self._name(action)
        wanted = replace(old.release, name=name, model=model, model_version=model, implicit=False)
        note = f"action {action.id}: taught with {self.dataset}"
        made = releases.make(effects.ledger, action.project, wanted, effects.author, note=note)
        return made if isinstance(made, Declined) else Told(result={"release": name})

    def _serve(self, effects: Effects, action: Action) -> Told | Declined:
        name = str(action.result["release"])
        planned = self._planned(effects, action)
        if isinstance(planned, Declined):
            return planned
        _, shares = planned
        shadow = Shadow(name, self.share) if self.mode == "shadow" else None
        return routes.put(effects, action, self.route, shares, shadow=shadow)

    def _name(self, action: Action) -> str:
        return f"{self.leaving[:80]}-tuned-{action.id}"

    def _planned(self, effects: Effects, action: Action) -> tuple[Policy, Mapping[str, float]] | Declined:
        """What the route obeys now, and the shares that it would have; what is wrong with either, or with `leaving`."""
        old = releases.find(effects.ledger, action.project, self.leaving)
        if isinstance(old, Declined):
            return old if self.leaving else bad("Say whose model is taught anew: leaving.")
        now = routes.current(effects, action.project, self.route)
        if isinstance(now, Declined) or self.mode == "shadow":
            return now if isinstance(now, Declined) else (now, now.shares)
        shares = routes.moved(now, self.leaving, self._name(action), self.share)
        return shares if isinstance(shares, Declined) else (now, shares)

    def _lines(self, effects: Effects, action: Action) -> list[dict[str, Any]] | Declined:
        found = datasets.find(effects.ledger, action.project, self.dataset, self.version or None)
        if isinstance(found, Declined):
            return found
        if not self.base:
            return bad("Say which model is taught: base.")
        items = rows.items(effects.ledger, action.project, self.dataset, found.version)
        lines = datasets.chat_lines(items) if self.shape == "chat" else datasets.preference_lines(items)
        if len(lines) < _FEWEST:
            return bad(f"{len(lines)} examples can be learned from; at least {_FEWEST} are needed.")
        return lines


_JSON: Final = {"content-type": "application/json"}


def _no_api() -> Declined:
    return bad("There is no fine-tuning API.", "Set tuning_url (and tuning_key).")


def _of(effects: Effects) -> Any:
    return effects.tuning


def _started(effects: Effects, action: Action) -> str:
    """The job of this action; also one that was started before a crash and not written down: its file is ours."""
    if "job" in action.result:
        return str(action.result["job"])
    jobs = _read(_of(effects).call("GET", "/fine_tuning/jobs?limit=100")).get("data")
    if not isinstance(jobs, list):
        raise OSError("its list of jobs cannot be read")
    return next((_id(job) for job in jobs if _read(job).get("training_file") == action.result["file"]), "")


def _read(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def _id(told: Any) -> str:
    return str(_read(told).get("id") or "")


def _nameless(what: str) -> Declined:
    return Declined("conflict", f"The fine-tuning API took the {what} and gave no id for it.", "Look at the provider.")


def _form(name: str, content: bytes) -> tuple[bytes, dict[str, str]]:
    """A file as browsers send it."""
    edge = "homeostat-boundary-7f1c2b"
    head = (
        f'--{edge}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
        f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
        "content-type: application/jsonl\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{edge}--\r\n".encode(), {
        "content-type": f"multipart/form-data; boundary={edge}"
    }
