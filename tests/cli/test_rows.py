"""A row is understood whatever its author called the fields."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from homeostat.analyze.scorers import Case
from homeostat.cli.client import Refused
from homeostat.cli.main import build
from homeostat.cli.rows import NAMES, as_case
from tests.analyze.judges.serving import Answered, Asked, completion, listening, verdict
from tests.live.harness import HOMEOSTAT


@pytest.mark.parametrize(("field", "name"), [(field, name) for field, names in NAMES.items() for name in names])
def test_every_name_of_a_field(field: str, name: str) -> None:
    row: dict[str, Any] = {"output": "yes"} | {name: ["said"] if field == "documents" else "said"}
    if field == "output":
        row = {name: "said"}
    found = as_case(row)
    assert isinstance(found, Case)
    assert getattr(found, field) == (("said",) if field == "documents" else "said")


def test_a_conversation() -> None:
    found = as_case({"messages": [{"role": "user", "content": "When?"}, {"role": "assistant", "content": "At nine."}]})
    assert isinstance(found, Case)
    assert (found.input, found.output) == ("When?", "At nine.")


def test_parts_of_a_message_and_objects_of_documents() -> None:
    parts = [{"type": "text", "text": "Who"}, {"type": "text", "text": "is it?"}]
    found = as_case({"prompt": parts, "response": {"content": "Ann."}, "context": [{"page_content": "Ann is here."}]})
    assert found == Case("Ann.", "Who\nis it?", ("Ann is here.",), "", {})


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"input": "x"}, "there is no output"),
        ({"output": 3}, "output is a number, not text"),
        ({"output": "a", "input": True}, "input is true or false, not text"),
        ({"output": "a", "documents": [1]}, "documents holds something that is no text"),
        ({"output": "a", "documents": 7}, "documents is a number, not a list of texts"),
    ],
)
def test_what_is_wrong_is_said(row: dict[str, Any], why: str) -> None:
    assert as_case(row) == why


def test_scoring_a_file_with_ones_own_documents(tmp_path: Path) -> None:
    (tmp_path / "shop.md").write_text("Returns are accepted within 30 days of delivery.")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "How long may I return it?", "answer": "You have 60 days."}\n{"x": 1}\nno json\n')
    asked = ["score", str(rows), "--scorer", "groundedness", "-s", "privacy", "--documents", str(tmp_path / "shop.md")]
    found = CliRunner().invoke(build("score"), [*asked, "--json"])
    assert found.exit_code == 0, found.output
    first, second, third = (json.loads(line) for line in found.stdout.splitlines() if line.startswith("{"))
    assert first["scores"]["groundedness"]["label"] == "bad"
    assert "60 days" in first["scores"]["groundedness"]["reason"]["why"]
    assert first["scores"]["privacy"]["value"] == 1.0
    assert second["error"] == "row 2: there is no output"
    assert "not JSON" in third["error"]


def test_the_engine_s_scorers_run_on_a_file_too(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    told: list[dict[str, Any]] = [
        {"output": f"I am sorry, but I cannot help with that, number {number}."} for number in range(201)
    ]
    told[3] = {"output": "You idiot \ud800\0", "finish_reason": "length", "id": "odd"}
    told[5] = {"output": "", "tool_calls": [{"name": "search"}]}
    told[7] = {"input": "no output"}
    rows.write_text("".join(f"{json.dumps(row)}\n" for row in told))
    # A process has one engine: this command gets a process of its own.
    asked = [HOMEOSTAT, "score", str(rows), "-s", "civil,relevance,answered,finished"]
    found = subprocess.run([*asked, "--json"], capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 0, found.stderr
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["id"] for line in lines] == [str(n + 1) if n != 3 else "odd" for n in range(201)]
    assert all(
        set(line["scores"]) == {"civil", "relevance", "answered", "finished"} for line in lines if line["scores"]
    )
    assert lines[200]["scores"]["answered"] == {"value": 0.0, "label": "bad", "reason": "it begins like a refusal"}
    assert lines[3]["scores"]["civil"] == {"value": 0.0, "label": "bad", "reason": "it says: idiot"}
    assert lines[3]["scores"]["finished"]["reason"] == "the provider cut it off"
    assert lines[5]["scores"]["answered"]["value"] == 1.0
    assert lines[7]["error"] == "row 8: there is no output"
    table = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    assert [line.split()[0] for line in table] == ["civil", "answered", "finished", "relevance"]


def test_entities_are_told_with_their_places(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"answer": "Write to ann@mail.example.org."}) + "\n")
    found = CliRunner().invoke(build("score"), ["score", str(rows), "--scorer", "privacy", "--json"])
    answer = json.loads(found.stdout.splitlines()[0])
    assert answer["scores"]["privacy"]["reason"] == [{"type": "email", "start": 9, "end": 29}]


def test_a_judge_says_which_of_two_answers_is_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def prefers_nine(body: Asked, number: int) -> Answered:
        told = body["messages"][-1]["content"]
        return completion(verdict(body, better="first" if told.index("nine") < told.index("blue") else "second"))

    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"input": "How much?", "output": "It is blue.", "other": "It costs nine euros."}\n')
    asked = ["score", str(rows), "--judge", "relevance", "--json"]
    with listening(prefers_nine) as endpoint:
        monkeypatch.setenv("HOMEOSTAT_JUDGE_URL", endpoint.url)
        found = CliRunner().invoke(build("score"), asked)
    assert found.exit_code == 0, found.output
    answer = json.loads(found.stdout.splitlines()[0])["scores"]
    assert list(answer) == ["judge-relevance"]
    assert (answer["judge-relevance"]["value"], answer["judge-relevance"]["label"]) == (0.0, "second")
    monkeypatch.setenv("HOMEOSTAT_JUDGE_URL", "")
    assert "HOMEOSTAT_JUDGE_URL" in CliRunner().invoke(build("score"), asked).output


def test_scorers_of_ones_own_from_a_file(tmp_path: Path) -> None:
    rows, own = tmp_path / "rows.jsonl", tmp_path / "own.toml"
    rows.write_text('{"output": "Yes."}\n')
    own.write_text('[tone]\nfile = "none.pkl"\n')
    found = CliRunner().invoke(build("score"), ["score", str(rows), "--own", str(own)])
    assert found.exit_code == 2
    assert "none.pkl" in found.output


def test_a_module_of_the_working_directory_is_found(tmp_path: Path) -> None:
    """As it is typed: by the command, from where it stands."""
    (tmp_path / "rows.jsonl").write_text('{"id": "1", "output": "Yes, please."}\n')
    (tmp_path / "beside_the_rows.py").write_text("def polite(case):\n    return 'please' in case.output\n")
    asked = [HOMEOSTAT, "score", "rows.jsonl", "-s", "beside_the_rows:polite", "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"]["polite"]["value"] == 1.0


def test_a_file_without_a_row_that_can_be_read_is_refused(tmp_path: Path) -> None:
    for name, text in (("bad.jsonl", "no\n{\n"), ("none.jsonl", ""), ("none.json", "[]")):
        file = tmp_path / name
        file.write_text(text)
        found = CliRunner().invoke(build("score"), ["score", str(file), "-s", "privacy"])
        assert isinstance(found.exception, Refused), found.output
        assert name in str(found.exception)


def test_a_list_of_rows_is_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    for text in (
        json.dumps([{"id": "a", "output": "yes"}, {"id": "b", "output": "no"}], indent=2),
        '{"id": "a", "output": "yes"}\n{"id": "b", "output": "no"}\n',
    ):
        file.write_text(text)
        found = CliRunner().invoke(build("score"), ["score", str(file), "-s", "privacy", "--json"])
        assert [json.loads(line)["id"] for line in found.output.splitlines()] == ["a", "b"]


def test_half_of_a_character_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": "\\ud800", "output": "\\ud800"}\n{"id": "b", "output": "no"}\n')
    found = CliRunner().invoke(build("score"), ["score", str(file), "-s", "privacy", "--json"])
    assert [json.loads(line)["id"] for line in found.output.splitlines()] == ["?", "b"]


def test_settings_that_are_no_toml_are_told_in_one_line(tmp_path: Path) -> None:
    """Where documents or a judge need settings."""
    (tmp_path / "homeostat.toml").write_text("port = \n")
    (tmp_path / "shop.md").write_text("Parcels take three days.\n")
    (tmp_path / "rows.jsonl").write_text('{"input": "When?", "output": "In three days."}\n')
    asked = [HOMEOSTAT, "score", "rows.jsonl", "-s", "groundedness", "--documents", "shop.md"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "homeostat: homeostat.toml is no TOML: Invalid value (at line 1, column 8)\n"
