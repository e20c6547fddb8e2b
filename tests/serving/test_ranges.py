"""Which part of a file a ``Range`` header asks for (RFC 9110, 14)."""

from __future__ import annotations

import pytest

from fallback_storage.serving.ranges import Range, wanted

SIZE = 100


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=10-19", 10, 20),
        ("bytes=90-", 90, 100),
        ("bytes=0-", 0, 100),
        ("bytes=99-1000", 99, 100),
        ("bytes=-1", 99, 100),
        ("bytes=-100", 0, 100),
        ("bytes=-1000", 0, 100),
        ("bytes= 5-6 ", 5, 7),
    ],
)
def test_one_range_is_heard(header: str, start: int, stop: int) -> None:
    part = wanted(header)
    assert part is not None
    assert part.within(SIZE) == Range(start, stop)


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_behind_the_end_cannot_be_given(header: str) -> None:
    part = wanted(header)
    assert part is not None
    assert part.within(SIZE) is None


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-5", "bytes=0-0"])
def test_an_empty_file_has_no_part(header: str) -> None:
    part = wanted(header)
    assert part is not None
    assert part.within(0) is None


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "chars=0-1"),
        *("bytes=0-1,3-4", "bytes=0-0,-1", "bytes=--1", "bytes=0x1-2", "bytes=\uff11-\uff12"),
        "bytes=" + "9" * 50 + "-",
    ],
)
def test_what_is_no_single_range_asks_for_the_whole_file(header: str | None) -> None:
    assert wanted(header) is None


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=90-", "bytes=-5"])
def test_a_range_is_asked_for_as_it_was(header: str) -> None:
    part = wanted(header)
    assert part is not None
    assert part.header == header
