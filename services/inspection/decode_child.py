"""The child process of ``decode``: decodes the image on descriptor 0 and says on descriptor 1 how that went.

Started by path in Python's isolated mode, so it imports nothing of the service. It limits itself before native code
sees a byte; whatever that code does then, crash, spin or allocate, ends with this process.

Arguments: max_pixels, memory_bytes, cpu_seconds. Answer: one line, ``ok``, ``pixels``, ``unknown <why>`` or
``broken <why>``.

What is decoded: all of JPEG, PNG, GIF, WebP and of every TIFF page; an AVIF's primary image (libheif plays no sequences
here) and an APNG's default image. libvips has no BMP loader in its binary package, so BMP is checked here: that every
row is there, and that run lengths decode.
"""

from __future__ import annotations

import os
import resource
import socket
import struct
import sys
from typing import Any

_STDIN, _STDOUT = 0, 1
_READ = 1 << 16
_LOADERS = ("Jpeg", "Png", "Nsgif", "Webp", "Tiff", "Heif")


_NOT_BUILT_IN = ("support is not configured", "bad labq format")
"""What libvips says of whole TIFFs whose compression or colours it was not built to read."""


class TooManyPixelsError(Exception):
    """The decoder sees more pixels than are allowed."""


class BrokenError(Exception):
    """The image does not decode."""


def limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Cap what this process may use: address space, processor time, no core dump, no file written."""
    limits = (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        # At the lower one comes SIGXCPU, which tells the parent why; at the upper one SIGKILL.
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
    )
    for kind, soft, most in limits:
        _, hard = resource.getrlimit(kind)
        top = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (min(soft, top), top))


def decode_with_vips(max_pixels: int) -> None:
    """Decode the image on descriptor 0 with libvips, page by page or all frames in one pass."""
    import pyvips  # noqa: PLC0415 - only behind the limits, and not for a BMP

    pyvips.cache_set_max(0)
    # Only the loaders of stored formats: what a file claims to be can not reach any other code.
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
    source = pyvips.Source.new_from_descriptor(_STDIN)
    try:
        _decode(pyvips, source, max_pixels)
    except pyvips.Error as error:
        raise BrokenError(str(error)) from error


def _decode(pyvips: Any, source: Any, max_pixels: int) -> None:
    options = {"access": "sequential", "fail_on": "error"}
    try:
        image = pyvips.Image.new_from_source(source, "", **options)
    except pyvips.Error as first:
        try:
            # libvips does not know an AVIF by the brand "avis", but its loader reads it.
            image = pyvips.Image.heifload_source(source, **options)
        except pyvips.Error:
            raise first from None  # what its own loader said of anything else
    fields = image.get_fields()
    loader = image.get("vips-loader")
    pages = image.get("n-pages") if "n-pages" in fields else 1
    if loader.startswith("jpeg"):
        # libjpeg calls damaged entropy data a warning; only then is what cameras really write no warning.
        image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="warning")
    elif loader.startswith("heif"):
        pages = 1
    elif pages > 1 and not loader.startswith("tiff"):
        # One pass over all frames: frame by frame, each would decode all before it again.
        pages = 1
        image = pyvips.Image.new_from_source(source, "", n=-1, **options)
    seen = 0
    for page in range(pages):
        if page:
            image = pyvips.Image.new_from_source(source, "", page=page, **options)
        seen += image.width * image.height
        if seen > max_pixels:
            raise TooManyPixelsError
        image.avg()


def check_bmp() -> None:
    """Check the BMP on descriptor 0: all rows are there, and compressed ones decode."""
    head = _read(18)
    start, header = struct.unpack("<10xII", head)
    head += _read(max(0, min(header, 124) - 4))
    if header == 12:
        width, height, _, depth = struct.unpack("<18xHHHH", head[:26])
        packing = 0
    else:
        width, height, _, depth = struct.unpack("<18xiiHH", head[:30])
        packing = struct.unpack("<30xI", head[:34])[0] if header >= 40 else 0
    _skip(start - len(head))
    if packing in (1, 2):
        check_runs(_read(None), width, height, depth)
    else:
        _skip((width * depth + 31) // 32 * 4 * abs(height))


def check_runs(data: bytes, width: int, height: int, depth: int) -> None:
    """Decode RLE8 or RLE4 rows: codes of 2 bytes, each a run or an escape (line end, end, jump, literal)."""
    at = x = y = 0
    while at + 2 <= len(data):
        count, value = data[at], data[at + 1]
        at += 2
        if count:
            x += count
        elif value == 0:
            x, y = 0, y + 1
        elif value == 1:
            return
        elif value == 2:
            jump = data[at : at + 2]
            x, y = x + sum(jump[:1]), y + sum(jump[1:])
            at += 2
        else:
            x += value
            # Literals are padded to 16 bits.
            at += (value * depth + 15) // 16 * 2
        # Encoders may pad the last byte of a row and end the last line, but no further.
        if x > width + 1 or y > height or (y == height and x):
            raise BrokenError("a BMP run reaches out of the image")
    raise BrokenError("the BMP's runs have no end")


def _read(size: int | None) -> bytes:
    """``size`` bytes of descriptor 0, or all that are left."""
    parts = []
    while size is None or size > 0:
        part = os.read(_STDIN, _READ if size is None else min(size, _READ))
        if not part:
            break
        parts.append(part)
        size = None if size is None else size - len(part)
    if size:
        raise BrokenError("the BMP is truncated")
    return b"".join(parts)


def _skip(size: int) -> None:
    while size > 0:
        part = min(size, _READ)
        _read(part)
        size -= part


def verdict(max_pixels: int) -> str:
    """Decode what is on descriptor 0 and put the outcome into one line."""
    with socket.socket(fileno=os.dup(_STDIN)) as peeked:
        first = peeked.recv(1, socket.MSG_PEEK)
    try:
        if first == b"B":
            check_bmp()
        else:
            decode_with_vips(max_pixels)
    except TooManyPixelsError:
        return "pixels"
    except (BrokenError, MemoryError, OSError, ValueError, struct.error) as error:
        kind = "unknown" if any(known in str(error) for known in _NOT_BUILT_IN) else "broken"
        return f"{kind} " + " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return "ok"


def main(arguments: list[str]) -> None:
    """Run with the arguments that the module's docstring lists."""
    max_pixels, memory_bytes, cpu_seconds = map(int, arguments)
    limit(memory_bytes, cpu_seconds)
    answer = verdict(max_pixels)
    os.write(_STDOUT, answer.encode("ascii", "replace") + b"\n")
    # Not through the interpreter's shutdown: native threads may hang there although all is said.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
