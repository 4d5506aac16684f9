"""Valid image files: of an exact size, of every format, and one far larger than memory should ever see."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

import pyvips

FORMATS = {"JPEG": ".jpg[Q=90]", "PNG": ".png", "GIF": ".gif[effort=1,dither=0]", "WebP": ".webp[Q=90]", "BMP": ".bmp",
           "TIFF": ".tiff", "AVIF": ".avif[Q=80,effort=0]"}  # fmt: skip

_SEGMENT = 65533
"""The most that one JPEG comment carries."""


def noise(width: int, height: int) -> pyvips.Image:
    """An RGB picture that compresses badly, as photographs do."""
    bands = [pyvips.Image.gaussnoise(width, height, mean=128, sigma=40, seed=seed) for seed in (1, 2, 3)]
    return bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb").copy_memory()


@lru_cache(maxsize=8)
def jpeg(size: int) -> bytes:
    """A JPEG file of exactly ``size`` bytes: compressed noise, filled up with comments at its front."""
    small, large = (len(noise(side, side).jpegsave_buffer(Q=75)) for side in (64, 192))
    per_pixel = (large - small) / (192**2 - 64**2)
    pixels = (size * 0.985 - 700) / per_pixel
    while True:
        width = int(math.sqrt(pixels))
        data = bytes(noise(width, width).jpegsave_buffer(Q=75))
        if 4 <= (missing := size - len(data)) < max(2000, size // 20):
            return data[:2] + _comments(missing) + data[2:]
        pixels *= (size * 0.98 - 500) / len(data)


def _comments(length: int) -> bytes:
    segments = b""
    while length:
        # The rest must still hold a marker and a length.
        taken = length if length <= _SEGMENT + 4 else min(_SEGMENT + 4, length - 4)
        segments += b"\xff\xfe" + struct.pack(">H", taken - 2) + bytes(taken - 4)
        length -= taken
    return segments


def sample(name: str, pixels: int = 2_000_000) -> bytes:
    """A file of the format ``name`` (a key of ``FORMATS``) with about that many noisy pixels."""
    side = int(math.sqrt(pixels))
    if name == "BMP":
        return _bmp(side)
    return bytes(noise(side, side).write_to_buffer(FORMATS[name]))


def _bmp(side: int) -> bytes:
    # libvips writes BMP only through ImageMagick, which its wheel does not carry.
    side -= side % 4
    pixels = noise(side, side).write_to_memory()
    header = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    return header + struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, len(pixels), 2835, 2835, 0, 0) + bytes(pixels)


def giant_png(size: int) -> tuple[int, Iterator[bytes]]:
    """A valid PNG of at least ``size`` bytes, made while it is sent: a small picture and many private chunks.

    :returns: the exact length and the pieces.
    """
    picture = bytes(noise(64, 64).pngsave_buffer())
    data = b"prVt" + bytes(4 * 1024 * 1024)
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    count = -(-size // len(chunk))
    end = len(picture) - 12  # IEND

    def pieces() -> Iterator[bytes]:
        yield picture[:end]
        for _ in range(count):
            yield chunk
        yield picture[end:]

    return len(picture) + count * len(chunk), pieces()
