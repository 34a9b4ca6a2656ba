"""Values on their way into a question: each becomes a named parameter. No user's text is ever part of the SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from homeostat.records.instant import micros

Kind = Literal["String", "Float64", "Int64", "Array(String)", "Array(Float64)", "Array(Int64)", "Array(UInt64)"]

#: Texts belong to exchanges that begin a little later (a long call that ends with a log record) or earlier.
_EARLIER: Final = 600_000_000
_LATER: Final = 1_800_000_000
_DAY: Final = 86_400_000_000


class Bound:
    """The parameters of one question. Every question has `project`, `low`, `high` (µs, high excluded) and `now`."""

    def __init__(self, project: str, now: datetime, low: int = 0, high: int = 0) -> None:
        self.values: dict[str, Any] = {"project": project, "now": micros(now)}
        self.between(low, high)

    def between(self, low: int, high: int) -> None:
        """Move the window of time that is looked at. Same SQL, other values."""
        self.values |= {
            "low": low,
            "high": high,
            "low_text": max(0, low - _EARLIER),
            "high_text": high + _LATER,
            "low_said": max(0, low - _DAY),
            "low_near": max(0, low - 2 * _DAY),
            "high_near": high + _DAY,
        }

    def add(self, value: Any, kind: Kind) -> str:
        """The placeholder of a new value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"


def moment(name: str) -> str:
    """A parameter in µs as the engine's time. `name` is one of ours."""
    return f"fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')"


#: Rows of the project in the window, for a table with `project` and `at`.
WINDOW: Final = f"project = {{project:String}} AND at >= {moment('low')} AND at < {moment('high')}"
#: The same for `spans`, where an exchange's texts may begin a little earlier or later than it does.
TEXT_WINDOW: Final = f"project = {{project:String}} AND at >= {moment('low_text')} AND at < {moment('high_text')}"
#: The same for `signals` and `scores`: weeks later is usual, earlier is rare.
SAID_WINDOW: Final = f"project = {{project:String}} AND at >= {moment('low_said')}"
