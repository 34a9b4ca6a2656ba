"""Pages of the operator's list are fetched by the guarded way out, beside what is going on, and kept when they fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from homeostat.analyze.text.library import Library
from homeostat.config import Settings
from homeostat.loop.scoring import documents
from homeostat.loop.scoring.documents import Shelves
from homeostat.loop.scoring.fetching import NoPage, way_out

PAGE = b"<html><body><h1>Returns</h1><p>Unused items may be returned within 30 days.</p></body></html>"


class Site(BaseHTTPRequestHandler):
    """Answers what `told` says for a path; remembers what was asked."""

    told: ClassVar[dict[str, tuple[int, str, bytes]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, kind, body = self.told.get(self.path, (404, "text/html", b"none"))
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("location", "/returns")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def site() -> Iterator[str]:
    Site.told = {
        "/returns": (200, "text/html; charset=utf-8", PAGE), "/moved": (301, "text/html", b""),
        "/picture": (200, "image/png", b"\x89PNG"), "/endless": (200, "text/plain", b"x" * (2 << 20)),
    }  # fmt: skip
    Site.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def filled(shelves: Shelves) -> Library:
    """Fetching goes on beside: wait for its end."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found = shelves.of("shop")
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("nothing was fetched")


def test_pages_of_a_list_become_documents(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("The shop is in Bern.")
    with site() as url:
        (tmp_path / "pages.urls").write_text(f"# ours\n{url}/returns\n{url}/returns\n{url}/none\n{url}/picture\n")
        shelf = filled(Shelves(str(tmp_path), way_out(["127.0.0.1"])))
        assert "within 30 days" in shelf.search("How long may I return it?")[0].text
        assert shelf.search("Where is the shop?")[0].text == "The shop is in Bern."
        assert Site.asked == ["/returns", "/none", "/picture"]


def test_our_own_net_is_not_reached_unless_it_is_named(tmp_path: Path) -> None:
    with site() as url:
        with pytest.raises(NoPage, match="documents_allow"):
            way_out([])(f"{url}/returns")
        with pytest.raises(NoPage, match="documents_allow"):
            way_out([])(url.replace("127.0.0.1", "localhost") + "/returns")
        assert Site.asked == []


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/moved", "points elsewhere"),
        ("/picture", "image/png"),
        ("/none", "404"),
        ("/endless", "does not come to an end"),
    ],
)
def test_what_is_no_page_is_said(path: str, why: str) -> None:
    with site() as url, pytest.raises(NoPage, match=why):
        way_out(["127.0.0.1"])(url + path)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://user:word@127.0.0.1/", "returns"]
)
def test_only_web_addresses_are_read(address: str) -> None:
    with pytest.raises(NoPage, match="URL"):
        way_out(["127.0.0.1"])(address)


def test_a_page_that_fails_later_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_LOOK_AGAIN", 0.0)
    monkeypatch.setattr(documents, "_FETCH_AGAIN", 0.0)
    with site() as url:
        (tmp_path / "pages.urls").write_text(f"{url}/returns\n")
        shelves = Shelves(str(tmp_path), way_out(["127.0.0.1"]))
        filled(shelves)
        Site.told = {}
        before = len(Site.asked)
        end = time.monotonic() + 120
        while len(Site.asked) < before + 2 and time.monotonic() < end:
            shelves.of("shop")
            time.sleep(0.02)
        assert "30 days" in filled(shelves).search("How long may I return it?")[0].text


def test_a_place_begins_where_the_server_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    settings = Settings(documents="docs/{project}", scorers_file="own.toml")
    monkeypatch.chdir("/")
    assert settings.documents == str(tmp_path / "docs" / "{project}")
    assert settings.scorers_file == str(tmp_path / "own.toml")
    assert Shelves(settings.documents).state() == {"error": ""}
    assert Settings().documents == ""


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert Shelves().state() == {"error": ""}
    (tmp_path / "empty").mkdir()
    for place in ("empty", "absent", "absent/{project}", "absent/of-{project}.jsonl"):
        assert "is not there" in Shelves(str(tmp_path / place)).state()["error"]
    (tmp_path / "empty" / "a.md").write_text("Returns take 30 days.")
    for place in ("empty", "empty/{project}", "empty/of-{project}.jsonl", "of-{project}"):
        assert Shelves(str(tmp_path / place)).state() == {"error": ""}
