"""TIFF 6.0 and BigTIFF: the chain of directories, and the extents of all that they point at.

Directories may stand anywhere, mostly behind the pixels. A walk waits for the bytes it needs and reads them from a
``ChunkStore``, which keeps the first 8 MiB and the latest 1 MiB. What is further back (a directory that points at
tables megabytes before it, in a file beyond 8 MiB) can not be verified in constant memory: such a file is refused, and
told so.
"""

from __future__ import annotations

import operator
import struct
import sys
from array import array
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

from services.errors import NotAnImage, TooManyPixels, UnsupportedType
from services.inspection.base import Budget, Format, Steps
from services.inspection.store import ChunkStore
from services.models import ImageFacts

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _STRIP_COUNTS = 273, 274, 277, 279
_TILE_OFFSETS, _TILE_COUNTS, _JPEG_START, _JPEG_LENGTH, _DNG = 324, 325, 513, 514, 50706
_WANTED = frozenset({_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIP_OFFSETS, _ORIENTATION})
_WANTED |= {_SAMPLES, _STRIP_COUNTS, _TILE_OFFSETS, _TILE_COUNTS, _JPEG_START, _JPEG_LENGTH, _DNG}

_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MAX_ENTRIES = 4096
_MAX_SAMPLES = 4096
_UNCOMPRESSED = 1
_YCBCR, _SENSOR, _LINEAR_RAW = 6, 32803, 34892
_REDUCED_OR_MASK = 0b101


@dataclass(frozen=True, slots=True)
class _Layout:
    """The two ways to write a TIFF: widths of its fields, as struct codes without the byte order."""

    pointer: str
    count: str
    entry: str
    inline: int

    @property
    def entry_size(self) -> int:
        return struct.calcsize("<" + self.entry)


_CLASSIC = _Layout(pointer="I", count="H", entry="HHI4s", inline=4)
_BIG = _Layout(pointer="Q", count="Q", entry="HHQ8s", inline=8)


class _Entry(NamedTuple):
    kind: int
    length: int
    value: bytes


_Page = dict[int, _Entry]


class Tiff(Format):
    """A TIFF of one page or many."""

    content_type = "image/tiff"
    name = "TIFF"

    def __init__(self, max_pixels: int) -> None:
        """Inspect a file of at most ``max_pixels`` (pages x width x height, and over all pages as they are)."""
        super().__init__(max_pixels)
        self._store = ChunkStore()
        self._size = 0
        self._order = "<"
        self._layout = _CLASSIC
        self._end = 0
        self._pages = 0
        self._pixels = 0
        self._entries = Budget("TIFF directory entries", free=_MAX_ENTRIES, bytes_each=12)
        self._directories = Budget("TIFF directories", free=1024, bytes_each=1024)
        self._values = Budget("TIFF strips or tiles", free=4096, bytes_each=4)
        self._steps: Steps | None = self._walk()
        self._need = 8

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; raises ``NotAnImage``, ``TooManyPixels`` or ``UnsupportedType``."""
        self._size += len(chunk)
        if self._steps is None:
            return
        self._store.append(chunk)
        while self._size >= self._need:
            need = next(self._steps, None)
            if need is None:
                # Only the number of bytes matters from here on.
                self._steps = None
                self._store = ChunkStore()
                return
            self._need = need

    def finish(self) -> ImageFacts:
        """The facts of a whole file; raises ``NotAnImage`` when a directory or anything it points at is missing."""
        facts = self.facts
        if self._steps is not None or facts is None:
            raise NotAnImage("The TIFF ends before its last directory; it is truncated.")
        if self._end > self._size:
            raise NotAnImage("The TIFF ends before the data that its directories point at; it is truncated.")
        return facts

    def _walk(self) -> Steps:
        """Follow the chain of directories; each value is the size that the file must have reached."""
        offset = yield from self._header()
        if not offset:
            raise NotAnImage("The TIFF has no directory.")
        visited = set()
        while offset:
            if offset in visited:
                raise NotAnImage("The TIFF's directories form a loop.")
            visited.add(offset)
            self._directories.spend(self._size)
            page, offset = yield from self._directory(offset)
            yield from self._page(page)

    def _header(self) -> Generator[int, None, int]:
        head = yield from self._read(0, 8)
        self._order = "<" if head[:1] == b"I" else ">"
        if self._number("H", head[2:4]) == 42:
            return self._number("I", head[4:])
        if head[4:] != struct.pack(self._order + "HH", 8, 0):
            raise NotAnImage("The TIFF's header is damaged.")
        self._layout = _BIG
        return self._number("Q", (yield from self._read(8, 8)))

    def _directory(self, offset: int) -> Generator[int, None, tuple[_Page, int]]:
        """Read one directory: the entries that matter here, and where the next one is (0: nowhere)."""
        layout = self._layout
        prefix = struct.calcsize("<" + layout.count)
        pointer = struct.calcsize("<" + layout.pointer)
        count = self._number(layout.count, (yield from self._read(offset, prefix)))
        if not 1 <= count <= _MAX_ENTRIES:
            raise NotAnImage("The TIFF has a directory with an implausible number of entries.")
        self._entries.spend(self._size, count)
        body = yield from self._read(offset + prefix, count * layout.entry_size + pointer)
        page: _Page = {}
        for tag, kind, number, value in struct.iter_unpack(self._order + layout.entry, body[:-pointer]):
            size = _TYPE_SIZES.get(kind, 0) * number
            if size > layout.inline:
                self._end = max(self._end, self._number(layout.pointer, value) + size)
            if tag in _WANTED:
                page[tag] = _Entry(kind, number, value)
        return page, self._number(layout.pointer, body[-pointer:])

    def _page(self, page: _Page) -> Steps:
        """Account for the page of one directory: its size, then the extents of its pixels."""
        compression = self._first(page, _COMPRESSION, _UNCOMPRESSED)
        photometric = self._first(page, _PHOTOMETRIC, 0)
        if _DNG in page or photometric in (_SENSOR, _LINEAR_RAW):
            raise UnsupportedType("Camera raw files are not supported; send a developed JPEG, PNG or TIFF.")
        width, height = self._first(page, _WIDTH, 0), self._first(page, _HEIGHT, 0)
        if not self._width:
            self._set_size(width, height)
            orientation = self._first(page, _ORIENTATION, 1)
            self._orientation = orientation if 1 <= orientation <= 8 else 1
        if not width or not height:
            raise NotAnImage("The TIFF has a page without pixels.")
        if not self._first(page, _SUBFILE, 0) & _REDUCED_OR_MASK:
            self._pages += 1
            self._set_frames(self._pages)
        self._pixels += width * height
        # Pages may be larger than the first one, which is all that frames x width x height counts.
        if self._pixels > self._max_pixels:
            raise TooManyPixels(
                f"The TIFF's pages have more than {self._max_pixels} pixels in all, which is the limit."
            )
        stored = yield from self._extents(page)
        if compression == _UNCOMPRESSED and photometric != _YCBCR:
            bits = yield from self._bits(page)
            if stored < width * height * bits // 8:
                raise NotAnImage("The TIFF has too little image data for its width and height.")

    def _extents(self, page: _Page) -> Generator[int, None, int]:
        """Note where the pixels of a page end; return their bytes as stored."""
        pairs = ((_STRIP_OFFSETS, _STRIP_COUNTS), (_TILE_OFFSETS, _TILE_COUNTS), (_JPEG_START, _JPEG_LENGTH))
        for starts, counts in pairs:
            if starts in page and counts in page:
                break
        else:
            raise NotAnImage("The TIFF has a page that does not say where its pixels are.")
        offsets = yield from self._array(page[starts])
        sizes = yield from self._array(page[counts])
        stored = sum(sizes)
        if len(offsets) != len(sizes) or not stored:
            raise NotAnImage("The TIFF has a page without image data.")
        last = max(map(operator.add, offsets, sizes))
        self._end = max(self._end, last)
        return stored

    def _bits(self, page: _Page) -> Generator[int, None, int]:
        """Bits of one pixel: the sum over its samples."""
        samples = self._first(page, _SAMPLES, 1)
        if _BITS not in page:
            return samples
        if page[_BITS].length > _MAX_SAMPLES:
            raise NotAnImage("The TIFF has a page with implausibly many samples.")
        bits = yield from self._array(page[_BITS])
        return sum(bits) if len(bits) == samples else bits[0] * samples

    def _array(self, entry: _Entry) -> Generator[int, None, array[int]]:
        """All values of an entry of integers."""
        code = _INTEGERS.get(entry.kind)
        if code is None or not entry.length:
            raise NotAnImage("The TIFF has a directory entry of the wrong type.")
        size = entry.length * _TYPE_SIZES[entry.kind]
        data = entry.value[:size]
        if size > self._layout.inline:
            offset = self._number(self._layout.pointer, entry.value)
            # Waits first: the budget is for bytes that are there.
            yield offset + size
            self._values.spend(self._size, entry.length)
            data = yield from self._read(offset, size)
        values = array(code, data)
        if (self._order == "<") != (sys.byteorder == "little"):
            values.byteswap()
        return values

    def _first(self, page: _Page, tag: int, default: int) -> int:
        """The value of an entry of one integer."""
        entry = page.get(tag)
        if entry is None:
            return default
        code = _INTEGERS.get(entry.kind)
        size = _TYPE_SIZES.get(entry.kind, 0)
        if code is None or not entry.length or size * entry.length > self._layout.inline:
            return default
        return self._number(code, entry.value[:size])

    def _number(self, code: str, data: bytes) -> int:
        (number,) = struct.unpack(self._order + code, data)
        return int(number)

    def _read(self, offset: int, size: int) -> Generator[int, None, bytes]:
        yield offset + size
        data = self._store.read(offset, size)
        if data is None:
            raise NotAnImage(
                "The TIFF can not be verified while it streams: beyond its first 8 MiB its directories point too far "
                "back. Save it with the directory next to the tables of its strips, or at the beginning of the file."
            )
        return data
