"""WebP: the container's sizes, its three forms, animation."""

from __future__ import annotations

import struct

import pytest

from services.errors import NotAnImage, TooManyPixels
from services.models import ImageFacts
from tests import images
from tests.unit.services.inspection.feeding import inspect

LOSSY = images.webp(40, 30)
LOSSLESS = images.webp(40, 30, lossless=True)
FACTS = ImageFacts("image/webp", 40, 30)


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def extended(flags: int = 0, width: int = 40, height: int = 30) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return chunk(b"VP8X", struct.pack("<I", flags) + size)


def animated(left: int = 0, width: int = 40, height: int = 30) -> bytes:
    place = [left // 2, 0, width - 1, height - 1, 100]
    return chunk(b"ANMF", b"".join(value.to_bytes(3, "little") for value in place) + b"\0" + LOSSY[12:])


@pytest.mark.parametrize("form", [LOSSY, LOSSLESS])
def test_extended_form_around_both_bitstreams(form: bytes) -> None:
    data = riff(extended(8), chunk(b"ICCP", bytes(501)), form[12:], chunk(b"EXIF", images.exif(3)))
    assert inspect(data) == ImageFacts("image/webp", 40, 30, 1, 3)
    assert inspect(data, chunk=1) == ImageFacts("image/webp", 40, 30, 1, 3)


def test_exif_may_carry_the_prefix_of_jpeg() -> None:
    assert inspect(riff(extended(8), LOSSY[12:], chunk(b"EXIF", b"Exif\0\0" + images.exif(6)))).orientation == 6


def test_unknown_chunks_are_passed() -> None:
    assert inspect(riff(LOSSY[12:], chunk(b"????", b"odd"), chunk(b"XMP ", b"<x/>"))) == FACTS


def test_frames_count_against_the_limit_as_they_come() -> None:
    data = riff(extended(2), chunk(b"ANIM", bytes(6)), *[animated()] * 4)
    assert inspect(data).frames == 4
    with pytest.raises(TooManyPixels, match="4 frames of 40 x 30"):
        inspect(data, max_pixels=4799)


def test_a_bomb_in_the_extended_header() -> None:
    with pytest.raises(TooManyPixels):
        inspect(riff(extended(0, 1 << 24, 1 << 24), LOSSY[12:]))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (LOSSY[:-1], "truncated"),
        (riff(LOSSY[12:], size=2**32 - 10), "truncated"),
        (riff(LOSSY[12:], size=len(LOSSY) - 20), "larger than the file's size"),
        (riff(), "header but no image data"),
        (riff(extended()), "header but no image data"),
        (riff(extended(2), chunk(b"ANIM", bytes(6))), "header but no image data"),
        (riff(chunk(b"ICCP", bytes(8)), LOSSY[12:]), "does not begin with image data"),
        (riff(extended(0, 41, 30), LOSSY[12:]), "not as large as its canvas"),
        (riff(extended(2), animated(left=10)), "out of its canvas"),
        (riff(extended(2), chunk(b"ANMF", bytes(20))), "too small"),
        (riff(chunk(b"VP8 ", bytes(4))), "too small"),
        (riff(chunk(b"VP8 ", LOSSY[20:23] + b"bad" + LOSSY[26:])), "damaged"),
        (riff(chunk(b"VP8 ", LOSSY[20:30])), "damaged"),
        (riff(chunk(b"VP8L", b"\x2e" + LOSSLESS[21:])), "damaged"),
        (riff(chunk(b"VP8L", LOSSLESS[20:24] + b"\xf0" + LOSSLESS[25:])), "damaged"),
        (riff(chunk(b"VP8 ", LOSSY[20:26] + bytes(2) + LOSSY[28:])), "0 x 30"),
    ],
)
def test_broken_files_are_told_what_is_wrong(broken: bytes, says: str) -> None:
    with pytest.raises(NotAnImage, match=says):
        inspect(broken)
