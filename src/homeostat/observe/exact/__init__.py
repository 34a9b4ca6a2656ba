"""The complete path: every span in Python, slow and exact. The oracle of the fast path."""

from __future__ import annotations

from homeostat.observe.exact.facts import Fact, facts, holds_facts
from homeostat.observe.exact.messages import messages
from homeostat.observe.exact.rows import Dropped, Row, Rows, rows
from homeostat.observe.exact.wire import Malformed

__all__ = ["Dropped", "Fact", "Malformed", "Row", "Rows", "facts", "holds_facts", "messages", "rows"]
