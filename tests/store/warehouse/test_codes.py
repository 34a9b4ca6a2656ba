"""Errors as the engine words them, and whether they may be asked again."""

from __future__ import annotations

import pytest

from homeostat.store.warehouse.codes import not_now, unreadable

NO_FOLDER = (
    "Code: 1001. DB::Exception: std::__1::filesystem::filesystem_error: filesystem error: in create_directories: "
    'No space left on device ["/data/warehouse/store/922/tmp_insert_20261122_3_3_0"]. (STD_EXCEPTION)'
)
NO_FILES = (
    "Code: 573. DB::ErrnoException: Cannot open epoll descriptor: , errno: 24, strerror: Too many open files. "
    "(EPOLL_ERROR)"
)


@pytest.mark.parametrize(
    ("said", "sick", "broken"),
    [
        ("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)", True, False),
        (NO_FOLDER, True, False),
        (NO_FILES, True, False),
        (f"Code: 27. DB::Exception: Cannot parse input near '{NO_FILES}'.", False, False),
        ("Code: 1001. DB::Exception: std::out_of_range: map::at. (STD_EXCEPTION)", False, False),
        ("Code: 246. DB::Exception: Empty marks file 'data.cmrk4': 0, must be: 4176. (CORRUPTED_DATA)", False, True),
        ("Code: 27. DB::Exception: Cannot parse input. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)", False, False),
        ("no code at all", False, False),
    ],
)
def test_what_an_error_means(said: str, sick: bool, broken: bool) -> None:
    assert (not_now(RuntimeError(said)), unreadable(RuntimeError(said))) == (sick, broken)
