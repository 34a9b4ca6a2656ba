"""One exchange as the simulated application knows it, before it is told to anybody."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.sim.people import User
from homeostat.sim.scenario import Served


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of documentation that retrieval found."""

    id: str
    text: str
    score: float
    version: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A look into the shop's own systems."""

    name: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, what was found for it, and the answer. Times are unix nanoseconds."""

    number: int
    trace_id: bytes
    root_id: bytes
    call_id: bytes
    begin: int
    end: int
    ttft: float
    user: User
    session: str
    turn: int
    release: Served
    answered: str
    system: str
    question: str
    answer: str
    finish: str
    documents: tuple[Document, ...]
    tool: ToolCall | None
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cached_tokens: int

    @property
    def id(self) -> str:
        """The name by which signals refer to it."""
        return f"{self.trace_id.hex()}-{self.root_id.hex()}"
