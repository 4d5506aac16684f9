"""GIF: blocks and frames."""

from __future__ import annotations

import struct

import pytest

from services.errors import NotAnImage, TooManyPixels
from services.models import ImageFacts
from tests import images
from tests.unit.services.inspection.feeding import inspect

TRAILER = b"\x3b"
FACTS = ImageFacts("image/gif", 6, 5)


def header(width: int = 6, height: int = 5, version: bytes = b"89a", table: int = 0) -> bytes:
    flags, colours = (0x80 | table - 1, bytes(3 << table)) if table else (0, b"")
    return b"GIF" + version + struct.pack("<HHBBB", width, height, flags, 0, 0) + colours


def frame(left: int = 0, top: int = 0, width: int = 6, height: int = 5, code: bytes = b"\2\2\x4c\1\0") -> bytes:
    return b"\x2c" + struct.pack("<HHHHB", left, top, width, height, 0) + code


def extension(label: int, *blocks: bytes) -> bytes:
    return bytes((0x21, label)) + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"


@pytest.mark.parametrize("chunk", [1, 65536])
@pytest.mark.parametrize("version", [b"87a", b"89a"])
@pytest.mark.parametrize("table", [0, 1, 8])
def test_both_versions_and_every_table(version: bytes, table: int, chunk: int) -> None:
    assert inspect(header(version=version, table=table) + frame() + TRAILER, chunk=chunk) == FACTS


def test_extensions_and_padding_are_passed() -> None:
    loop = extension(0xFF, b"NETSCAPE2.0", b"\1\0\0")
    control = extension(0xF9, bytes(4))
    comment = extension(0xFE, b"\x3b" * 255, b"\x2c" * 255)
    data = header() + loop + comment + control + frame() + b"\0" + control + frame() + TRAILER
    assert inspect(data).frames == 2
    assert inspect(data, chunk=1).frames == 2


def test_frames_count_against_the_limit_as_they_come() -> None:
    data = header() + frame() * 10 + TRAILER
    assert inspect(data, max_pixels=300).frames == 10
    with pytest.raises(TooManyPixels, match="10 frames of 6 x 5"):
        inspect(data, max_pixels=299)


def test_a_frame_larger_than_the_screen_counts_as_viewers_show_it() -> None:
    with pytest.raises(TooManyPixels, match="60000 x 60000"):
        inspect(header() + frame(width=60000, height=60000) + TRAILER)
    with pytest.raises(TooManyPixels, match="65535"):
        inspect(header() + frame(left=65529, top=65530) + TRAILER)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (header() + TRAILER, "header but no image data"),
        (header() + frame(), "trailer; it is truncated"),
        (header(width=0) + frame() + TRAILER, "0 x 5"),
        (header() + frame(width=0) + TRAILER, "frame without pixels"),
        (header() + frame(code=b"\2\0") + TRAILER, "frame without image data"),
        (header() + frame(code=b"\x0c\1x\0") + TRAILER, "frame without image data"),
        (header() + b"\x77" + frame() + TRAILER, "unknown block"),
        (images.gif(frames=3)[:-1], "trailer; it is truncated"),
    ],
)
def test_broken_files_are_told_what_is_wrong(broken: bytes, says: str) -> None:
    with pytest.raises(NotAnImage, match=says):
        inspect(broken)
