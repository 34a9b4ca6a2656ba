"""`homeostat.instrument`."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

from homeostat.sdk import state

_log: Final = logging.getLogger("homeostat")


def instrument(only: Collection[str] | None = None, *, threads: bool = True) -> list[str]:
    """Have calls to models told by themselves: by the instrumentors that are installed, else, for the clients of OpenAI
    and Anthropic, by our own. Gives back what is on. only: names of libraries. threads: pools take the context along.
    """
    runtime = state.runtime
    if runtime is None:
        return []
    on: list[str] = []
    try:
        from homeostat.sdk.instruments import clients, known
        from homeostat.sdk.instruments.threads import carry

        if threads:
            carry()
        for library, point in known.found().items():
            if (only is None or library in only) and known.importable(library):
                try:
                    known.switch_on(point, runtime.provider, runtime.captures)
                    on.append(library)
                except Exception as error:  # another's instrumentor may be as broken as it likes
                    _log.warning("homeostat: the instrumentor of %s does not start: %s", library, error)
        for library in clients.CLIENTS:
            wanted = library not in on and (only is None or library in only)
            if wanted and known.importable(library) and clients.wrap(library):
                on.append(library)
    except Exception:  # the application comes first
        runtime.mistake("instrument")
    return sorted(on)
