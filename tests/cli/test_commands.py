"""Every command against a running server that lets nobody in without a key."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeostat.store.folder import Folder
from tests.live.harness import HOMEOSTAT, Sent, Server, batch, serving
from tests.live.spans import body, send
from tests.loop.serving import within_a_second

pytestmark = pytest.mark.live
OK, USAGE, UNREACHABLE = 0, 2, 3


class Shop:
    """A server with thirty calls in it, and the command line of the machine's owner."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.key = self.said("key", "create", "loader", "--scopes", "ingest").strip()
        data, self.sent = batch(random.Random(30), 30)
        self._accepted(data)
        self.drain()

    def _accepted(self, data: bytes) -> None:
        within_a_second(lambda: self.try_key(self.key) == 200)
        send(self.server, data, key=self.key)

    def try_key(self, key: str) -> int:
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        return self.server.request("POST", "/v1/traces", b"{}", headers)[0]

    def env(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOMEOSTAT_")}
        return kept | {"HOMEOSTAT_URL": self.server.url, "HOMEOSTAT_DATA": str(self.server.data)} | more

    def run(self, *arguments: str, code: int = OK, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [HOMEOSTAT, *arguments], capture_output=True, text=True, check=False, timeout=240, env=self.env(**env)
        )
        assert done.returncode == code, (arguments, done.returncode, done.stdout[-500:], done.stderr[-2000:])
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def said(self, *arguments: str) -> str:
        return self.run(*arguments).stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.said(*arguments, "--json"))

    def rows(self, *arguments: str) -> list[list[str]]:
        """What a pipe gets: rows of cells between tabs."""
        return [line.split("\t") for line in self.said(*arguments).splitlines()]

    def drain(self) -> None:
        end = time.monotonic() + 120
        while True:
            loader = self.json("doctor")["core"]["loader"]
            if loader["items_waiting"] == 0:
                return
            assert time.monotonic() < end, loader


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with serving(tmp_path_factory.mktemp("shop") / "data", auth="required") as server:
        yield Shop(server)


@pytest.fixture
def one(shop: Shop) -> Sent:
    return shop.sent[0]


def identity(one: Sent) -> str:
    return f"{one.trace_id}-{one.span_id}"


def test_doctor(shop: Shop) -> None:
    told = shop.json("doctor")
    assert told["ok"] is True
    parts = {row[0]: row[1] for row in shop.rows("doctor")}
    assert {"edge", "spool", "core", "loader", "warehouse", "ledger"} <= set(parts)
    assert "dead" not in parts.values()


def test_doctor_of_a_core_that_hangs(shop: Shop) -> None:
    core = shop.server.children()["core"]
    os.kill(core.pid, signal.SIGSTOP)
    try:
        done = shop.run("doctor", code=UNREACHABLE)
        parts = {line.split("\t")[0]: line.split("\t")[1] for line in done.stdout.splitlines()}
        assert (parts["edge"], parts["spool"], parts["core"]) == ("alive", "alive", "dead")
        told = json.loads(shop.run("doctor", "--json", code=UNREACHABLE).stdout)
        assert told["ok"] is False
        assert "spool" in shop.run("exchanges", "ls", code=UNREACHABLE).stderr + done.stdout
    finally:
        os.kill(core.pid, signal.SIGCONT)
    # What was asked when it stopped may have met its limit of time meanwhile: a scorer's next round is well again.
    end = time.monotonic() + 120
    while subprocess.run([HOMEOSTAT, "doctor"], env=shop.env(), capture_output=True, check=False).returncode != OK:
        assert time.monotonic() < end
        time.sleep(0.5)
    shop.drain()


def test_nobody_there(shop: Shop) -> None:
    for command in (("doctor",), ("exchanges", "ls"), ("measures", "count"), ("key", "ls"), ("tail",)):
        said = shop.run(*command, code=UNREACHABLE, HOMEOSTAT_URL="http://127.0.0.1:9").stderr
        assert "127.0.0.1:9" in said
        assert "homeostat up" in said


def test_a_wrong_key_and_a_wrong_word(shop: Shop) -> None:
    assert shop.run("exchanges", "ls", code=USAGE, HOMEOSTAT_KEY="hs_nonsense").stderr.startswith("homeostat: ")
    assert shop.run("key", "ls", code=USAGE, HOMEOSTAT_KEY=shop.key).stderr.startswith("homeostat: ")
    assert "model" in shop.run("exchanges", "ls", "-w", "modle=a", code=USAGE).stderr
    shop.run("exchanges", "ls", "-w", "nothing", code=USAGE)
    shop.run("exchanges", "get", "not-an-id", code=USAGE)
    shop.run("no-such-command", code=USAGE)
    shop.run("export", "answers.xlsx", code=USAGE)


def test_exchanges_ls_and_get(shop: Shop, one: Sent) -> None:
    listed = shop.json("exchanges", "ls", "--limit", "10", "-w", "model=gpt-4o-mini")
    assert len(listed["items"]) == 10
    rows = shop.rows("exchanges", "ls", "--limit", "1000", "-w", "model=gpt-4o-mini")
    assert identity(one) in {row[1] for row in rows}
    assert {len(row) for row in rows} == {10}
    got = json.loads(shop.said("exchanges", "get", identity(one)))
    assert (got["input"], got["input_tokens"]) == (one.text, one.tokens)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_exports(shop: Shop, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"all.{ending}"
    shop.run("exchanges", "export", str(path), "-w", "model=gpt-4o-mini", "--since", "2d")
    if ending == "jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    elif ending == "csv":
        rows = list(csv.DictReader(path.open(newline="")))
    else:
        sql = f"SELECT id, input FROM file('{path}', 'Parquet')"
        code = "import sys, chdb; print(chdb.query(sys.argv[1], 'JSONEachRow')); sys.stdout.flush()"
        done = subprocess.run([sys.executable, "-c", code, sql], capture_output=True, text=True, check=True)
        rows = [json.loads(line) for line in done.stdout.splitlines() if line]
    found = {row["id"]: row["input"] for row in rows}
    assert {identity(each): each.text for each in shop.sent}.items() <= found.items()


def test_a_kind_among_the_filters_is_told_where_it_belongs(shop: Shop) -> None:
    for verb in (("exchanges", "ls"), ("exchanges", "export"), ("export",)):
        assert "--kind all" in shop.run(*verb, "-w", "kind=all", code=USAGE).stderr


def test_export_to_a_pipe(shop: Shop) -> None:
    rows = [json.loads(line) for line in shop.said("export", "--kind", "call", "-w", "model=gpt-4o-mini").splitlines()]
    assert {identity(each) for each in shop.sent} <= {row["id"] for row in rows}


def test_measures(shop: Shop) -> None:
    asked = ("measures", "count", "sum(input_tokens)", "--by", "model", "-w", "model=gpt-4o-mini")
    points = {point["measure"]: point["value"] for point in shop.json(*asked)["points"]}
    assert points["count"] >= len(shop.sent)
    rows = shop.rows(*asked)
    assert {row[0] for row in rows} == {"count", "sum(input_tokens)"}
    assert {row[1] for row in rows} == {"gpt-4o-mini"}
    assert shop.run("measures", "p50(nonsense", code=USAGE).stderr
    # Beside the mean of a score stands how many have one; beside other numbers nothing.
    asked = ("measures", "mean(score.never)", "-w", "model=gpt-4o-mini")
    assert shop.said(*asked).rstrip("\n").split("\t") == ["mean(score.never)", "–", "–", "–", "0", "0"]
    assert len(shop.said("measures", "count").split("\t")) == 5


def test_signals_add(shop: Shop, one: Sent) -> None:
    assert shop.json("signals", "add", "rating", "4", "--exchange", identity(one), "--comment", "good")["accepted"] == 1
    assert "accepted 1" in shop.said("signals", "add", "chat_closed", "--trace", one.trace_id)
    shop.drain()
    told = json.loads(shop.said("exchanges", "get", identity(one)))["signals"]
    assert {signal["name"]: signal["value"] for signal in told}["rating"] == 4
    assert shop.run("signals", "add", "about_nothing", code=USAGE).stderr


def test_thumbs_down_is_typed_as_it_is_said(shop: Shop, one: Sent) -> None:
    assert shop.json("signals", "add", "thumbs", "-1", "--exchange", identity(one))["accepted"] == 1
    assert shop.json("signals", "add", "--user", "u1", "mood", "-0.5", "--comment", "no")["accepted"] == 1
    shop.drain()
    told = json.loads(shop.said("exchanges", "get", identity(one)))["signals"]
    assert {signal["name"]: signal["value"] for signal in told}["thumbs"] == -1
    assert "--usr" in shop.run("signals", "add", "thumbs", "--usr", "u1", code=USAGE).stderr


def test_tail(shop: Shop) -> None:
    with subprocess.Popen(
        [HOMEOSTAT, "tail", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=shop.env(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever runs the tests may ignore Ctrl-C
    ) as tail:  # fmt: skip
        try:
            assert tail.stdout is not None
            os.set_blocking(tail.stdout.fileno(), False)
            found: list[dict[str, Any]] = []
            end = time.monotonic() + 120
            while not found:
                assert time.monotonic() < end, tail.poll()
                send(shop.server, body({}), key=shop.key)
                time.sleep(0.3)
                found = [json.loads(line) for line in (tail.stdout.readline(),) if line.strip()]
            assert found[0]["id"]
            tail.send_signal(signal.SIGINT)
            assert tail.wait(120) == OK
        finally:
            tail.kill()


def answered(shop: Shop, key: str, status: int) -> None:
    """Within a second."""
    within_a_second(lambda: shop.try_key(key) == status)


def test_keys(shop: Shop) -> None:
    made = shop.json("key", "create", "shop floor", "--scopes", "ingest,read", "--project", "floor", "--days", "3")
    answered(shop, made["key"], 200)
    listed = {item["id"]: item for item in shop.json("key", "ls")["items"]}
    assert listed[made["id"]]["scopes"] == ["ingest", "read"]
    assert made["key"] not in json.dumps(listed)
    assert made["id"] in {row[0] for row in shop.rows("key", "ls")}
    assert "[]" not in shop.run("exchanges", "ls", HOMEOSTAT_KEY=made["key"]).stdout
    assert "revoked" in shop.said("key", "revoke", made["id"])
    answered(shop, made["key"], 401)
    shop.run("key", "revoke", "no-such-key", code=USAGE)
    shop.run("key", "create", "x", "--scopes", "everything", code=USAGE)


def test_limits_of_keys(shop: Shop) -> None:
    id = shop.json("key", "create", "caller", "--scopes", "gateway", "--project", "floor")["id"]
    assert "60 requests per minute" in shop.said("key", "limit", id, "--requests-per-minute", "60")
    told = shop.json("key", "limit", id, "--tokens-per-day", "1000")
    assert told == {"key": id, "project": "floor", "limits": {"requests_per_minute": 60, "tokens_per_day": 1000}}
    assert shop.json("key", "limit", id, "--usd-per-day", "2.5")["limits"]["usd_per_day"] == 2.5
    assert "usd_per_day" not in shop.json("key", "limit", id, "--usd-per-day", "0")["limits"]
    assert "no limits" in shop.said("key", "limit", "*")
    assert shop.json("key", "limit", id, "--requests-per-minute", "0")["limits"] == {"tokens_per_day": 1000}
    shop.run("key", "limit", "no-such-key", "--tokens-per-day", "1", code=USAGE)
    shop.run("key", "limit", id, "--tokens-per-day", "-1", code=USAGE)


def test_a_revoked_key_stays_shut_while_the_core_is_away(shop: Shop) -> None:
    """The edge obeys what was published last, also an edge that has just been started."""
    made = shop.json("key", "create", "short")
    answered(shop, made["key"], 200)
    shop.run("key", "revoke", made["id"])
    core = shop.server.children()["core"]
    os.kill(core.pid, signal.SIGSTOP)
    try:
        answered(shop, made["key"], 401)
        shop.server.kill("edge")
        assert shop.try_key(made["key"]) == 401
        assert shop.try_key(shop.key) == 200
    finally:
        os.kill(core.pid, signal.SIGCONT)


def history(path: Path, count: int) -> None:
    same = {"output": "old answer", "model": "gpt-4", "plan": "premium"}
    rows = [{"input": f"old question {number}", "latency_ms": number, **same} for number in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def count(shop: Shop, where: str) -> int:
    shop.drain()
    return len(shop.json("exchanges", "ls", "--limit", "1000", "--kind", "all", "-w", where)["items"])


def test_a_second_import_adds_nothing(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    history(path, 40)
    for _ in range(2):
        assert "40 exchanges sent" in shop.run("import", "jsonl", str(path)).stderr
        assert count(shop, "attribute.plan=premium") == 40
    kept = tmp_path / "kept.parquet"
    shop.run("export", str(kept), "-w", "attribute.plan=premium")
    for _ in range(2):
        assert "40 exchanges sent" in shop.run("import", "parquet", str(kept)).stderr
        assert count(shop, 'q="old question"') == 40
    path.write_text('{"input": "fine"}\n{"input": \n')
    assert "line 2" in shop.run("import", "jsonl", str(path), code=USAGE).stderr


def test_db_upgrade(shop: Shop, tmp_path: Path) -> None:
    new = tmp_path / "new"
    assert "is no data directory" in shop.run("db", "upgrade", "--data", str(new), code=USAGE).stderr
    assert not new.exists()
    Folder(new).prepare()
    assert "applied 0001" in shop.said("db", "upgrade", "--data", str(new))
    assert "already up to date" in shop.said("db", "upgrade", "--data", str(new))
    assert "already open" in shop.run("db", "upgrade", "--data", str(shop.server.data), code=USAGE).stderr
