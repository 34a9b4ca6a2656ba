"""The thesaurus is read where a stem stands, and finds each."""

from __future__ import annotations

import gzip
from importlib.resources import files

import pytest

from homeostat.analyze.text.thesaurus import entry


def test_every_stem_of_the_file_is_found() -> None:
    held = gzip.decompress((files("homeostat.analyze") / "lexicon" / "thesaurus.txt.gz").read_bytes()).decode()
    for line in held.splitlines():
        stem, same, wider, against, explained, speech = line.split("\t")
        found = entry(stem)
        assert (found.same, found.broader) == (frozenset(same.split()), frozenset(wider.split())), stem
        assert (found.against, found.speech) == (frozenset(against.split()), speech), stem
        assert found.explained == frozenset(part[:-1] for part in explained.split()), stem


@pytest.mark.parametrize("stem", ["", "\x00", "é", "~~~", "zyrianish", "aa\tb", "\n", "\ud800", "a" * 10_000])
def test_what_is_no_stem_has_no_entry(stem: str) -> None:
    assert not entry(stem).same
    assert not entry(stem).speech
