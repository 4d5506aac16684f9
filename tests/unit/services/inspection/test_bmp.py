"""BMP: every header, both directions, all depths, run lengths."""

from __future__ import annotations

import struct

import pytest

from services.errors import NotAnImage, TooManyPixels, UnsupportedType
from services.models import ImageFacts
from tests import images
from tests.unit.services.inspection.feeding import inspect


def bmp(
    width: int = 5,
    height: int = 3,
    *,
    header: int = 40,
    depth: int = 24,
    packing: int = 0,
    packed: int = 0,
    planes: int = 1,
    gap: int = 0,
    rows: int | None = None,
) -> bytes:
    if header == 12:
        fields = struct.pack("<IHHHH", header, width, height, planes, depth)
    else:
        fields = struct.pack("<IiiHHII", header, width, height, planes, depth, packing, packed)
    fields = fields[:header].ljust(header, b"\0")
    start = 14 + header + gap
    size = (width * depth + 31) // 32 * 4 * abs(height) if rows is None else rows
    return struct.pack("<2sIHHI", b"BM", start + size, 0, 0, start) + fields + bytes(gap + size)


@pytest.mark.parametrize("chunk", [1, 65536])
@pytest.mark.parametrize("header", [12, 16, 40, 52, 56, 64, 108, 124])
def test_every_header(header: int, chunk: int) -> None:
    data = bmp(header=header)
    assert inspect(data, chunk=chunk) == ImageFacts("image/bmp", 5, 3)
    with pytest.raises(NotAnImage, match="last row; it is truncated"):
        inspect(data[:-1], chunk=chunk)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16, 24, 32])
def test_every_depth(depth: int) -> None:
    data = bmp(7, 9, depth=depth, gap=1024)
    assert inspect(data) == ImageFacts("image/bmp", 7, 9)
    with pytest.raises(NotAnImage):
        inspect(data[:-1])


def test_a_negative_height_is_a_direction() -> None:
    assert inspect(bmp(5, -3)) == ImageFacts("image/bmp", 5, 3)


def test_a_wrong_file_size_in_the_header_matters_only_to_runs() -> None:
    data = bmp()
    assert inspect(data[:2] + bytes(4) + data[6:]) == ImageFacts("image/bmp", 5, 3)


@pytest.mark.parametrize(("packing", "depth"), [(1, 8), (2, 4)])
def test_run_lengths_are_as_long_as_they_say(packing: int, depth: int) -> None:
    for packed in (0, 20):
        data = bmp(depth=depth, packing=packing, packed=packed, rows=20)
        assert inspect(data) == ImageFacts("image/bmp", 5, 3)
        with pytest.raises(NotAnImage, match="truncated"):
            inspect(data[:-1])


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (bmp(header=41), "header is damaged"),
        (bmp(depth=7), "header is damaged"),
        (bmp(planes=2), "header is damaged"),
        (bmp(packing=9), "header is damaged"),
        (bmp(packing=1, depth=24), "header is damaged"),
        (bmp(packing=3, depth=24), "header is damaged"),
        (bmp(0, 3), "0 x 3"),
        (bmp(5, 0), "5 x 0"),
        (bmp(-5, 3, rows=100), "-5 x 3"),
        (bmp(5, -3, packing=1, depth=8, rows=20), "compressed rows"),
        (bmp(packing=1, depth=8, rows=0), "compressed rows"),
        (images.bmp()[:54], "truncated"),
        (images.bmp()[:10] + bytes(4) + images.bmp()[14:], "header is damaged"),
    ],
)
def test_broken_files_are_told_what_is_wrong(broken: bytes, says: str) -> None:
    with pytest.raises(NotAnImage, match=says):
        inspect(broken)


@pytest.mark.parametrize("data", [bmp(packing=4), bmp(packing=5), bmp(header=64, packing=3, depth=1)])
def test_compressions_that_nothing_reads(data: bytes) -> None:
    with pytest.raises(UnsupportedType, match="compressed"):
        inspect(data)


def test_a_bomb_with_the_lowest_height() -> None:
    with pytest.raises(TooManyPixels):
        inspect(bmp(2**31 - 1, -(2**31), rows=4))
