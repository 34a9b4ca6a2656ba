"""Which staged traces stand alone, which have relatives here or stored, and which rows were stored before.

Only keys come to Python, as arrays. A segment of new single-span traces asks the engine nothing beyond its own rows.
"""

# ruff: noqa: S608 (SQL made of our own names and numbers only; values never enter it as text)

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from homeostat.observe.assemble.seen import Keys, Seen
from homeostat.store.warehouse.client import Warehouse

Times = npt.NDArray[np.int64]

#: Microseconds: how far before and after the staged rows their relatives are looked for.
BEFORE: Final = 3_600_000_000
AFTER: Final = 600_000_000
#: Traces that are looked for without bounds in time when nothing of them was found within.
FAR: Final = 1_000
#: Above this the bloom index answers "perhaps" nearly everywhere and only costs.
INDEXED: Final = 300
#: Rows of a trace beyond this are not gathered again for every span that arrives: it stays as it was assembled.
LARGEST: Final = 4_000
ROUNDS: Final = 3
#: What the filter is filled with when the program starts: rows received in the last day.
DAY: Final = 86_400_000_000

_EMPTY: Final = np.zeros(0, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Staged:
    """Keys of the staged rows, a row each."""

    rows: Keys
    traces: Keys
    responses: Keys
    at: Times
    end: Times


@dataclass(frozen=True, slots=True)
class Relatives:
    """What the assembly needs to know about the staged rows."""

    touched: Keys = field(default_factory=lambda: _EMPTY)  # traces of several rows, here or stored
    stored: Keys = field(default_factory=lambda: _EMPTY)  # those of which rows are stored
    lowest: int = 0  # when the stored rows are (unix µs)
    highest: int = 0
    repeated: Keys = field(default_factory=lambda: _EMPTY)  # row keys that are stored already
    doubled: bool = False  # a row key stands twice in the segment


class Kin:
    """Looks for relatives; remembers what is certainly new."""

    def __init__(self, warehouse: Warehouse, *, seen: Seen | None = None) -> None:
        self._client = warehouse.load
        # Another core may store rows of the same traces: then nothing is certainly new and the engine is asked.
        self._seen = seen or (Seen() if warehouse.embedded else None)
        self._filled = self._seen is None

    def staged(self, relation: str) -> Staged:
        """The keys of `relation`."""
        sql = (
            "SELECT row_key, trace_key, response_key, toUnixTimestamp64Micro(at), "
            f"toInt64(least(intDiv(end_ns, 1000), 4102444800000000)) FROM {relation}"
        )
        found = self._matrix(sql, 5)
        times = found.view(np.int64)
        return Staged(found[:, 0], found[:, 1], found[:, 2], times[:, 3], times[:, 4])

    def remember(self, staged: Staged, received: int) -> None:
        """These rows are stored now."""
        if self._seen is not None:
            self._seen.add(_names(staged), received)

    def find(self, staged: Staged) -> Relatives:
        """Relatives of the staged rows, here and stored."""
        if not len(staged.rows):
            return Relatives()
        self._fill()
        traces, counts = np.unique(staged.traces, return_counts=True)
        responses, told = np.unique(staged.responses, return_counts=True)
        shared = responses[(told > 1) & (responses != 0)]
        here = np.union1d(traces[counts > 1], staged.traces[np.isin(staged.responses, shared)])
        found = self._stored(staged)
        stored = np.unique(found[:, 1])
        linked = staged.traces[np.isin(staged.responses, found[:, 2]) & (staged.responses != 0)]
        touched = np.union1d(np.union1d(here, stored), linked)
        times = found[:, 3].view(np.int64)
        return Relatives(
            touched=touched[touched != 0],
            stored=self._small(found[:, 1]),
            lowest=int(times.min()) if len(times) else 0,
            highest=int(times.max()) if len(times) else 0,
            repeated=np.intersect1d(staged.rows, found[:, 0]),
            doubled=len(np.unique(staged.rows)) < len(staged.rows),
        )

    def _stored(self, staged: Staged) -> Keys:
        """Keys of stored rows: of the same traces, of the same answers, and of whatever those are linked to."""
        names, answers = self._possible(staged)
        low, high = (
            int(staged.at.min()) - BEFORE,
            int(np.maximum(staged.at, np.minimum(staged.end, staged.at + DAY)).max()) + AFTER,
        )
        found = self._ask(names, answers, low, high)
        missing = np.setdiff1d(names, np.union1d(found[:, 1], found[:, 0]))[:FAR]
        if len(missing):
            found = np.concatenate([found, self._ask(missing, _EMPTY, None, None)])
        known_traces, known_answers = np.union1d(names, found[:, 1]), answers
        for _ in range(ROUNDS):
            new_traces = np.setdiff1d(found[:, 1], known_traces)
            new_answers = np.setdiff1d(found[:, 2], np.union1d(known_answers, [0]))
            if not len(new_answers):
                break
            more = self._ask(new_traces, new_answers, low, high)
            more = more[~np.isin(more[:, 0], found[:, 0])]
            if not len(more):
                break
            known_traces, known_answers = np.union1d(known_traces, new_traces), np.union1d(known_answers, new_answers)
            found = np.concatenate([found, more])
        return self._whole(found, names, low, high)

    def _whole(self, found: Keys, names: Keys, low: int, high: int) -> Keys:
        """Traces that were found through an answer, with all their rows."""
        partial = np.setdiff1d(found[:, 1], np.union1d(names, [0]))
        if not len(partial):
            return found
        more = self._ask(partial, _EMPTY, low, high)
        return np.concatenate([found, more[~np.isin(more[:, 0], found[:, 0])]])

    def _possible(self, staged: Staged) -> tuple[Keys, Keys]:
        """Traces (for rows about no trace: the row itself) and answers that may be stored."""
        names = np.where(staged.traces == 0, staged.rows, staged.traces)
        if self._seen is None:
            return np.unique(names), np.unique(staged.responses[staged.responses != 0])
        # A row may be ten minutes ahead of when it was received.
        old = staged.at < self._seen.since + AFTER
        maybe = np.unique(names[self._seen.maybe(names) | old])
        answers = staged.responses
        return maybe, np.unique(answers[(answers != 0) & (self._seen.maybe(answers) | old)])

    def _ask(self, traces: Keys, answers: Keys, low: int | None, high: int | None) -> Keys:
        """(row, trace, answer, at) of stored rows of these traces (or these very rows) or answers."""
        if not len(traces) and not len(answers):
            return np.zeros((0, 4), dtype=np.uint64)
        wanted = []
        if len(traces):
            wanted.append(f"trace_key IN ({_list(traces)}) OR (trace_key = 0 AND row_key IN ({_list(traces)}))")
        if len(answers):
            wanted.append(f"response_key IN ({_list(answers)})")
        bounds = "" if low is None else f"at BETWEEN {moment(low)} AND {moment(high or low)} AND "
        indexed = int(len(traces) + len(answers) <= INDEXED)
        return self._matrix(
            f"SELECT row_key, trace_key, response_key, toUnixTimestamp64Micro(at) FROM spans "
            f"WHERE {bounds}({' OR '.join(wanted)}) SETTINGS use_skip_indexes = {indexed}, max_query_size = 10000000",
            4,
        )

    def _small(self, traces: Keys) -> Keys:
        """The stored traces that are not too large to gather again."""
        found, counts = np.unique(traces, return_counts=True)
        small: Keys = found[(counts <= LARGEST) & (found != 0)]
        return small

    def _fill(self) -> None:
        """Once: the filter learns what was stored by earlier processes."""
        if self._filled or self._seen is None:
            return
        newest = self._client.query("SELECT toUnixTimestamp64Micro(max(received)), count() FROM spans").result_rows[0]
        if newest[1]:
            last = int(newest[0])
            since = 0 if 2 * newest[1] < self._seen.room else last - DAY
            sql = (
                "SELECT if(trace_key = 0, row_key, trace_key), response_key FROM spans "
                f"WHERE received >= {moment(since)} "
                "FORMAT RowBinary"
            )
            self._read(sql, last)
            self._seen.since = max(self._seen.since, since)
        self._filled = True

    def _read(self, sql: str, received: int) -> None:
        assert self._seen is not None
        found = np.frombuffer(self._client.raw_query(sql), dtype=np.uint64)
        for start in range(0, len(found), 1 << 18):
            part = found[start : start + (1 << 18)]
            self._seen.add(part[part != 0], received)

    def _matrix(self, sql: str, width: int) -> Keys:
        table: npt.NDArray[np.uint64] = np.frombuffer(self._client.raw_query(sql, fmt="RowBinary"), dtype=np.uint64)
        table.shape = (-1, width)
        return table


def _names(staged: Staged) -> Keys:
    names = np.concatenate([np.where(staged.traces == 0, staged.rows, staged.traces), staged.responses])
    return np.unique(names[names != 0])


def _list(values: Keys) -> str:
    return ",".join(map(str, values.tolist()))


def moment(micros: int) -> str:
    """A time (unix µs) as an expression."""
    return f"fromUnixTimestamp64Micro({micros}, 'UTC')"
