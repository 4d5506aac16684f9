"""Files made to cost: up to 10 MB of the smallest structures and the largest claims, within 1 s and 50 MB.

The limits asserted are of processor time and of what Python allocates while a file is fed.
"""

from __future__ import annotations

import contextlib
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from services.errors import NotAnImage, UnsupportedType
from services.inspection import Inspector
from tests import images
from tests.images import png_chunk
from tests.unit.services.inspection.avif_files import box, ftyp, full, infe, ispe, still, track
from tests.unit.services.inspection.feeding import MAX_PIXELS, inspect

SIZE = 10_000_000
MAX_SECONDS = 1.0
MAX_BYTES = 50 << 20

PNG = images.png()
GIF = b"GIF89a\1\0\1\0\0\0\0"
FRAME = b"\x2c\0\0\0\0\1\0\1\0\0\2"
JPEG = images.jpeg()
WEBP = b"RIFF" + struct.pack("<I", SIZE) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\2" + bytes(9)


def repeated(head: bytes, piece: bytes, size: int = SIZE) -> bytes:
    return head + piece * ((size - len(head)) // len(piece))


def tiff_entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


TIFF_BASE = [tiff_entry(256, 3, 1, 1), tiff_entry(257, 3, 1, 1), tiff_entry(259, 3, 1, 5)]
ONE_STRIP = [tiff_entry(273, 4, 1, 8), tiff_entry(279, 4, 1, 1)]


def tiff_chain(entries: list[bytes], directories: int) -> bytes:
    body = struct.pack("<H", len(entries)) + b"".join(entries)
    size = len(body) + 4
    return b"II*\0\x08\0\0\0" + b"".join(body + struct.pack("<I", 8 + (n + 1) * size) for n in range(directories))


def tiff_shared_tables() -> bytes:
    """Every directory claims the same two million strips."""
    entries = [*TIFF_BASE, tiff_entry(273, 4, 2_000_000, 200_000), tiff_entry(279, 4, 2_000_000, 200_000)]
    return repeated(tiff_chain(entries, 900), b"\1\0\0\0")


def tiff_large_tables() -> bytes:
    entries = [*TIFF_BASE, tiff_entry(273, 4, 1_200_000, 200), tiff_entry(279, 4, 1_200_000, 200)]
    return repeated(tiff_chain(entries, 1)[:-4] + bytes(4), b"\1\0\0\0")


def tiff_overlapping() -> bytes:
    """Directories that begin four bytes apart, each with as many entries as one may have."""
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 4000) * (SIZE // 2)


def avif_meta(location: bytes, associations: bytes = b"\0\0\0\0\0\0\0\0") -> bytes:
    boxes = full(b"pitm", struct.pack(">H", 1)), full(b"iinf", struct.pack(">H", 1), infe())
    properties = box(b"iprp", box(b"ipco", ispe()), box(b"ipma", associations))
    return ftyp() + full(b"meta", *boxes, box(b"iloc", location), properties)


def nested(kind: bytes) -> bytes:
    return b"".join(struct.pack(">I", 3_000_000 - 8 * depth) + kind for depth in range(300_000)) + bytes(700_000)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "png empty chunks": lambda: repeated(PNG[:33], png_chunk(b"paDd", b"")),
    "png empty data": lambda: repeated(PNG[:33], png_chunk(b"IDAT", b"")),
    "png frame controls": lambda: repeated(PNG[:33] + png_chunk(b"acTL", bytes(8)), png_chunk(b"fcTL", b"")),
    "png chunks below the cap": lambda: repeated(PNG[:33], png_chunk(b"paDd", bytes(60))) + PNG[33:],
    "png length 2^32-1": lambda: PNG[:33] + b"\xff\xff\xff\xffIDAT" + bytes(SIZE),
    "gif one-byte blocks": lambda: repeated(GIF + b"\x21\xfe", b"\1x"),
    "gif frames": lambda: repeated(GIF, FRAME + b"\1x\0"),
    "gif frames below the cap": lambda: repeated(GIF, FRAME + (b"\x0e" + b"x" * 14) * 10 + b"\0"),
    "gif extensions": lambda: repeated(GIF, b"\x21\xfe\0"),
    "gif padding": lambda: repeated(GIF, b"\0"),
    "jpeg fill": lambda: repeated(b"\xff\xd8", b"\xff"),
    "jpeg segments": lambda: repeated(b"\xff\xd8", b"\xff\xfe\0\2"),
    "jpeg restarts": lambda: repeated(b"\xff\xd8", b"\xff\xd0"),
    "jpeg stray zeros": lambda: repeated(b"\xff\xd8\xff\xe0\0\2", b"\0"),
    "jpeg stray stuffing": lambda: repeated(b"\xff\xd8\xff\xe0\0\2", b"\xff\0"),
    "jpeg stuffing in the scan": lambda: repeated(JPEG[:-2], b"\xff\0"),
    "jpeg fill in the scan": lambda: repeated(JPEG[:-2], b"\xff"),
    "jpeg scans": lambda: repeated(JPEG[:-2], b"\xff\xda\0\2"),
    "jpeg exif": lambda: repeated(b"\xff\xd8", b"\xff\xe1\xff\xffExif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(65517)),
    "jpeg application data": lambda: repeated(b"\xff\xd8", b"\xff\xe1\0\x90" + bytes(142)),
    "webp chunks": lambda: repeated(WEBP, b"pad \0\0\0\0"),
    "webp frames": lambda: repeated(WEBP, b"ANMF" + struct.pack("<I", 24) + bytes(24)),
    "webp size 2^32-1": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff" + bytes(SIZE),
    "bmp": lambda: b"BM" + b"\xff" * SIZE,
    "tiff directories": lambda: tiff_chain(TIFF_BASE + ONE_STRIP, SIZE // 70),
    "tiff entries": lambda: tiff_chain(TIFF_BASE + [tiff_entry(60000, 3, 1, 1)] * 4000 + ONE_STRIP, 200),
    "tiff overlapping": tiff_overlapping,
    "tiff shared tables": tiff_shared_tables,
    "tiff large tables": tiff_large_tables,
    "tiff offset 2^32-1": lambda: b"II*\0\xff\xff\xff\xff" + bytes(SIZE),
    "bigtiff count 2^63": lambda: b"II+\0\x08\0\0\0\x10" + bytes(7) + b"\xff" * (SIZE - 16),
    "avif boxes": lambda: repeated(ftyp(), box(b"free")),
    "avif boxes in meta": lambda: ftyp() + box(b"meta", bytes(4), box(b"free") * 500_000),
    "avif items": lambda: avif_meta(b"\0\0\0\0\0\0\xff\xff" + bytes(3_900_000)),
    "avif wide items": lambda: avif_meta(repeated(b"\2" + bytes(5) + b"\xff\xff\xff\xff", bytes(9) + b"\1", 3_900_000)),
    "avif empty extents": lambda: avif_meta(repeated(bytes(6) + b"\xff\xff", b"\0\1\0\0\xff\xff", 3_900_000)),
    "avif associations": lambda: avif_meta(
        bytes(8), repeated(b"\0\0\0\0\xff\xff\xff\xff", b"\0\1\xff" + b"\1" * 255, 3_900_000)
    ),
    "avif nested meta": lambda: ftyp() + nested(b"meta"),
    "avif nested moov": lambda: ftyp() + nested(b"moov"),
    "avif tracks": lambda: ftyp() + box(b"moov", track(1) * 10_000),
    "avif size 2^63": lambda: ftyp() + b"\0\0\0\1mdat\x7f" + b"\xff" * 7 + bytes(SIZE),
    "avif moov at the end": lambda: still() + struct.pack(">I", 4 << 20) + b"moov" + bytes(4 << 20),
    "comments": lambda: repeated(b"", b"<!---->"),
    "document types": lambda: repeated(b"", b"<!D["),
    "blanks": lambda: b" " * SIZE,
}

every_file = pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE.keys())


@contextlib.contextmanager
def processor_time() -> Iterator[list[float]]:
    spent = [0.0]
    start = time.thread_time()
    yield spent
    spent[0] = time.thread_time() - start


def feed_all(inspector: Inspector, chunks: list[bytes]) -> None:
    with contextlib.suppress(NotAnImage, UnsupportedType):
        for chunk in chunks:
            inspector.feed(chunk)
        inspector.finish()


@every_file
def test_time(build: Callable[[], bytes]) -> None:
    data = build()[:SIZE]
    for chunk in (65536, SIZE):
        chunks = [data[at : at + chunk] for at in range(0, len(data), chunk)]
        with processor_time() as spent:
            feed_all(Inspector(max_pixels=MAX_PIXELS), chunks)
        assert spent[0] < MAX_SECONDS


@pytest.mark.parametrize(
    "name",
    [
        "tiff shared tables",
        "tiff large tables",
        "tiff offset 2^32-1",
        "avif nested meta",
        "avif moov at the end",
        "jpeg exif",
    ],
)
def test_memory(name: str) -> None:
    """The formats that keep bytes at all; the chunks themselves are made while memory is traced, so that they count."""
    data = HOSTILE[name]()[:SIZE]
    tracemalloc.start()
    try:
        inspector = Inspector(max_pixels=MAX_PIXELS)
        with contextlib.suppress(NotAnImage):
            for at in range(0, len(data), 65536):
                inspector.feed(data[at : at + 65536])
            inspector.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MAX_BYTES


@pytest.mark.parametrize("kind", images.CONTENT_TYPES)
def test_memory_of_honest_files_does_not_grow(kind: str) -> None:
    data = images.of_size(5_000_000, kind)
    tracemalloc.start()
    try:
        inspector = Inspector(max_pixels=MAX_PIXELS)
        for at in range(0, len(data), 65536):
            inspector.feed(data[at : at + 65536])
        inspector.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # TIFF keeps its first 8 MiB until its directories are read; the others a chunk or two.
    assert peak < (10 << 20 if kind == "tiff" else 1 << 20)


@pytest.mark.parametrize("name", HOSTILE)
def test_one_byte_chunks(name: str) -> None:
    data = HOSTILE[name]()[:20_000]
    with processor_time() as spent:
        feed_all(Inspector(max_pixels=MAX_PIXELS), [data[at : at + 1] for at in range(len(data))])
    assert spent[0] < MAX_SECONDS


@pytest.mark.parametrize("name", ["jpeg fill", "gif one-byte blocks", "png empty chunks", "avif boxes"])
def test_a_cap_is_met_early_in_one_large_chunk(name: str) -> None:
    with processor_time() as spent, pytest.raises(NotAnImage, match=r"implausibly many|no frame header"):
        inspect(HOSTILE[name](), chunk=SIZE)
    assert spent[0] < MAX_SECONDS / 2
