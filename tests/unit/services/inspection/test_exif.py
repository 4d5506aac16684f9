"""EXIF blocks: never an error, whatever they hold."""

from __future__ import annotations

import random
import struct

import pytest

from services.inspection.exif import orientation
from tests import images


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("value", range(1, 9))
def test_every_orientation(value: int, order: str) -> None:
    block = images.exif(value, gps=True, order=order)
    assert orientation(block) == value
    assert orientation(b"Exif\0\0" + block) == value


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"XX*\0" + images.exif(6)[4:],
        images.exif(0),
        images.exif(9),
        images.exif(None, gps=True),
        images.exif(6)[:-10],
        b"II*\0\xff\xff\xff\xff" + images.exif(6)[8:],
        b"II*\0\x08\0\0\0\xff\xff" + bytes(100),
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHIHH", 0x0112, 4, 1, 6, 0),
    ],
)
def test_anything_else_is_upright(block: bytes) -> None:
    assert orientation(block) == 1


def test_damage_never_raises() -> None:
    rng = random.Random(5)
    good = images.exif(6, gps=True)
    for _ in range(3000):
        block = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            block[rng.randrange(len(block))] = rng.randrange(256)
        assert 1 <= orientation(bytes(block[: rng.randrange(len(block))])) <= 8
