"""SQL is built from constants and tables of names, in few places. What a user says only ever enters as a parameter."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "homeostat"
#: The only rooms that write SQL for the engine. The ledger has SQLAlchemy do it.
#: `cli/data.py` reads a file of the user's own, in an engine in memory that holds nothing else.
ROOMS = ("store/warehouse", "observe", "cli/data.py")
LEDGER = "store/ledger"
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|DELETE\s+FROM|ALTER\s+TABLE|DROP\s+TABLE|CREATE\s+TABLE|UNION\s+ALL)\b", re.S
)
#: What may not be written in a question at all: it would reach files, addresses, other programs, settings.
REACHES = re.compile(
    r"\b(file|url|s3|remote|executable|mysql|postgresql|sqlite|hdfs|odbc|jdbc|input)\s*\("
    r"|INTO\s+OUTFILE|FROM\s+INFILE",
    re.I,
)
#: Names of values that come from outside. None of them may stand in an f-string, a `%`, a `+` or a `format` with SQL.
OUTSIDE = {
    *("value", "values", "text", "texts", "project", "session_id", "trace_id", "span_id", "user_id", "key", "pair"),
    *("pairs", "request", "name", "word", "cursor", "ask", "visitor", "id", "id_"),
}
QUESTIONS = SOURCE / "store" / "warehouse" / "questions"
#: Files of questions whose `name` or `key` are our own, from a table in the code.
FILES = sorted(path for path in QUESTIONS.glob("*.py"))


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def texts(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Every text of a module that is no docstring."""
    tree = ast.parse(path.read_text())
    documents = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node, node.value
        elif isinstance(node, ast.JoinedStr):
            yield node, "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def is_sql(text: str) -> bool:
    return SQL.search(text) is not None


def names_in(node: ast.FormattedValue) -> set[str]:
    """Bare names whose value itself is put into the text; what a call makes of them is the call's affair."""
    return {node.value.id} if isinstance(node.value, ast.Name) else set()


def test_sql_is_written_only_where_it_belongs() -> None:
    strays = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"  # type: ignore[attr-defined]
        for path in modules()
        if not str(path.relative_to(SOURCE)).startswith((*ROOMS, LEDGER))
        for node, text in texts(path)
        if is_sql(text)
    ]
    assert strays == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_text_from_outside_is_put_into_sql(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            whole = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            if is_sql(whole):
                inside = set().union(*(names_in(part) for part in node.values if isinstance(part, ast.FormattedValue)))
                assert not inside & OUTSIDE, f"{path.name}:{node.lineno} puts {inside & OUTSIDE} into SQL: bind it"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            sides = [
                side.value
                for side in (node.left, node.right)
                if isinstance(side, ast.Constant) and isinstance(side.value, str)
            ]
            assert not any(is_sql(side) for side in sides), f"{path.name}:{node.lineno} builds SQL with an operator"


def test_questions_reach_nothing_but_our_tables() -> None:
    found = [
        f"{path.name}: {text[:80]}"
        for path in QUESTIONS.rglob("*.py")
        for _, text in texts(path)
        if REACHES.search(text)
    ]
    assert found == []


def test_the_rules_see_what_they_must() -> None:
    assert is_sql("SELECT a FROM b")
    assert is_sql("INSERT  INTO x")
    assert not is_sql("Select one from the list")
    assert REACHES.search("SELECT * FROM file('/etc/passwd')")
    tree = ast.parse('f"SELECT {value} FROM t"')
    joined = next(node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr))
    assert set().union(*(names_in(p) for p in joined.values if isinstance(p, ast.FormattedValue))) == {"value"}
