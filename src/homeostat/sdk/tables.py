"""Rows as tables of other libraries, which are only loaded when asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Row = dict[str, Any]


class Rows(Sequence[Row]):
    """What the server answered: a sequence of maps, and every table that is wanted."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = list(rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Rows: ...
    def __getitem__(self, index: int | slice) -> Row | Rows:
        return Rows(self._rows[index]) if isinstance(index, slice) else self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"

    def to_dicts(self) -> list[Row]:
        """As the API tells them."""
        return self._rows

    def to_columns(self) -> dict[str, list[Any]]:
        """Flat: `score.<name>`, `signal.<name>`, `prompt.name`; what is still nested is JSON."""
        flat = [flattened(row) for row in self._rows]
        names = dict.fromkeys(name for row in flat for name in row)
        return {name: _alike([row.get(name) for row in flat]) for name in names}

    def to_polars(self) -> polars.DataFrame:
        """A polars DataFrame."""
        table: polars.DataFrame = _library("polars").DataFrame(self.to_columns(), strict=False)
        return table

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas DataFrame."""
        return _library("pandas").DataFrame(self.to_columns())

    def to_arrow(self) -> pyarrow.Table:
        """An Arrow table."""
        return _library("pyarrow").table(self.to_columns())


def flattened(row: Mapping[str, Any]) -> Row:
    """One row without nesting."""
    flat: Row = {}
    for key, value in row.items():
        if key == "scores" and isinstance(value, Mapping):
            flat |= {f"score.{name}": _first(said, "value", "label") for name, said in value.items()}
        elif key == "signals" and isinstance(value, list):
            flat |= {f"signal.{said['name']}": _first(said, "value", "label") for said in value if "name" in said}
        elif isinstance(value, Mapping):
            flat |= {f"{key}.{name}": inner for name, inner in flattened(value).items()}
        elif isinstance(value, list) and not all(isinstance(each, str) for each in value):
            flat[key] = json.dumps(value, ensure_ascii=False)
        else:
            flat[key] = value
    return flat


def _first(said: Any, *names: str) -> Any:
    """The first of these that is known."""
    if not isinstance(said, Mapping):
        return said
    return next((said[name] for name in names if said.get(name) is not None), None)


def _alike(values: list[Any]) -> list[Any]:
    """One type for a column: tables hold no mixtures."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    if len(kinds) > 1:
        return [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
    return values


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise ImportError(f"This needs {name}: pip install {name}. `to_dicts()` needs nothing.") from None
