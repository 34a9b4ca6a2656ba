"""Prompt templates without logic: `{{name}}` is replaced, everything else is text.

Never `str.format` or a template engine: prompts are written by people and models, and must not be able to run anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_VARIABLE: Final = re.compile(r"\{\{ ?([A-Za-z_][A-Za-z0-9_]{0,63}) ?\}\}", re.ASCII)


def variables(template: str) -> tuple[str, ...]:
    """The names it asks for, each once, in order.

    >>> variables("Hello {{name}}, {{ name }} of {{shop}} {not} {{0}} {{a.b}}")
    ('name', 'shop')
    """
    return tuple(dict.fromkeys(_VARIABLE.findall(template)))


def render(template: str, values: Mapping[str, object]) -> str:
    """The text; a name without a value stays as it stands, so that it is seen. Values are never read as templates.

    >>> render("Hello {{name}} of {{shop}}", {"name": "{{shop}}"})
    'Hello {{shop}} of {{shop}}'
    """
    return _VARIABLE.sub(lambda found: str(values[found[1]]) if found[1] in values else found[0], template)
