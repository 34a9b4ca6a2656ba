"""The complete path: every span in Python, slow and exact. The oracle of the fast path."""

from __future__ import annotations

from homeostat.observe.exact.decode import Event, Item
from homeostat.observe.exact.facts import Fact, facts, holds_facts
from homeostat.observe.exact.messages import messages
from homeostat.observe.exact.rows import Dropped, Row, Rows, mapped, rows
from homeostat.observe.exact.wire import Malformed

__all__ = [
    "Dropped", "Event", "Fact", "Item", "Malformed", "Row", "Rows", "facts", "holds_facts", "mapped", "messages",
    "rows",
]  # fmt: skip
