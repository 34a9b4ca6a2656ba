"""A simulated fine-tuning API in the shape of OpenAI's: a file, a job, a model as good as what it was taught."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from homeostat.sim.dice import number_of
from homeostat.sim.model import Model
from homeostat.sim.scenario import Served
from homeostat.sim.shop import shop

_FEWEST = 10


@dataclass
class Tuning:
    """Files and jobs. A job is done when it was looked at twice, so that clients have to wait for it."""

    model: Model
    files: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """A training file."""
        identity = f"file-{number_of(content.decode('utf-8', 'replace')):x}"
        self.files[identity] = content
        return {"id": identity, "object": "file", "bytes": len(content), "filename": name, "purpose": "fine-tune",
                "status": "processed"}  # fmt: skip

    def start(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """A job; None: there is no such file."""
        if wanted.get("training_file") not in self.files:
            return None
        identity = f"ftjob-{len(self.jobs) + 1:06d}"
        self.jobs[identity] = {
            "id": identity, "object": "fine_tuning.job", "model": wanted.get("model", ""), "status": "queued",
            "training_file": wanted["training_file"], "fine_tuned_model": None, "error": None,
        }  # fmt: skip
        return self.jobs[identity]

    def look(self, identity: str) -> dict[str, Any] | None:
        """A job as it is now."""
        job = self.jobs.get(identity)
        if job is not None and job["status"] in ("queued", "running"):
            job["status"] = "running" if job["status"] == "queued" else "succeeded"
            if job["status"] == "succeeded":
                self._finish(job)
        return job

    def _finish(self, job: dict[str, Any]) -> None:
        lessons, error = _lessons(self.files[job["training_file"]])
        if error:
            job.update(status="failed", error={"code": "invalid_training_file", "message": error})
            return
        name = f"ft:{job['model']}:brightleaf::{job['id'][-6:]}"
        base = self.model.world.scenario.releases[0]
        self.model.tuned[name] = taught(replace(base, name=name, model=name, answered=name), lessons)
        job.update(fine_tuned_model=name, trained_tokens=sum(len(one) for one in lessons) // 4)


def taught(base: Served, lessons: list[str]) -> Served:
    """A model after its lessons: right ones take up to two thirds of its faults away, others add as many."""
    right = {text for intent in shop().intents for said in intent.said.values() for text in said.pages["now"].answers}
    good = sum(any(lesson.startswith(text[:40]) for text in right) for lesson in lessons) / len(lessons)
    factor = 1.0 - 0.66 * (2.0 * good - 1.0)
    return replace(base, faults={fault: min(0.09, share * factor) for fault, share in base.faults.items()})


def _lessons(content: bytes) -> tuple[list[str], str]:
    """The answers of a training file, and what is wrong with it."""
    found = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        try:
            messages = json.loads(line)["messages"]
            found.append(next(one["content"] for one in messages if one["role"] == "assistant"))
        except (ValueError, KeyError, TypeError, StopIteration):
            return [], f"line {number} is not a conversation with an assistant's answer"
    return (found, "") if len(found) >= _FEWEST else ([], f"{len(found)} examples; at least {_FEWEST} are needed")
