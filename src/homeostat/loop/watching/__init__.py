"""What watches, acts and verifies: each minute of event time, one after the other. See design/0009-acting.md."""

from homeostat.loop.watching.context import Context
from homeostat.loop.watching.watching import Watching

__all__ = ["Context", "Watching"]
