"""The data directory: what may be opened, and that half-made things never stay."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from homeostat.store.folder import FORMAT, Folder, FolderRefused


def test_a_new_directory_is_for_us_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.prepare()
    assert (folder.root / "FORMAT").read_text() == f"{FORMAT}\n"
    assert folder.operator.stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in (folder.root, folder.spool, folder.control)} == {0o700}
    secret = folder.operator.read_text()
    folder.prepare()
    assert folder.operator.read_text() == secret
    assert sorted(path.name for path in folder.control.iterdir()) == ["operator"]


def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files can be made, and nothing can be written into them."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fdopen", refuse)
    monkeypatch.setattr(os, "write", refuse)
    monkeypatch.setattr(Path, "write_bytes", refuse)


def test_a_full_disk_leaves_nothing_half_made(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(FolderRefused, match="free some space"):
        no_room(patch)
        folder.prepare()
    assert [path for path in folder.root.rglob("*") if path.is_file()] == []
    folder.prepare()


def test_a_full_disk_is_no_reason_for_a_directory_that_is_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.prepare()
    with pytest.MonkeyPatch.context() as patch:
        no_room(patch)
        folder.prepare()
        held = folder.hold("up")
    with pytest.raises(FolderRefused, match="already open"):
        folder.hold("up")
    held.close()


@pytest.mark.parametrize("mark", ["", "2", "99\n", "two"])
def test_a_mark_that_is_not_ours_is_refused_untouched(tmp_path: Path, mark: str) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "FORMAT").write_text(mark)
    with pytest.raises(FolderRefused, match=r"FORMAT|newer"):
        folder.check_format()
    assert (tmp_path / "FORMAT").read_text() == mark


def test_whoever_comes_second_is_told_who_was_first(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with folder.hold("core"), pytest.raises(FolderRefused, match=f"already open by process {os.getpid()} since 20"):
        folder.hold("core")
    folder.hold("core").close()


def test_a_deep_directory_has_its_socket_elsewhere_for_us_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    deep = Folder(tmp_path / ("d" * 60) / ("e" * 60))
    socket = deep.core_socket
    assert socket.parent.parent == tmp_path and stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    socket.touch()
    deep.leave_socket()
    assert not socket.parent.exists()
    socket.parent.mkdir(mode=0o755)
    socket.parent.chmod(0o755)
    with pytest.raises(FolderRefused, match="not ours alone"):
        _ = deep.core_socket
