"""Two processes that write the same rows at the same time lose nothing."""

from __future__ import annotations

import subprocess
import sys

from homeostat.store.ledger import Ledger, marks, meta, outcomes

WRITER = """
import sys
from datetime import UTC, datetime
from homeostat.records.outcome import Outcome
from homeostat.store.ledger import Ledger, audit, meta, segments
dsn, first = sys.argv[1], int(sys.argv[2])
ledger = Ledger(dsn, seal=b"seal")
hour = datetime(2026, 11, 20, tzinfo=UTC)
print("ready", flush=True)
sys.stdin.readline()
for number in range(first, first + 60):
    segments.intend(ledger, number)
    told = [Outcome("p", "stored", 3), Outcome("q", "stored", 1), Outcome("p", "rejected", 2, "duplicate")]
    segments.finish(ledger, number, told, [("p", hour, 1), ("q", hour, 2)])
    meta.count_up(ledger, "series")
    audit.append(ledger, at=hour, actor="a", action="b", subject=str(number))
"""


def test_two_processes_race(ledger: Ledger, dsn: str) -> None:
    from homeostat.store.ledger import audit

    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, dsn, str(first)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for first in (1000, 2000)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        assert [writer.wait(240) for writer in writers] == [0, 0]
    finally:
        for writer in writers:
            if writer.poll() is None:
                writer.kill()
            writer.communicate()
    assert outcomes.totals(ledger, "p") == {"stored": 360, "rejected": {"duplicate": 240}, "expired": 0, "erased": 0}
    assert outcomes.totals(ledger, "q")["stored"] == 120
    assert meta.get(ledger, "series") == "120"
    assert len(marks.all(ledger, 10)) == 2
    assert audit.verify(ledger) is None
    assert len(audit.entries(ledger, limit=1000)) == 120
