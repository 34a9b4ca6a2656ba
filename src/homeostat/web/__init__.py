"""What you see: the HTTP API of the core."""

from __future__ import annotations

from starlette.convertors import PathConvertor, register_url_convertor


class _Rest(PathConvertor):
    """The rest of a path. A session may be called anything, lines and all; Starlette's own stops at their end."""

    regex = "(?s:.*)"


register_url_convertor("path", _Rest())
