"""What holds in the caller holds in the thread of a pool that works for it."""

from __future__ import annotations

import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

_MARK: Final = "_homeostat"


def carry() -> None:
    """Have `ThreadPoolExecutor.submit` take the context along, as tasks do."""
    original: Any = ThreadPoolExecutor.submit
    if hasattr(original, _MARK):
        return

    @functools.wraps(original)
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return original(self, contextvars.copy_context().run, fn, *args, **kwargs)

    setattr(submit, _MARK, True)
    ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
