"""Names are validated once, before any backend sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.utils.functional import lazystr

from fallback_storage.names import alternative_name, file_name, path_name, url_name

GOOD = {
    "a.txt": "a.txt",
    "dir/a.txt": "dir/a.txt",
    "dir\\a.txt": "dir/a.txt",
    "./a.txt": "a.txt",
    "a//b.txt": "a/b.txt",
    "a/./b.txt": "a/b.txt",
    ".hidden": ".hidden",
    "a/.hidden": "a/.hidden",
    "..a": "..a",
    "a..b/c": "a..b/c",
    "...": "...",
    "sp ace/ü#%?.txt": "sp ace/ü#%?.txt",
}
OUTSIDE = ["..", "../a", "a/..", "a/../b", "a/../../b", "..\\a", "a\\..\\..\\b", "./../a"]
ABSOLUTE = ["/a", "//a", "/", "\\a", "\\\\host\\a", "/../a"]
NUL = ["a\0", "\0", "a/\0b"]
NOT_A_FILE = ["", ".", "./", "a/", "a/b/", "a\\", "//"]
NOT_A_NAME = [None, b"a"]


@pytest.mark.parametrize("name", GOOD)
def test_good_names_come_out_canonical(name: str) -> None:
    assert file_name(name) == GOOD[name]
    assert path_name(name) == GOOD[name]


@pytest.mark.parametrize("name", [*OUTSIDE, *ABSOLUTE, *NUL, *NOT_A_FILE, *NOT_A_NAME])
def test_no_bad_name_names_a_file(name: object) -> None:
    with pytest.raises(SuspiciousFileOperation):
        file_name(name)


@pytest.mark.parametrize("name", [*OUTSIDE, *ABSOLUTE, *NUL, *NOT_A_NAME])
def test_no_bad_name_names_a_path(name: object) -> None:
    with pytest.raises(SuspiciousFileOperation):
        path_name(name)


@pytest.mark.parametrize(
    ("name", "path"),
    [("", ""), (".", ""), ("./", ""), ("a/", "a"), ("a/b//", "a/b"), ("a\\", "a")],
)
def test_a_directory_has_one_name(name: str, path: str) -> None:
    assert path_name(name) == path


def test_names_may_be_paths_and_lazy_strings() -> None:
    assert file_name(Path("a/b")) == "a/b"
    assert file_name(lazystr("a/b")) == "a/b"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        *(("a", "a"), ("/a", "a"), ("//a", "a"), ("a//b/", "a//b/"), ("a..b", "a..b")),
        *(("", ""), ("/", ""), (None, "")),
    ],
)
def test_a_url_keeps_what_is_the_backends_to_judge(name: str | None, url: str) -> None:
    assert url_name(name) == url


@pytest.mark.parametrize("name", [*OUTSIDE, b"a"])
def test_a_url_does_not_lead_outside(name: object) -> None:
    with pytest.raises(SuspiciousFileOperation):
        url_name(name)


def test_an_alternative_is_no_longer_where_the_root_allows() -> None:
    name = "some/dir/a-long-enough-name.tar.gz"
    alternative = alternative_name(name)
    assert alternative != name
    assert len(alternative) == len(name)
    assert alternative.startswith("some/dir/a-long")
    assert alternative.endswith(".gz")


def test_an_alternative_of_a_short_name_keeps_it_whole() -> None:
    alternative = alternative_name("a.txt")
    assert alternative.startswith("a_")
    assert alternative.endswith(".txt")
