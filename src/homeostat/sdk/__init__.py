"""What an application imports: light, and nothing of the server."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from homeostat.sdk.ambient import context
from homeostat.sdk.exchanges import exchange
from homeostat.sdk.instrumenting import instrument
from homeostat.sdk.observing import observe
from homeostat.sdk.releasing import release
from homeostat.sdk.said import score, signal
from homeostat.sdk.start import init

if TYPE_CHECKING:
    from homeostat.sdk.client import Client as Client

__all__ = ["Client", "context", "exchange", "init", "instrument", "observe", "release", "score", "signal"]


def __getattr__(name: str) -> Any:
    if name == "Client":  # its HTTP library is heavier than all the rest
        return import_module("homeostat.sdk.client").Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
