"""Nothing committed holds a credential, a path of the machine it was written on, or a package registry's address."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Recorded payloads of real programs hold their own (fake) keys and addresses.
RECORDED = "tests/fixtures/"


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name.decode() for name in listed.split(b"\0") if name and not name.startswith(RECORDED.encode())]


def offenders(pattern: str) -> list[str]:
    found = []
    for path in tracked():
        if path.is_file() and path != Path(__file__):
            text = path.read_bytes().decode("utf-8", "replace")
            found += [f"{path.relative_to(ROOT)}: {match}" for match in re.findall(pattern, text)]
    return found


def test_no_path_of_this_machine() -> None:
    assert offenders(r"(?<![\w.])/(?:root|home/\w+|work)/[a-z]\S*") == []


def test_no_registry_address() -> None:
    assert offenders(r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs|debian|registry|mirror)[\w.-]*/\S*") == []


def test_no_usable_key() -> None:
    assert offenders(r"hs_[A-Za-z0-9]{8,}_[A-Za-z0-9-]{40,}_[0-9a-f]{8}") == []
