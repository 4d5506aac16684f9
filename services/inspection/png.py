"""PNG and APNG (W3C PNG, third edition): a walk over chunks from IHDR to IEND."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator

from services.errors import NotAnImage
from services.inspection import exif
from services.inspection.base import Budget, Steps, StreamedFormat

_IHDR_END = 33
_MAX_LENGTH = 2**31 - 1
_CHUNK = struct.Struct(">I4s")
_CHUNK_EXTRA = 12
"""Length, type and CRC around a chunk's data."""

_MAX_EXIF = 1 << 16
_MAX_DEFLATE = 1032
"""Deflate can not pack more than this many bytes into one."""

_INDEXED = 3
_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, _INDEXED: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_CHANNELS = {0: 1, 2: 3, _INDEXED: 1, 4: 2, 6: 4}


class Png(StreamedFormat):
    """PNG with its animation and EXIF chunks."""

    content_type = "image/png"
    name = "PNG"
    _ending = "its IEND chunk"

    def __init__(self, max_pixels: int) -> None:
        """Inspect a file of at most ``max_pixels`` (frames x width x height)."""
        super().__init__(max_pixels)
        self._chunks = Budget("PNG chunks", free=4096, bytes_each=64)
        self._bits = 0
        self._palette_missing = False
        self._data = 0
        self._animated = False
        self._controls = 0

    def _walk(self) -> Steps:
        cursor = self._cursor
        yield _IHDR_END
        self._header(cursor.take(_IHDR_END))
        kind = b""
        while kind != b"IEND":
            yield 8
            length, kind = _CHUNK.unpack_from(cursor.data, cursor.pos)
            self._chunks.spend(cursor.offset)
            if length > _MAX_LENGTH or not kind.isalpha():
                raise NotAnImage("The PNG has a damaged chunk.")
            yield from self._chunk(kind, length)
        self._check_data()

    def _header(self, head: bytes) -> None:
        """Read the signature and IHDR."""
        if head[8:16] != b"\0\0\0\rIHDR":
            raise NotAnImage("The PNG does not begin with its IHDR chunk.")
        width, height, depth, colour, packing, filtering, interlace, crc = struct.unpack(">IIBBBBBI", head[16:])
        if zlib.crc32(head[12:29]) != crc:
            raise NotAnImage("The PNG's header is damaged: its checksum is wrong.")
        known = depth in _DEPTHS.get(colour, ()) and not packing and not filtering and interlace <= 1
        if not known or max(width, height) > _MAX_LENGTH:
            raise NotAnImage("The PNG's header holds values that no PNG has.")
        self._bits = depth * _CHANNELS[colour]
        self._palette_missing = colour == _INDEXED
        self._set_size(width, height)

    def _chunk(self, kind: bytes, length: int) -> Steps:
        """Pass one chunk, of which type and length were seen but not read."""
        cursor = self._cursor
        if kind == b"IDAT":
            yield from self._image_data(length)
        elif kind == b"acTL" and length == 8 and not self._data:
            yield 12
            self._animated = True
            self._set_frames(max(1, int.from_bytes(cursor.peek(12)[8:], "big")))
        elif kind == b"fcTL" and self._animated:
            self._controls += 1
            if self._controls > self._frames:
                self._set_frames(self._controls)
        elif kind == b"PLTE":
            self._palette_missing = False
        elif kind == b"eXIf":
            there = min(length, _MAX_EXIF)
            yield 8 + there
            self._orientation = exif.orientation(cursor.peek(8 + there)[8:])
        elif kind == b"IEND":
            # Wait for the checksum as well: without it the file is cut.
            yield _CHUNK_EXTRA
        cursor.skip(length + _CHUNK_EXTRA)

    def _image_data(self, length: int) -> Generator[int, None, None]:
        if self._palette_missing:
            raise NotAnImage("The PNG uses a palette and has none before its image data.")
        if not self._data and length >= 2:
            yield 10
            stream = self._cursor.peek(10)[8:]
            # RFC 1950: deflate in the low half of the first byte, and a multiple of 31 in both.
            if stream[0] & 15 != 8 or int.from_bytes(stream, "big") % 31:
                raise NotAnImage("The PNG's image data is damaged.")
        self._data += length

    def _check_data(self) -> None:
        """Raise unless the compressed bytes can hold the pixels: catches header-only files."""
        if not self._data:
            raise NotAnImage("The PNG has a header but no image data.")
        if self._width * self._height * self._bits // 8 > self._data * _MAX_DEFLATE:
            raise NotAnImage("The PNG has too little image data for its width and height.")
