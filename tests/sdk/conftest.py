"""The SDK switched on for one test, with a tracer provider of its own, and a server that listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from homeostat.sdk import state
from homeostat.sdk.runtime import Runtime
from homeostat.sdk.settings import chosen
from tests.sdk.listener import Listener, listening

Start = Callable[..., Runtime]


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Switches it on as `init` does."""
    with ExitStack() as stack:

        def begin(url: str, **settings: Any) -> Runtime:
            provider = TracerProvider(shutdown_on_exit=False)
            monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
            runtime = Runtime(chosen(url=url, **settings))
            monkeypatch.setattr(state, "runtime", runtime)
            stack.callback(runtime.close)
            return runtime

        yield begin


@pytest.fixture
def sdk(listener: Listener, start: Start) -> Runtime:
    return start(listener.url)
