"""`--json` of every command: one document on stdout and nothing else, and the exit code that it has without."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from homeostat.cli.main import build, main
from homeostat.store.folder import Folder
from tests.cli.test_commands import OK, USAGE, Shop
from tests.live.harness import serving
from tests.live.test_incidents import fire

_FILE: Final = "it writes what it is asked for into a file or a pipe: JSON lines, CSV, Parquet"
#: Commands without it, and why.
WITHOUT: Final = {
    "up": "it serves until it is ended, and answers nothing",
    "export": _FILE,
    "exchanges export": _FILE,
    "dataset export": _FILE,
}
_LINES: Final = "an object a line, or not of a server: tests/cli/test_commands, test_rows, tests/sim"
#: Commands whose `--json` is not typed below, and where it is.
ELSEWHERE: Final = {
    "tail": _LINES, "score": _LINES, "demo": _LINES,
    "db upgrade": "in a process of its own, below", "import parquet": "tests/cli/test_data",
    "scorer backfill": "tests/cli/test_scorers",
}  # fmt: skip
FAILED: Final = 1


def commands() -> dict[str, Any]:
    """Every command as it is typed, in the whole tree."""

    def walk(group: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(command, (*path, name))
            else:
                yield " ".join((*path, name)), command

    return dict(walk(typer.main.get_command(build()), ()))


ALL: Final = commands()


def test_every_command_has_it() -> None:
    without = {name for name, command in ALL.items() if not any("--json" in option.opts for option in command.params)}
    assert without == set(WITHOUT)
    assert len(ALL) > 80


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A server in which nothing happens by itself."""
    place = tmp_path_factory.mktemp("json") / "data"
    with serving(place, auth="required", watching="false", scoring="false") as server:
        yield Shop(server)


class Typist:
    """Types commands in this process, each with the same flags, and remembers which."""

    def __init__(self, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.flags, self.monkeypatch, self.capsys = flags, monkeypatch, capsys
        self.typed: set[str] = set()

    def __call__(self, *words: str, code: int = OK) -> Any:
        """What stdout says: the document with `--json`, else the text."""
        self.typed.add(next(name for name in (" ".join(words[:2]), words[0]) if name in ALL))
        self.monkeypatch.setattr(sys, "argv", ["homeostat", *words, *self.flags])
        with pytest.raises(SystemExit) as ended:
            main()
            raise SystemExit(OK)
        said = self.capsys.readouterr()
        assert (ended.value.code or OK) == code, (words, said)
        if code == USAGE:
            assert not said.out and len(said.err.splitlines()) >= 1, "a refusal is a sentence on stderr"
            return None
        return json.loads(said.out) if self.flags else said.out


def releases_and_prompts(typist: Typist, name: str, file: Path) -> None:
    file.write_text("Be kind to {{name}}.")
    typist("prompt", "create", name, str(file))
    typist("prompt", "ls")
    typist("prompt", "show", name)
    typist("prompt", "label", name, "1", "production")
    typist("prompt", "diff", name, "1", "1")
    for release in (f"{name}-a", f"{name}-b"):
        typist("release", "create", release, "--model", release)
    typist("release", "ls")
    typist("release", "show", f"{name}-a")
    typist("release", "show", "nobody", code=USAGE)
    typist("release", "label", f"{name}-a", "production")
    typist("release", "diff", f"{name}-a", f"{name}-b")
    typist("policy", "set", name, f"{name}-a=1")
    typist("policy", "ls")
    typist("policy", "show", name)
    typist("experiment", "start", name, f"{name}-a=1", f"{name}-b=1", "--measure", "mean(score.x)", "--route", name)
    typist("experiment", "start", name, f"{name}-a=1", f"{name}-b=1", "--measure", "mean(score.x)", code=USAGE)
    typist("experiment", "ls")
    typist("experiment", "show", name)
    typist("experiment", "stop", name, "--to", f"{name}-b")
    typist("rollback", name, "--to", f"{name}-a")


def monitors_and_scorers(typist: Typist, name: str, file: Path) -> None:
    file.write_text(f'[[monitor]]\nname = "{name}"\nmeasure = "mean(latency)"\nagainst = {{ reference = "all" }}\n')
    typist("monitor", "ls")
    typist("monitor", "test", str(file), "--from", "1d")
    typist("monitor", "apply", str(file))
    typist("monitor", "show", name)
    typist("monitor", "pause", name)
    typist("monitor", "resume", name)
    typist("monitor", "resume", "nobody", code=USAGE)
    typist("scorer", "kinds")
    typist("scorer", "card", "relevance")
    typist("scorer", "add", name, "--kind", "relevance")
    typist("scorer", "ls")
    typist("scorer", "show", name)
    typist("scorer", "test", "relevance", "--limit", "1")
    typist("scorer", "pause", name)
    typist("scorer", "resume", name)
    typist("scorer", "resume", "nobody", code=USAGE)


def incidents(typist: Typist, shop: Shop, one: str) -> None:
    typist("incident", "ls")
    typist("incident", "show", one)
    typist("incident", "ack", one)
    typist("incident", "own", one, "anna")
    typist("incident", "silence", one, "4h")
    typist("incident", "comment", one, "seen")
    typist("incident", "close", one, "--why", "over")
    typist("incident", "reopen", one)
    typist("incident", "split", one, str(shop.json("incident", "show", one)["findings"][-1]))
    typist("incident", "split", one, "999999", code=USAGE)
    typist("incident", "merge", one, str(shop.json("incident", "ls")["items"][0]["id"]))
    typist("incident", "ack", "999999", code=USAGE)


def actions(typist: Typist, shop: Shop, name: str) -> None:
    def newest() -> str:
        return str(shop.json("action", "ls")["items"][0]["id"])

    given = json.dumps({"name": name, "words": ["card number"]})
    wanted = ("action", "propose", "block", "--with", given, "--why", "w", "--expect", "mean(score.x) up 0.05")
    typist("action", "remedies")
    typist(*wanted, "--dry-run")
    typist(*wanted)
    typist("action", "ls")
    typist("action", "show", newest())
    typist("action", "set", newest(), given)
    typist("action", "replay", newest(), code=USAGE)
    typist("action", "approve", newest(), "--why", "yes")
    typist("action", "approve", newest(), code=USAGE)
    typist("action", "undo", newest())
    typist(*wanted)
    typist("action", "decline", newest())


def datasets_and_channels(typist: Typist, name: str, file: Path) -> None:
    file.write_text('{"input": "a question", "output": "an answer"}\n')
    typist("dataset", "collect", name, "model=gpt-4o-mini")
    typist("dataset", "add", name, str(file))
    typist("dataset", "ls")
    typist("dataset", "show", name)
    typist("dataset", "show", "nobody", code=USAGE)
    typist("dataset", "forget", "--user", "nobody")
    typist("notifier", "kinds")
    typist("notifier", "set", name, "webhook", "-s", "url=http://127.0.0.1:9/hook", "-s", "secret=s")
    typist("notifier", "set", name, "--quiet", "off")
    typist("notifier", "ls")
    typist("notifier", "test", name, code=FAILED)
    typist("notifier", "rm", name)
    typist("notifier", "rm", name, code=USAGE)


def the_rest(typist: Typist, id: str, key: str, file: Path) -> None:
    typist("doctor")
    typist("measures", "count")
    typist("exchanges", "ls")
    typist("signals", "add", "thumbs", "1", "--exchange", id)
    typist("key", "create", "short")
    typist("key", "ls")
    typist("key", "limit", key, "--tokens-per-day", "1000")
    typist("key", "revoke", key)
    typist("audit", "--limit", "3")
    typist("audit", "--cursor", "yesterday", code=USAGE)
    file.write_text('{"input": "a question", "output": "an answer"}\n')
    typist("import", "jsonl", str(file))


@pytest.mark.live
@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["words", "json"])
def test_every_command_says_one_document_and_ends_as_without(
    shop: Shop, flags: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for variable, value in shop.env().items():
        monkeypatch.setenv(variable, value)
    name = "json" if flags else "words"
    typist = Typist(flags, monkeypatch, capsys)
    id = f"{shop.sent[0].trace_id}-{shop.sent[0].span_id}"
    releases_and_prompts(typist, name, tmp_path / "prompt.txt")
    monitors_and_scorers(typist, name, tmp_path / "monitors.toml")
    one = [fire(shop.server, f"mean(score.{name}{number})") for number in (1, 2)][-1]
    incidents(typist, shop, str(one))
    actions(typist, shop, name)
    datasets_and_channels(typist, name, tmp_path / "items.jsonl")
    the_rest(typist, id, shop.json("key", "create", name)["id"], tmp_path / "old.jsonl")
    if flags:
        assert typist("exchanges", "get", id)["id"] == id
        Folder(tmp_path / "new").prepare()
        assert json.loads(shop.said("db", "upgrade", "--data", str(tmp_path / "new"), "--json"))["applied"]
        assert typist.typed | set(ELSEWHERE) | set(WITHOUT) == set(ALL)


@pytest.mark.live
def test_the_audit_log_page_by_page(shop: Shop) -> None:
    for name in ("first", "second"):
        shop.json("key", "create", name)
    newest = shop.json("audit", "--limit", "1")
    assert len(newest["items"]) == 1 and newest["next"]
    before = shop.json("audit", "--limit", "1", "--cursor", newest["next"])["items"]
    assert before[0]["number"] < newest["items"][0]["number"]
    rows = shop.rows("audit", "--limit", "2")
    assert [row[0] for row in rows] == [str(newest["items"][0]["number"]), str(before[0]["number"])]
    assert {len(row) for row in rows} == {7}
