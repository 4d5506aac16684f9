"""TIFF: byte orders, BigTIFF, directories anywhere, extents, loops, raw files."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from services.errors import NotAnImage, TooManyPixels, UnsupportedType
from services.models import ImageFacts
from tests import images
from tests.unit.services.inspection.feeding import inspect

SHORT, LONG, LONG8 = 3, 4, 16
WIDTH, HEIGHT, BITS, COMPRESSION, OFFSETS, COUNTS = 256, 257, 258, 259, 273, 279
FACTS = ImageFacts("image/tiff", 6, 5)


@dataclass
class Writer:
    """Writes a TIFF piece by piece; every piece can stand anywhere."""

    order: str = "<"
    big: bool = False
    data: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.data += (b"II" if self.order == "<" else b"MM") + self.pack("H", 43 if self.big else 42)
        self.data += self.pack("HHQ", 8, 0, 0) if self.big else self.pack("I", 0)
        self.link = len(self.data) - (8 if self.big else 4)

    def pack(self, code: str, *values: int) -> bytes:
        return struct.pack(self.order + code, *values)

    def pointer(self, value: int) -> bytes:
        return self.pack("Q" if self.big else "I", value)

    def put(self, piece: bytes) -> int:
        """Append and return the offset."""
        self.data += piece
        return len(self.data) - len(piece)

    def pixels(self, size: int = 90) -> int:
        return self.put(random.Random(size).randbytes(size))

    def directory(self, *entries: tuple[int, int, int, int], link: bool = True) -> int:
        """Append a directory of (tag, type, count, value or offset); make the previous pointer point at it."""
        at = self.put(self.pack("Q" if self.big else "H", len(entries)))
        for tag, kind, count, value in entries:
            room = 8 if self.big else 4
            inline = self.pack({SHORT: "H", LONG: "I", LONG8: "Q"}[kind], value) if count == 1 else self.pointer(value)
            self.put(self.pack("HHQ" if self.big else "HHI", tag, kind, count) + inline.ljust(room, b"\0"))
        if link:
            self.data[self.link : self.link + len(self.pointer(0))] = self.pointer(at)
        self.link = self.put(self.pointer(0))
        return at

    def page(self, *more: tuple[int, int, int, int], offset: int = 8, size: int = 90, width: int = 6) -> int:
        """A directory of a page of 6 x 5 pixels in RGB of which the pixels are at ``offset``."""
        base = [(WIDTH, SHORT, 1, width), (HEIGHT, SHORT, 1, 5), (277, SHORT, 1, 3), (OFFSETS, LONG, 1, offset)]
        entries = {entry[0]: entry for entry in (*base, (COUNTS, LONG, 1, size), (BITS, SHORT, 1, 8), *more)}
        return self.directory(*(entries[tag] for tag in sorted(entries)))


layouts = pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True), (">", True)])


@layouts
@pytest.mark.parametrize("chunk", [1, 65536])
def test_directory_before_and_behind_the_pixels(order: str, big: bool, chunk: int) -> None:
    behind = Writer(order, big)
    behind.page(offset=behind.pixels())
    assert inspect(bytes(behind.data), chunk=chunk) == FACTS
    before = Writer(order, big)
    start = len(before.data)
    before.page(offset=10_000)
    before.data += bytes(10_000 - len(before.data))
    assert before.pixels() == 10_000
    assert inspect(bytes(before.data), chunk=chunk) == FACTS
    assert start < 20
    with pytest.raises(NotAnImage, match="data that its directories point at; it is truncated"):
        inspect(bytes(before.data[:-1]), chunk=chunk)


@layouts
def test_every_strip_must_be_there(order: str, big: bool) -> None:
    writer = Writer(order, big)
    starts = [writer.pixels(18) for _ in range(5)]
    offsets = writer.put(b"".join(writer.pack("I", start) for start in starts))
    counts = writer.put(b"".join(writer.pack("H", 18) for _ in starts))
    writer.page((OFFSETS, LONG, 5, offsets), (COUNTS, SHORT, 5, counts), (COMPRESSION, SHORT, 1, 5))
    assert inspect(bytes(writer.data)) == FACTS
    writer.data[offsets + 8 : offsets + 12] = writer.pack("I", len(writer.data) - 17)
    with pytest.raises(NotAnImage, match="truncated"):
        inspect(bytes(writer.data))


def test_tiles_and_old_jpeg_say_where_pixels_are_too() -> None:
    for start, count in ((324, 325), (513, 514)):
        writer = Writer()
        at = writer.pixels()
        writer.directory(
            (WIDTH, SHORT, 1, 6),
            (HEIGHT, SHORT, 1, 5),
            (COMPRESSION, SHORT, 1, 6),
            (start, LONG, 1, at),
            (count, LONG, 1, 90),
        )
        assert inspect(bytes(writer.data)) == FACTS


def test_pages_and_their_reduced_copies() -> None:
    writer = Writer()
    at = writer.pixels()
    for subfile in (0, 1, 0, 4, 2):
        writer.page((254, LONG, 1, subfile), offset=at)
    assert inspect(bytes(writer.data)).frames == 3


def test_pages_count_against_the_limit_as_large_as_they_are() -> None:
    writer = Writer()
    at = writer.pixels()
    writer.page(offset=at)
    writer.page((COMPRESSION, SHORT, 1, 5), offset=at, width=600)
    assert inspect(bytes(writer.data), max_pixels=3030).frames == 2
    with pytest.raises(TooManyPixels, match="pages have more than 3029"):
        inspect(bytes(writer.data), max_pixels=3029)


@pytest.mark.parametrize("value", [0, 9, 6])
def test_orientation(value: int) -> None:
    writer = Writer(">")
    writer.page((274, SHORT, 1, value), offset=writer.pixels())
    assert inspect(bytes(writer.data)).orientation == (6 if value == 6 else 1)


def test_a_camera_raw_file_is_not_supported() -> None:
    for entry in ((50706, LONG, 1, 1), (262, SHORT, 1, 32803), (262, SHORT, 1, 34892)):
        writer = Writer()
        writer.page(entry, offset=writer.pixels())
        with pytest.raises(UnsupportedType, match="raw"):
            inspect(bytes(writer.data))


def loop() -> bytes:
    writer = Writer()
    at = writer.page(offset=writer.pixels())
    writer.data[writer.link : writer.link + 4] = writer.pack("I", at)
    return bytes(writer.data)


def wider_loop() -> bytes:
    writer = Writer()
    first = writer.page(offset=writer.pixels())
    writer.page()
    writer.data[writer.link : writer.link + 4] = writer.pack("I", first)
    return bytes(writer.data)


def with_page(*more: tuple[int, int, int, int], **options: int) -> Callable[[], bytes]:
    def build() -> bytes:
        writer = Writer()
        writer.page(*more, **{"offset": writer.pixels(), **options})
        return bytes(writer.data)

    return build


def without_extents() -> bytes:
    writer = Writer()
    writer.directory((WIDTH, SHORT, 1, 6), (HEIGHT, SHORT, 1, 5))
    return bytes(writer.data)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (loop, "loop"),
        (wider_loop, "loop"),
        (without_extents, "does not say where its pixels are"),
        (lambda: b"II*\0" + bytes(100), "no directory"),
        (lambda: b"II*\0\xff\xff\xff\xff" + bytes(100), "last directory; it is truncated"),
        (lambda: b"II+\0\x08\0\0\0" + b"\xff" * 8 + bytes(100), "last directory; it is truncated"),
        (lambda: b"II+\0\x10\0\0\0" + bytes(100), "header is damaged"),
        (lambda: b"II*\0\x08\0\0\0" + bytes(100), "implausible number of entries"),
        (lambda: b"II*\0\x08\0\0\0\xff\xff" + bytes(100), "implausible number of entries"),
        (lambda: b"II+\0\x08\0\0\0\x10" + bytes(7) + b"\xff" * 8, "implausible number of entries"),
        (with_page((WIDTH, SHORT, 1, 0)), "0 x 5"),
        (with_page((HEIGHT, SHORT, 1, 0)), "6 x 0"),
        (with_page(size=0), "page without image data"),
        (with_page(size=89), "too little image data"),
        (with_page((BITS, SHORT, 1, 16)), "too little image data"),
        (with_page((BITS, SHORT, 5000, 8)), "implausibly many samples"),
        (with_page(offset=4_000_000_000), "truncated"),
        (with_page(size=4_000_000_000), "truncated"),
        (with_page((315, LONG, 1000, 50)), "truncated"),
        (with_page((OFFSETS, LONG, 2**32 - 1, 8)), "truncated"),
        (with_page((OFFSETS, LONG, 2, 8)), "page without image data"),
    ],
)
def test_broken_files_are_told_what_is_wrong(build: Callable[[], bytes], says: str) -> None:
    with pytest.raises(NotAnImage, match=says):
        inspect(build())


@pytest.mark.parametrize("chunk", [65536, 1 << 20, 5_000_000])
def test_beyond_8_mib_the_directory_must_be_near_its_tables(chunk: int) -> None:
    near = Writer()
    at = near.pixels(90)
    near.data += bytes(11_000_000)
    tables = near.put(near.pack("2I", at, at) + near.pack("2I", 45, 45))
    near.page((OFFSETS, LONG, 2, tables), (COUNTS, LONG, 2, tables + 8))
    assert inspect(bytes(near.data), chunk=chunk) == FACTS
    far = Writer()
    at = far.pixels(90)
    far.data += bytes(11_000_000)
    tables = far.put(far.pack("2I", at, at) + far.pack("2I", 45, 45))
    far.data += bytes(12_000_000)
    far.page((OFFSETS, LONG, 2, tables), (COUNTS, LONG, 2, tables + 8))
    with pytest.raises(NotAnImage, match="can not be verified while it streams"):
        inspect(bytes(far.data), chunk=chunk)


def test_pages_all_along_a_large_file() -> None:
    """Each directory is read as it passes, so a long chain needs no more than one window."""
    writer = Writer()
    for _ in range(15):
        at = writer.pixels(90)
        writer.data += bytes(1_500_000)
        writer.page(offset=at)
    assert inspect(bytes(writer.data)).frames == 15


def test_what_pillow_writes() -> None:
    for compression in (None, "packbits", "tiff_adobe_deflate", "jpeg", "group4"):
        data = images.tiff(33, 21, frames=2, mode="1" if compression == "group4" else "RGB", compression=compression)
        assert inspect(data) == ImageFacts("image/tiff", 33, 21, 2)
