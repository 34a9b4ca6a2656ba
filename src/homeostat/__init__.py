"""Homeostat keeps a language-model application inside the limits its owners set.

What an application uses stands here; nothing is loaded before it is used, and never anything of the server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homeostat.sdk import Client as Client
    from homeostat.sdk import context as context
    from homeostat.sdk import exchange as exchange
    from homeostat.sdk import init as init
    from homeostat.sdk import instrument as instrument
    from homeostat.sdk import observe as observe
    from homeostat.sdk import release as release
    from homeostat.sdk import score as score
    from homeostat.sdk import signal as signal

__all__ = ["Client", "context", "exchange", "init", "instrument", "observe", "release", "score", "signal"]


def __getattr__(name: str) -> Any:
    if name == "scorer":  # For those who write scorers, beside the server: not part of what an application imports.
        return import_module("homeostat.analyze.scorers").scorer
    if name in __all__:
        return getattr(import_module("homeostat.sdk"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
