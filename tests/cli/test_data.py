"""Files in and out, against a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tests.cli.test_commands import OK, USAGE, Shop
from tests.live.harness import serving
from tests.loop.serving import within_a_second

pytestmark = pytest.mark.live
#: Lately, whenever the tests run: what is older than the retention is not kept.
AT = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A server that takes bodies of 200 kB at most."""
    with serving(tmp_path_factory.mktemp("files") / "data", auth="required", body_limit="200000") as server:
        yield Shop(server)


def written(path: Path, *lines: Any) -> Path:
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def there(shop: Shop, name: str) -> int:
    """How many exchanges of this name there are."""
    shop.drain()
    return len(shop.said("export", "-w", f"name={name}", "--kind", "all").splitlines())


def row(name: str, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"name": name, "input": f"question {number}", "output": "answer", **more}


def test_what_came_before_a_broken_line_is_imported(shop: Shop, tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", row("broken", 1), "{", row("broken", 3))
    said = shop.run("import", "jsonl", str(path), code=USAGE).stderr
    assert "line 2: is not JSON" in said
    assert "The 1 rows before it were imported" in said
    assert there(shop, "broken") == 1


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ('{"input": "x", "score": NaN}', "NaN is no number"),
        ("[" * 3000 + "]" * 3000, "nested"),
        ('{"input": ' + "[" * 100 + "]" * 100 + "}", "nested"),
        ("[1]", "is not an object"),
    ],
)
def test_a_line_that_cannot_be_sent_is_named(shop: Shop, tmp_path: Path, bad: str, why: str) -> None:
    said = shop.run("import", "jsonl", str(written(tmp_path / "x.jsonl", row("named"), "", bad)), code=USAGE).stderr
    assert "line 3: " in said
    assert why in said


def test_half_of_a_character_is_replaced(shop: Shop, tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", '{"name": "half", "input": "a\\ud800b", "output": "\\ud83d\\ude00"}')
    shop.run("import", "jsonl", str(path))
    assert there(shop, "half") == 1
    told = json.loads(shop.said("export", "-w", "name=half"))
    assert (told["input"], told["output"]) == ("a?b", "\U0001f600")


def test_a_row_that_is_refused_is_named_by_its_line(shop: Shop, tmp_path: Path) -> None:
    rows = [row("refused", number) for number in range(1200)]
    rows[1103]["latency_ms"] = -1
    said = shop.run("import", "jsonl", str(written(tmp_path / "x.jsonl", *rows)), code=USAGE).stderr
    assert "line 1104: latency_ms must not be negative" in said
    assert "The 1103 rows before it were imported" in said
    assert there(shop, "refused") == 1103
    del rows[1103]["latency_ms"]
    assert shop.json("import", "jsonl", str(written(tmp_path / "x.jsonl", *rows))) == {"sent": 1200, "expired": 0}
    assert there(shop, "refused") == 1200


def test_batches_are_as_small_as_the_server_wants(shop: Shop, tmp_path: Path) -> None:
    rows = [row("large", number, input=f"{number} " + "x" * 30_000) for number in range(30)]
    shop.run("import", "jsonl", str(written(tmp_path / "x.jsonl", *rows)))
    assert there(shop, "large") == 30
    alone = written(tmp_path / "y.jsonl", row("small"), row("small", input="x" * 300_000))
    said = shop.run("import", "jsonl", str(alone), code=USAGE).stderr
    assert "line 2: " in said
    assert "larger than 200000 bytes" in said


def test_what_is_older_than_the_retention_is_told(shop: Shop, tmp_path: Path) -> None:
    path = written(tmp_path / "x.jsonl", row("old", 1, at="2001-01-01T00:00:00Z"), row("old", 2))
    said = shop.run("import", "jsonl", str(path)).stderr
    assert "2 exchanges sent, of which 1 are older than the retention and were not kept" in said
    assert shop.json("import", "jsonl", str(path)) == {"sent": 2, "expired": 1}


def test_a_parquet_file_is_read_by_its_own_name(shop: Shop, tmp_path: Path) -> None:
    table = pyarrow.table({"name": ["parquet"] * 2, "input": ["a", "b"], "output": ["c", "d"]})
    for name in ("a.parquet", "a{b,c}*.parquet"):
        pyarrow.parquet.write_table(table, tmp_path / name)
        assert shop.json("import", "parquet", str(tmp_path / name))["sent"] == 2
    assert there(shop, "parquet") == 2
    said = shop.run("import", "parquet", str(written(tmp_path / "x.jsonl", row("no"))), code=USAGE).stderr
    assert "is no Parquet file" in said


def test_a_place_that_cannot_be_written_is_said(shop: Shop) -> None:
    assert "cannot be written" in shop.run("export", "/nonexistent/x.jsonl", code=USAGE).stderr


def test_keys_take_days_and_amounts_that_can_be(shop: Shop) -> None:
    assert shop.run("key", "create", "z", "--days", "0", code=USAGE).stderr
    ends = shop.json("key", "create", "z", "--days", "1")["id"]
    told = {key["id"]: key["expires"] for key in shop.json("key", "ls")["items"]}
    assert told[ends]
    assert "amount" in shop.run("key", "limit", ends, "--usd-per-day", "nan", code=USAGE).stderr
    assert shop.run("key", "limit", ends, "--usd-per-day", "2.5", code=OK)
    assert shop.json("key", "revoke", ends) == {"id": ends, "revoked": True}


SAID = {
    "input": "Where is parcel 17?", "output": "On its way.", "name": "trip", "at": AT, "latency_ms": 1234.567891,
    "ttft_ms": 0.0, "model": "gpt-4o-mini", "requested_model": "gpt-4o", "provider": "openai", "response_id": "r-1",
    "user_id": "anna", "session_id": "s1", "release": "v1", "environment": "prod", "prompt_name": "ask",
    "prompt_version": "7", "finish_reason": "stop", "input_tokens": 10, "output_tokens": 3, "cached_tokens": 2,
    "cost": 0.25, "tags": ["beta", "unï"], "plan": "gold", "cached": False, "retries": 0, "text": "0",
    "more": {"a": [1]},
    "documents": [{"id": "d", "text": "Parcels", "score": 0.5}],
    "tool_calls": [{"id": "t", "name": "track", "arguments": {"parcel": 17}}],
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is parcel 17?"}],
}  # fmt: skip


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_what_is_exported_and_imported_is_the_same_exchange(shop: Shop, tmp_path: Path, form: str) -> None:
    rows = [
        {**SAID, "id": "whole"},
        {"id": "guessed", "name": "trip", "at": AT, "input": "why? " * 40, "output": "So. " * 20,
         "model": "gpt-4o-mini"},
        {"id": "failed", "name": "trip", "at": AT, "input": "why?", "error": "e" * 5000},
        {"id": "plain", "name": "trip", "at": AT, "input": "2 + 2", "output": "4", "latency_ms": 0},
        {"id": "left", "name": "trip", "at": AT, "input": "2 + 2", "output": "", "status": "client_closed"},
    ]  # fmt: skip
    shop.run("import", "jsonl", str(written(tmp_path / "said.jsonl", *rows)))
    shop.run("signals", "add", "thumbs", "-1", "--exchange", "whole", "--comment", "late")
    shop.run("signals", "add", "left", "--session", "s1", "--label", "gone")
    score = {"name": "polite", "value": 0.5, "label": "fair", "reason": "curt", "rung": "human", "exchange_id": "whole"}
    headers = {"content-type": "application/json", "authorization": f"Bearer {shop.key}"}
    assert shop.server.request("POST", "/api/v1/scores", json.dumps(score).encode(), headers)[0] == 202
    assert there(shop, "trip") == len(rows)
    file = tmp_path / f"out.{form}"
    shop.run("export", str(file), "-w", "name=trip")
    other = shop.said("key", "create", "other", "--scopes", "ingest,read", "--project", f"other-{form}").strip()
    within_a_second(lambda: shop.try_key(other) == 200)
    assert json.loads(shop.run("import", form, str(file), "--json", HOMEOSTAT_KEY=other).stdout)["sent"] == len(rows)
    shop.drain()
    first = [json.loads(line) for line in shop.said("export", "-w", "name=trip").splitlines()]
    again = [
        json.loads(line) for line in shop.run("export", "-w", "name=trip", HOMEOSTAT_KEY=other).stdout.splitlines()
    ]
    by_id = {each["id"]: each for each in again}
    for each in first:
        # Scorers of either project may have begun; what was sent is there.
        sent = [of["scores"].get("polite") for of in (each, by_id[each["id"]])]
        assert sent[0] == sent[1]
        for name in each.keys() - {"project", "status", "scores"}:
            assert by_id[each["id"]][name] == each[name], (name, each["input"][:20])
        assert "open" in (by_id[each["id"]]["status"], each["status"]) or by_id[each["id"]]["status"] == each["status"]
    told = next(each for each in first if each["model"] == "gpt-4o-mini" and each["user_id"])
    assert told["attributes"]["retries"] == 0
    assert told["scores"]["polite"]["reason"] == "curt"
    assert told["documents"] == SAID["documents"]
    assert [turn["role"] for turn in told["messages"]] == ["system", "user"]
    assert {signal["name"] for signal in told["signals"]} == {"thumbs", "left"}
    assert next(each for each in first if each["input"].startswith("why? why"))["estimated"] == ["tokens", "cost"]
    scored = shop.run("score", str(file), "-s", "groundedness", "--json").stdout.splitlines()
    assert any(json.loads(line)["scores"]["groundedness"]["value"] is not None for line in scored)


def test_one_exchange_is_json_either_way_and_exports_are_of_a_kind(shop: Shop, tmp_path: Path) -> None:
    shop.run("import", "jsonl", str(written(tmp_path / "x.jsonl", row("kinds", kind="embedding"), row("kinds"))))
    assert there(shop, "kinds") == 2
    (line,) = shop.said("exchanges", "export", "-w", "name=kinds").splitlines()
    assert len(shop.said("exchanges", "export", "-w", "name=kinds", "--kind", "all").splitlines()) == 2
    id = json.loads(line)["id"]
    assert shop.json("exchanges", "get", id) == json.loads(shop.said("exchanges", "get", id))


def test_a_chat_file_goes_through_a_dataset(shop: Shop, tmp_path: Path) -> None:
    """And what a format leaves out is said, not on the lines."""
    answered = {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]}
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps(answered) + '\n{"input": "unanswered"}\n')
    shop.run("dataset", "add", "chats", str(file))
    exported = shop.run("dataset", "export", "chats", "--format", "chat")
    assert [json.loads(line) for line in exported.stdout.splitlines()] == [answered]
    assert exported.stderr == "left out: 1 items (failing, or no answer)\n"
    assert shop.run("dataset", "export", "chats").stderr == ""
