"""Where every span stands: its way up, its topmost answer, and which span tells the call that it is part of.

Parents arrive after their children, twice, or never, and a hostile sender makes circles. So no tree is walked: every
span points to its parent, and pointing is doubled (a parent's parent, then the parent of that …) until all point to
where their way ends. Keys and numbers come here as arrays and go back as arrays; texts stay in the engine. (As SQL over
arrays the same took many times as long, most of it to plan the query, and memory with the square of a trace's size.)
"""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from homeostat.observe.assemble import lone

Index = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.uint64]

#: A response id that more spans carry says nothing about them.
CROWD: Final = 16
#: Nanoseconds after the request in which an instrumentor may report what was streamed, as a span of its own.
LATER: Final = 60_000_000_000
#: Mixes keys.
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)

_TOLD: Final = (
    "model != '' OR requested_model != '' OR response_id != '' OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL"
)
_UNSIGNED: Final = {
    "trace": "trace_key",
    "span": "reinterpretAsUInt64(span_id)",
    "parent": "reinterpretAsUInt64(parent_id)",
    "row": "row_key",
    "response": "response_key",
    "scope": "cityHash64(scope)",
    "asked": "input_hash",
    "wanted": "cityHash64(requested_model)",
}
_SIGNED: Final = {
    "start": "toInt64(least(start_ns, 9000000000000000000))",
    "end": "toInt64(least(if(end_ns = 0, start_ns, end_ns), 9000000000000000000))",
    "tokens_in": "ifNull(toInt64(input_tokens), -1)",
    "tokens_out": "ifNull(toInt64(output_tokens), -1)",
    "call": f"toInt64({lone.IS_CALL})",
    "embedding": "toInt64(op = 'embedding')",
    "capable": f"toInt64({lone.CAPABLE})",
    "named": "toInt64(response_id != '')",
    "told": f"toInt64({_TOLD})",
    "answered": "toInt64(output_chars > 0)",
    "failed": "toInt64(status_code = 2)",
    "agent": "toInt64(op = 'agent')",
    "around": "toInt64(op IN ('agent', 'chain', ''))",
}

COLUMNS: Final = (
    ("trace_key", "UInt64"),
    ("span_key", "UInt64"),
    ("rank", "UInt32"),  # topmost first, then earliest
    ("lost", "Bool"),  # its way up ends at a parent that is not here
    ("top_key", "UInt64"),  # span of its topmost answer, 0: none
    ("lead_trace", "UInt64"),  # who tells the call that it is part of; 0: it is part of none
    ("lead_key", "UInt64"),
)


def query(relation: str) -> str:
    """What `find` wants to know of every node."""
    columns = ", ".join((*_UNSIGNED.values(), *_SIGNED.values()))
    return f"SELECT {columns} FROM {relation}"


def find(data: bytes) -> list[npt.NDArray[Any]]:
    """The columns of COLUMNS, from the RowBinary answer to `query`."""
    width = len(_UNSIGNED) + len(_SIGNED)
    table = np.frombuffer(data, dtype=np.uint64).reshape(-1, width)
    columns: dict[str, Any] = {name: table[:, at] for at, name in enumerate(_UNSIGNED)}
    for at, name in enumerate(_SIGNED, len(_UNSIGNED)):
        values = table[:, at].view(np.int64)
        columns[name] = values.astype(np.bool_) if name in _FLAGS else values
    return _Nodes(**columns).places()


_FLAGS: Final = ("call", "embedding", "capable", "named", "told", "answered", "failed", "agent", "around")


@dataclass(frozen=True, slots=True)
class _Nodes:
    """One element a span. Pointers are indices; the index after the last means nobody."""

    trace: Keys
    span: Keys
    parent: Keys
    row: Keys
    response: Keys
    scope: Keys
    asked: Keys
    wanted: Keys
    start: Index
    end: Index
    tokens_in: Index
    tokens_out: Index
    call: Flags
    embedding: Flags
    capable: Flags
    named: Flags
    told: Flags
    answered: Flags
    failed: Flags
    agent: Flags
    around: Flags

    @property
    def nobody(self) -> int:
        return len(self.trace)

    def places(self) -> list[npt.NDArray[Any]]:
        """The columns of COLUMNS."""
        own = np.arange(self.nobody + 1)
        up = self._parents()
        circling = self._follow(up) != self.nobody
        up = np.where(circling, self.nobody, up)
        ends = self._follow(np.where(up == self.nobody, own, up))[:-1]
        lost = (self.parent[ends] != 0) & ~circling[:-1]
        rank = self._ranks(up, ends)
        beside = self._beside(rank)
        lead, part = self._leaders(rank, self._follow(np.where(self._padded(self.call), own, up))[up][:-1], beside)
        voices = self._lent(own, up, lead)
        top = self._tops(own, up, self.capable | voices)
        spans = np.append(self.span, np.uint64(0))
        return [
            self.trace,
            self.span,
            rank.astype(np.uint32),
            lost,
            spans[top],
            np.where(part, self.trace[lead], np.uint64(0)),
            np.where(part, self.span[lead], np.uint64(0)),
        ]

    def _parents(self) -> Index:
        """Index of the parent. Whoever names none, or one that is not here, points to nobody."""
        _, traces = np.unique(self.trace, return_inverse=True)
        names, spans = np.unique(np.concatenate([self.span, self.parent]), return_inverse=True)
        here, wanted = (traces * len(names) + part for part in (spans[: self.nobody], spans[self.nobody :]))
        order = np.argsort(here)
        at = np.minimum(np.searchsorted(here[order], wanted), self.nobody - 1)
        found = (here[order][at] == wanted) & (self.parent != 0)
        return np.append(np.where(found, order[at], self.nobody), self.nobody)

    def _follow(self, pointers: Index) -> Index:
        """Where pointers lead in the end. (In a circle: somewhere in it.)"""
        for _ in range(max(1, int(self.nobody).bit_length())):
            further = pointers[pointers]
            if np.array_equal(further, pointers):
                break
            pointers = further
        return pointers

    def _padded(self, flags: Flags) -> Flags:
        return np.append(flags, False)

    def _ranks(self, up: Index, ends: Index) -> Index:
        """A number for each: topmost first, then earliest; trees that are nothing but a call come after all others.

        A framework and its client may tell one call in two traces: it belongs to the one that knows what it was for.
        """
        depth, way = (up != self.nobody).astype(np.int64), up
        for _ in range(int(self.nobody).bit_length()):
            depth, way = depth + depth[way], way[way]
        order = np.lexsort((self.row, self.start, depth[:-1], self.call[ends]))
        rank = np.empty(self.nobody, dtype=np.int64)
        rank[order] = np.arange(self.nobody)
        return rank

    def _tops(self, own: Index, up: Index, flags: Flags) -> Index:
        """The topmost one above each that has the flag: from the nearest, itself included, always to the next above."""
        wanted = self._padded(flags)
        nearest = self._follow(np.where(wanted, own, up))
        above = nearest[up]
        climb = np.where(wanted, np.where(above == self.nobody, own, above), self.nobody)
        return self._follow(climb)[nearest][:-1]

    def _lent(self, own: Index, up: Index, lead: Index) -> Flags:
        """Spans that answer with what the first call below was asked, or the last one said, for want of own texts.

        Agents do, over several calls, or when they tell their answer and not their question; so does whatever is around
        calls that all ask the same, some of which ask for tools: a loop that the application wrote itself.
        """
        top = self._tops(own, up, self.capable)
        silent = ~self.capable & ~self.call
        agents = self._tops(own, up, silent & self.agent)
        host = np.where(agents == self.nobody, self._tops(own, up, silent & self.around), agents)
        alone = self.call & ~self.embedding & (lead == own[:-1]) & ((top == own[:-1]) | (top == self.nobody))
        answers = np.bincount(host[self.capable & ~self.call & (top == own[:-1])], minlength=self.nobody + 1)
        at = np.flatnonzero(alone)
        calls = np.bincount(host[at], minlength=self.nobody + 1)
        said = np.bincount(host[at[self.answered[at]]], minlength=self.nobody + 1)
        steps = np.bincount(host[at[~self.answered[at] & ~self.failed[at]]], minlength=self.nobody + 1)
        most = np.zeros(self.nobody + 1, dtype=np.uint64)
        least = ~most
        np.minimum.at(least, host[at], self.asked[at])
        np.maximum.at(most, host[at], self.asked[at])
        loops = (least == most) & (most != 0) & (said > 0) & (steps > 0)
        lent: Flags = ((calls > 1) & (answers == 0))[:-1] & (self.agent | loops[:-1])
        half = silent & self.agent & self.answered
        below = self._tops(own, up, half)[self.call & ~self.embedding]
        return lent | (half & (np.bincount(below, minlength=self.nobody + 1) > 0)[:-1])

    def _leaders(self, rank: Index, above: Index, beside: tuple[Index, Index]) -> tuple[Index, Flags]:
        """Who tells each span's call, and whether it is part of any call at all (wrappers of several calls are not)."""
        child = np.flatnonzero(self.call & (above != self.nobody))
        parent = above[child]
        one, apart = self._nested(child, parent)
        later, earlier = map(np.concatenate, zip(self._shared(rank), beside, strict=True))
        best = rank.copy()
        np.minimum.at(best, child[one], rank[parent[one]])
        np.minimum.at(best, later, rank[earlier])
        by_rank = np.empty_like(rank)
        by_rank[rank] = np.arange(self.nobody)
        lead = by_rank[best]
        for _ in range(CROWD.bit_length()):
            lead = lead[lead]
        joined = np.zeros(self.nobody, dtype=np.bool_)
        joined[parent[one]] = joined[later] = joined[earlier] = True
        joined |= lead != np.arange(self.nobody)
        wraps = np.zeros(self.nobody, dtype=np.bool_)
        wraps[parent[~one & ~apart]] = True
        return lead, self.call & ~(wraps & ~joined)

    def _nested(self, child: Index, parent: Index) -> tuple[Flags, Flags]:
        """Of a call and the call above it: do they tell of one call, or certainly of two?"""
        full = (self.tokens_in >= 0) & ((self.tokens_out >= 0) | self.embedding)
        both = full[child] & full[parent]
        equal = both & (self.tokens_in[child] == self.tokens_in[parent])
        equal &= np.maximum(self.tokens_out[child], 0) == np.maximum(self.tokens_out[parent], 0)
        answers = self.named[child] & self.named[parent]
        same = answers & (self.response[child] == self.response[parent])
        apart = answers & ~same
        only = np.bincount(parent, minlength=self.nobody)[parent] == 1
        silent = ~both & only & self.told[child] & self.told[parent]
        return (self.embedding[child] == self.embedding[parent]) & ~apart & (same | equal | silent), apart

    def _beside(self, rank: Index) -> tuple[Index, Index]:
        """Pairs (lower, higher rank) of siblings that tell one call: a framework's and, within its time, its client's.

        Both ask one model the same, and the framework's knows no answer by its id. Of several in a row the first of the
        one scope goes with the first of the other. The client knows more of the call, so it gets the higher rank.
        """
        at = self._alike(np.flatnonzero(self.call & (self.asked != 0)))
        shared = (self.embedding, self.wanted, self.asked, self.parent, self.trace)
        at = at[np.lexsort((self.start[at], self.scope[at], *(key[at] for key in shared)))]
        other = np.any([key[at[1:]] != key[at[:-1]] for key in shared], axis=0)
        group = np.concatenate([[0], np.cumsum(other)])[: len(at)]
        run = np.concatenate([[0], np.cumsum(other | (self.scope[at[1:]] != self.scope[at[:-1]]))])[: len(at)]
        place = np.arange(len(at)) - np.searchsorted(run, run)
        order = np.lexsort((run, place, group))
        one, two = at[order[:-1]], at[order[1:]]
        fits = (group[order[:-1]] == group[order[1:]]) & (place[order[:-1]] == place[order[1:]])
        around = self._around(one, two)
        fits &= (around | self._around(two, one)) & (one != two)
        fits[1:] &= ~fits[:-1]  # each is one of a pair
        low, high = np.where(around, one, two)[fits], np.where(around, two, one)[fits]
        rank[low], rank[high] = np.maximum(rank[low], rank[high]), np.minimum(rank[low], rank[high])
        return low, high

    def _alike(self, at: Index) -> Index:
        """Those of which another has the same parent, question and model, or seems to: a cheap look first."""
        mixed = (self.trace[at] * _MIX + self.parent[at]) * _MIX + self.asked[at] + self.wanted[at]
        order = np.argsort(mixed)
        same = mixed[order[1:]] == mixed[order[:-1]]
        again = np.zeros(len(at), dtype=np.bool_)
        again[order[1:][same]] = again[order[:-1][same]] = True
        return at[again]

    def _around(self, outer: Index, inner: Index) -> Flags:
        """Whether the one may be a framework's call and the other what its client tells of it."""
        within = (self.start[outer] <= self.start[inner]) & (self.end[inner] <= self.end[outer])
        differs = (self.tokens_in[outer] != self.tokens_in[inner]) | (self.tokens_out[outer] != self.tokens_out[inner])
        both = (self.tokens_in[outer] >= 0) & (self.tokens_in[inner] >= 0)
        fits: Flags = within & ~self.named[outer] & ~(both & differs)
        return fits

    def _shared(self, rank: Index) -> tuple[Index, Index]:
        """Pairs (lower, higher rank) that tell of one answer: other scopes at the same time, or a stream's halves."""
        at = np.flatnonzero(self.call & (self.response != 0))
        at = at[np.lexsort((rank[at], self.response[at]))]
        keys, first, size = np.unique(self.response[at], return_index=True, return_counts=True)
        at = at[np.isin(self.response[at], keys[(size > 1) & (size <= CROWD)])]
        del first
        later, earlier = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for step in range(1, min(CROWD, len(at))):
            low, high = at[step:], at[:-step]
            same = self.response[low] == self.response[high]
            low, high = low[same], high[same]
            fits = self._together(low, high) | self._halves(low, high)
            later.append(low[fits])
            earlier.append(high[fits])
        return np.concatenate(later), np.concatenate(earlier)

    def _together(self, low: Index, high: Index) -> Flags:
        overlap = (self.start[low] <= self.end[high]) & (self.start[high] <= self.end[low])
        fits: Flags = self.named[low] & self.named[high] & (self.scope[low] != self.scope[high]) & overlap
        return fits

    def _halves(self, low: Index, high: Index) -> Flags:
        after = (self.start[low] >= self.start[high]) & (self.start[low] <= self.end[high] + LATER)
        tail = (self.start[low] == self.end[low]) & ~self.answered[high]
        fits: Flags = ~self.named[low] & ~self.named[high] & tail & after
        return fits
