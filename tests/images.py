"""Image files for tests, as bytes: small valid ones of every format, and valid ones of a given size.

Made with Pillow, which shares no code with the service. ``noise=True`` fills the pixels with reproducible noise, which
no codec can compress; otherwise they are a smooth gradient.
"""

from __future__ import annotations

import io
import math
import random
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from PIL import Image

CONTENT_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "tiff": "image/tiff",
    "avif": "image/avif",
}
"""The content type of every kind that ``of_size`` and ``of_kind`` know."""


def raster(width: int, height: int, *, mode: str = "RGB", noise: bool = False, seed: int = 0) -> Image.Image:
    """A Pillow image, a gradient or noise; ``seed`` makes frames differ."""
    if noise:
        channels = len(Image.new(mode, (1, 1)).getbands())
        image = Image.frombytes(mode, (width, height), random.Random(seed).randbytes(width * height * channels))
        if mode == "P":
            image.putpalette(bytes(value for grey in range(256) for value in (grey, grey, grey)))
        return image
    gradient = Image.linear_gradient("L").rotate(seed * 40).resize((width, height))
    return Image.merge("RGB", (gradient, gradient.transpose(Image.Transpose.ROTATE_180), gradient)).convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """What Pillow writes for ``image``."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int | None = None, *, gps: bool = False, order: str = "<") -> bytes:
    """An EXIF block without prefix, as PNG and WebP carry it; ``order`` is "<" (II) or ">" (MM)."""
    tags = [] if orientation is None else [(0x0112, 3, 1, struct.pack(order + "H2x", orientation))]
    if gps:
        tags.append((0x8825, 4, 1, struct.pack(order + "I", 8 + 2 + 12 * (len(tags) + 1) + 4)))
    body = struct.pack(order + "H", len(tags))
    body += b"".join(struct.pack(order + "HHI", *tag) + value for *tag, value in tags) + bytes(4)
    if gps:
        latitude = 8 + len(body) + 2 + 2 * 12 + 4
        body += struct.pack(order + "H", 2)
        body += struct.pack(order + "HHI4s", 1, 2, 2, b"N\0")
        body += struct.pack(order + "HHII", 2, 5, 3, latitude) + bytes(4)
        body += struct.pack(order + "6I", 52, 1, 31, 1, 12, 1)
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8) + body


def jpeg(
    width: int = 40,
    height: int = 30,
    *,
    orientation: int | None = None,
    gps: bool = False,
    order: str = "<",
    **options: Any,
) -> bytes:
    """A JPEG; ``options`` are Pillow's (``progressive=True``, ``quality=…``) and ``noise``."""
    if orientation is not None or gps:
        options["exif"] = b"Exif\0\0" + exif(orientation, gps=gps, order=order)
    return saved(raster(width, height, noise=options.pop("noise", False)), "JPEG", **options)


def png(
    width: int = 40,
    height: int = 30,
    *,
    frames: int = 1,
    mode: str = "RGB",
    orientation: int | None = None,
    gps: bool = False,
    **options: Any,
) -> bytes:
    """A PNG, or with ``frames`` an APNG."""
    if orientation is not None or gps:
        options["exif"] = exif(orientation, gps=gps)
    return _saved_frames(width, height, "PNG", frames, mode=mode, options=options)


def gif(width: int = 40, height: int = 30, *, frames: int = 1, **options: Any) -> bytes:
    """A GIF of ``frames`` different frames."""
    return _saved_frames(width, height, "GIF", frames, mode="P", options=options)


def webp(
    width: int = 40, height: int = 30, *, frames: int = 1, orientation: int | None = None, **options: Any
) -> bytes:
    """A lossy WebP, ``lossless=True`` a lossless one; with ``orientation`` or ``frames`` in the extended form."""
    if orientation is not None:
        options["exif"] = exif(orientation)
    return _saved_frames(width, height, "WEBP", frames, options=options)


def bmp(width: int = 40, height: int = 30, *, mode: str = "RGB", **options: Any) -> bytes:
    """A BMP with the usual 40-byte header; ``mode`` "1", "L", "P", "RGB" or "RGBA" chooses the depth."""
    return saved(raster(width, height, mode=mode, noise=options.pop("noise", False)), "BMP", **options)


def bmp_rle8(width: int = 8, height: int = 4) -> bytes:
    """A run-length encoded BMP, which Pillow does not write."""
    rows = b"".join(bytes((width, row, 0, 0)) for row in range(height)) + b"\0\1"
    start = 14 + 40 + 4 * 256
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + header + bytes(4 * 256) + rows


def tiff(
    width: int = 40,
    height: int = 30,
    *,
    frames: int = 1,
    orientation: int | None = None,
    mode: str = "RGB",
    **options: Any,
) -> bytes:
    """A TIFF of ``frames`` pages; ``big_tiff=True`` and ``compression="tiff_lzw"`` are Pillow's options."""
    if orientation is not None:
        options["tiffinfo"] = {274: orientation}
    return _saved_frames(width, height, "TIFF", frames, mode=mode, options=options)


def avif(
    width: int = 40, height: int = 30, *, frames: int = 1, orientation: int | None = None, **options: Any
) -> bytes:
    """An AVIF; ``orientation`` becomes ``irot`` and ``imir``, ``frames`` an image sequence."""
    if orientation is not None:
        options["exif"] = exif(orientation)
    return _saved_frames(width, height, "AVIF", frames, options={"speed": 10, "max_threads": 1, **options})


def _saved_frames(
    width: int, height: int, kind: str, frames: int, *, options: dict[str, Any], mode: str = "RGB"
) -> bytes:
    noise = options.pop("noise", False)
    first, *others = (raster(width, height, mode=mode, noise=noise, seed=seed) for seed in range(frames))
    if others:
        options = {"save_all": True, "append_images": others, **options}
    return saved(first, kind, **options)


_MAKERS: dict[str, Callable[..., bytes]] = {
    "jpeg": jpeg,
    "png": png,
    "gif": gif,
    "webp": webp,
    "bmp": bmp,
    "tiff": tiff,
    "avif": avif,
}
# Bytes of one pixel of noise as each kind stores it, a little above what comes out.
_NOISE_BYTES = {"jpeg": 1.15, "png": 3.1, "gif": 1.5, "bmp": 3.1, "tiff": 3.1}


def of_kind(kind: str, width: int = 40, height: int = 30, **options: Any) -> bytes:
    """A valid image of the kind: a key of ``CONTENT_TYPES``."""
    return _MAKERS[kind](width, height, **options)


@lru_cache(maxsize=16)
def of_size(n_bytes: int, kind: str) -> bytes:
    """A valid image of exactly ``n_bytes``, mostly noise (WebP and AVIF: mostly padding, since they encode slowly).

    Raises ``ValueError`` for a size below what a small image takes (4 kB is always enough).
    """
    side = max(8, math.isqrt(int(max(0, n_bytes - 2048) / _NOISE_BYTES[kind]))) if kind in _NOISE_BYTES else 32
    options = {"quality": 90} if kind == "jpeg" else {"compress_level": 1} if kind == "png" else {}
    data = of_kind(kind, side, side, noise=True, **options)
    missing = n_bytes - len(data)
    if missing and missing < 16:
        raise ValueError(f"no {kind} of {n_bytes} bytes can be made")
    return _PADDERS[kind](data, missing) if missing else data


def pad_jpeg(data: bytes, size: int) -> bytes:
    """Comment segments behind the first marker."""
    segments = []
    while size:
        take = size if size <= 65537 else min(65537, size - 4)
        segments.append(b"\xff\xfe" + (take - 2).to_bytes(2, "big") + bytes(take - 4))
        size -= take
    return data[:2] + b"".join(segments) + data[2:]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk with its length and checksum."""
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def pad_png(data: bytes, size: int) -> bytes:
    """A private chunk behind the header."""
    return data[:33] + png_chunk(b"paDd", bytes(size - 12)) + data[33:]


def pad_gif(data: bytes, size: int) -> bytes:
    """A comment before the trailer."""
    blocks, left = [], size - 3
    while left:
        take = left if left <= 256 else min(256, left - 2)
        blocks.append(bytes((take - 1,)) + b"x" * (take - 1))
        left -= take
    return data[:-1] + b"\x21\xfe" + b"".join(blocks) + b"\0" + data[-1:]


def pad_webp(data: bytes, size: int) -> bytes:
    """An unknown chunk at the end (one byte of an odd size stands behind the file)."""
    body = size - 8 - size % 2
    whole = data + b"PADD" + struct.pack("<I", body) + bytes(body)
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:] + bytes(size % 2)


def pad_bmp(data: bytes, size: int) -> bytes:
    """Bytes behind the rows, counted in the file's size."""
    return data[:2] + struct.pack("<I", len(data) + size) + data[6:] + bytes(size)


def pad_tiff(data: bytes, size: int) -> bytes:
    """Bytes that no directory points at."""
    return data + bytes(size)


def pad_avif(data: bytes, size: int) -> bytes:
    """A ``free`` box at the end."""
    return data + size.to_bytes(4, "big") + b"free" + bytes(size - 8)


_PADDERS: dict[str, Callable[[bytes, int], bytes]] = {
    "jpeg": pad_jpeg,
    "png": pad_png,
    "gif": pad_gif,
    "webp": pad_webp,
    "bmp": pad_bmp,
    "tiff": pad_tiff,
    "avif": pad_avif,
}
