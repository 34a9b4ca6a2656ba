"""Own documents: what is found, what is left out, and what bounds it."""

from __future__ import annotations

import json
from pathlib import Path

from homeostat.analyze.text.library import Library, Passage, cut, fetched, load, unmarked


def test_a_folder_is_read_with_everything_in_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "returns.md").write_text("# Returns\n\nYou may send anything back within 30 days.\n")
    (tmp_path / "deep" / "page.html").write_text("<p>Delivery to Norway costs 9 euros.</p><script>var x = 1</script>")
    rows = [{"title": "Opening hours", "text": "Open from nine to five."}, {"nothing": 1}]
    (tmp_path / "faq.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\nno json\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    loaded = load(tmp_path)
    assert {passage.source for passage in loaded.library.passages} == {"returns.md", "page.html", "faq.jsonl:1"}
    assert len(loaded.left_out) == 2
    assert "var x" not in "".join(passage.text for passage in loaded.library.passages)
    assert loaded.library.search("How much is shipping to Norway?")[0].source == "page.html"
    assert loaded.library.search("when are you open?")[0].source == "faq.jsonl:1"


def test_nothing_is_found_for_what_nobody_wrote_about(tmp_path: Path) -> None:
    shelf = Library([Passage("a", "Refunds take five days."), Passage("b", "The office is in Lisbon.")])
    assert shelf.search("Which dinosaur was the largest predator?") == []
    assert Library([]).search("anything") == []


def test_what_is_too_much_is_named_not_dropped_silently(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 100)
    (tmp_path / "b.txt").write_text("word " * 100)
    loaded = load(tmp_path, most_bytes=600)
    assert [left.split(":")[0] for left in loaded.left_out] == ["b.txt"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the key is under the mat")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert len(load(tmp_path / "docs").library) == 0


def test_a_long_text_is_cut_into_passages_that_lose_no_word() -> None:
    text = "\n\n".join(f"Paragraph {at}. " + "It says something about parcels. " * (at % 90) for at in range(120))
    parts = [passage.text for passage in cut("x", text)]
    assert max(map(len, parts)) <= 2000
    assert " ".join(" ".join(parts).split()) == " ".join(text.split())


def test_pages_that_cannot_be_fetched_leave_the_others() -> None:
    def get(address: str) -> str:
        if "bad" in address:
            raise TimeoutError("slow")
        return "<html><h1>Tickets</h1><p>A day ticket costs 7 francs.</p></html>"

    loaded = fetched(["https://one.example/", "https://bad.example/"], get)
    assert loaded.library.search("price of a day ticket")[0].source == "https://one.example/"
    assert loaded.left_out == ("https://bad.example/: TimeoutError: slow",)


def test_marks_of_a_page_go_and_its_words_stay() -> None:
    assert unmarked("<style>p{}</style><p>5 &lt; 6</p>").split() == ["5", "<", "6"]
