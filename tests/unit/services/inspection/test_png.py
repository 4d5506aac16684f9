"""PNG and APNG: chunks, their order and their claims."""

from __future__ import annotations

import struct
import zlib

import pytest

from services.errors import NotAnImage, TooManyPixels
from services.models import ImageFacts
from tests import images
from tests.images import png_chunk
from tests.unit.services.inspection.feeding import bytes_until_refused, inspect

PLAIN = images.png(40, 30)
FACTS = ImageFacts("image/png", 40, 30)
SIGNATURE = PLAIN[:8]
END = PLAIN[-12:]
PIXELS = zlib.compress(bytes(30 * (1 + 40 * 3)))


def header(width: int = 40, height: int = 30, depth: int = 8, colour: int = 2, rest: bytes = b"\0\0\0") -> bytes:
    return SIGNATURE + png_chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, colour) + rest)


def data(*parts: bytes, pixels: bytes = PIXELS) -> bytes:
    return header() + b"".join(parts) + png_chunk(b"IDAT", pixels) + END


def test_pixels_may_come_in_chunks_of_any_size() -> None:
    pieces = [png_chunk(b"IDAT", PIXELS[at : at + 1]) for at in range(len(PIXELS))]
    assert inspect(header() + png_chunk(b"IDAT", b"") + b"".join(pieces) + END) == FACTS


def test_metadata_around_the_pixels() -> None:
    assert inspect(data(png_chunk(b"iCCP", bytes(200_000)), png_chunk(b"tEXt", b"IEND\xff\xd9"))) == FACTS
    late = data()[:-12] + png_chunk(b"eXIf", images.exif(8)) + END
    assert inspect(late).orientation == 8


def test_an_exif_block_larger_than_is_read_still_counts() -> None:
    assert inspect(data(png_chunk(b"eXIf", images.exif(6) + bytes(300_000)))).orientation == 6


def test_frames_of_an_animation() -> None:
    control = png_chunk(b"fcTL", bytes(26))
    assert inspect(data(png_chunk(b"acTL", struct.pack(">II", 7, 0)), control)).frames == 7
    assert inspect(data(png_chunk(b"acTL", struct.pack(">II", 1, 0)), control, control, control)).frames == 3
    assert inspect(data(control, control)).frames == 1


def test_claimed_and_real_frames_count_against_the_limit() -> None:
    claimed = data(png_chunk(b"acTL", struct.pack(">II", 2**32 - 1, 0)))
    assert bytes_until_refused(claimed, TooManyPixels) < 60
    real = data(png_chunk(b"acTL", struct.pack(">II", 1, 0)), *[png_chunk(b"fcTL", bytes(26))] * 5)
    with pytest.raises(TooManyPixels, match="5 frames"):
        inspect(real, max_pixels=4 * 1200)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (PLAIN[:29] + b"\0\0\0\0" + PLAIN[33:], "checksum"),
        (SIGNATURE + PLAIN[33:], "does not begin with its IHDR"),
        (header(width=0) + PLAIN[33:], "0 x 30"),
        (header(width=2**31) + PLAIN[33:], "no PNG has"),
        (header(depth=3) + PLAIN[33:], "no PNG has"),
        (header(depth=16, colour=3) + PLAIN[33:], "no PNG has"),
        (header(colour=5) + PLAIN[33:], "no PNG has"),
        (header(rest=b"\1\0\0") + PLAIN[33:], "no PNG has"),
        (header(rest=b"\0\0\2") + PLAIN[33:], "no PNG has"),
        (header(colour=3) + PLAIN[33:], "palette"),
        (header() + END, "header but no image data"),
        (header() + png_chunk(b"IDAT", b"") + END, "header but no image data"),
        (header(5000, 5000) + PLAIN[33:], "too little image data"),
        (data(pixels=b"no zlib stream"), "image data is damaged"),
        (data(b"\xff\xff\xff\xfftEXt"), "damaged chunk"),
        (data(b"\0\0\0\0tE1t\0\0\0\0"), "damaged chunk"),
        (data()[:-12], "IEND"),
        (data()[:-1], "IEND"),
    ],
)
def test_broken_files_are_told_what_is_wrong(broken: bytes, says: str) -> None:
    with pytest.raises(NotAnImage, match=says):
        inspect(broken)
