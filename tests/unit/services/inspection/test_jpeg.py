"""JPEG: what cameras and editors write around and inside it, and what is wrong with broken ones."""

from __future__ import annotations

import pytest

from services.errors import NotAnImage, UnsupportedType
from services.models import ImageFacts
from tests import images
from tests.unit.services.inspection.feeding import inspect

PLAIN = images.jpeg(40, 30)
FACTS = ImageFacts("image/jpeg", 40, 30)
SCAN = PLAIN.index(b"\xff\xda")
FRAME = PLAIN.index(b"\xff\xc0")


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def behind_start(*parts: bytes) -> bytes:
    return PLAIN[:2] + b"".join(parts) + PLAIN[2:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_both_byte_orders(orientation: int, order: str) -> None:
    data = images.jpeg(40, 30, orientation=orientation, order=order, gps=True)
    assert inspect(data).orientation == orientation


def test_the_first_exif_block_counts() -> None:
    blocks = [segment(0xE1, b"Exif\0\0" + images.exif(turn)) for turn in (3, 6)]
    assert inspect(behind_start(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"), *blocks)).orientation == 3


@pytest.mark.parametrize("chunk", [1, 65536])
@pytest.mark.parametrize(
    "parts",
    [
        [segment(0xE2, b"MPF\0" + bytes(80))],
        [segment(0xFE, b"a comment with \xff\xd9 in it")],
        [segment(0xE1, b"thumbnail" + PLAIN)],
        [b"\xff" * 500],
        [segment(0xE0, b"JFIF\0"), b"\0\0\0", segment(0xE0, b"")],
        [segment(0xE2, bytes(65533))] * 3,
    ],
    ids=["mpf", "comment", "thumbnail", "fill", "stray", "profile"],
)
def test_segments_before_the_frame(parts: list[bytes], chunk: int) -> None:
    assert inspect(behind_start(*parts), chunk=chunk) == FACTS


def test_a_motion_photo_has_a_video_behind_it() -> None:
    assert inspect(PLAIN + b"\0\0\0\x18ftypmp42" + bytes(100_000)) == FACTS
    assert inspect(PLAIN + images.jpeg(400, 300)) == FACTS


def test_the_end_marker_is_looked_for_in_the_image_only() -> None:
    """An end marker inside a segment between two scans of a cut progressive JPEG is no end."""
    progressive = images.jpeg(40, 30, progressive=True)
    second = progressive.index(b"\xff\xda", progressive.index(b"\xff\xda") + 2)
    cut = progressive[:second] + segment(0xFE, b"\xff\xd9") + progressive[second:-2]
    with pytest.raises(NotAnImage, match="end marker; it is truncated"):
        inspect(cut)
    assert inspect(cut + b"\xff\xd9") == FACTS


@pytest.mark.parametrize("split", range(1, 5))
def test_the_end_marker_may_straddle_chunks(split: int) -> None:
    for chunk in range(len(PLAIN) - split, len(PLAIN)):
        assert inspect(PLAIN, chunk=chunk) == FACTS


def test_stuffed_bytes_and_restarts_are_no_markers() -> None:
    data = PLAIN[:-2] + b"\xff\0\xff\xd0\xff\xd7\xff\x00\xff\xff" + PLAIN[-2:]
    assert inspect(data) == FACTS
    assert inspect(data, chunk=1) == FACTS


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (PLAIN[:2] + b"\xff\xd9", "header but no image data"),
        (PLAIN[:FRAME] + PLAIN[SCAN:], "before its frame header"),
        (PLAIN[:SCAN] + b"\xff\xd9", "header but no image data"),
        (PLAIN[: SCAN + 14] + b"\xff\xd9", "header but no image data"),
        (PLAIN[: FRAME + 5] + b"\0\0" + PLAIN[FRAME + 7 :], "40 x 0 pixels"),
        (PLAIN[: FRAME + 7] + b"\0\0" + PLAIN[FRAME + 9 :], "0 x 30 pixels"),
        (PLAIN[: FRAME + 9] + b"\5" + PLAIN[FRAME + 10 :], "frame header is damaged"),
        (PLAIN[:FRAME] + PLAIN[FRAME : FRAME + 19] + PLAIN[FRAME:], "frame header is damaged"),
        (PLAIN[:FRAME] + b"\xff\xfe\0\1" + PLAIN[FRAME:], "impossible length"),
        (PLAIN[:2] + segment(0xEF, bytes(65533)) * 130, "no frame header in its first 8 MiB"),
        (PLAIN[:2] + segment(0xEF, b"")[:2] + b"\0\2" + bytes(9 << 20), "no frame header in its first 8 MiB"),
    ],
)
def test_broken_files_are_told_what_is_wrong(data: bytes, says: str) -> None:
    with pytest.raises(NotAnImage, match=says):
        inspect(data)


def test_hierarchical_jpeg_is_not_supported() -> None:
    with pytest.raises(UnsupportedType, match="Hierarchical"):
        inspect(PLAIN.replace(b"\xff\xc0", b"\xff\xc5", 1))
