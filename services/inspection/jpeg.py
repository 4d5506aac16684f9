"""JPEG (ITU-T T.81): markers up to the frame header, then from scan to scan until the end marker.

Entropy-coded data is searched for its next marker by one compiled pattern, at memory speed; only the segments between
scans are looked at. Whatever stands behind the end marker (motion photos, MPF previews) is not this image's.
"""

from __future__ import annotations

import re
from collections.abc import Generator

from services.errors import NotAnImage, UnsupportedType
from services.inspection import exif
from services.inspection.base import Budget, Steps, StreamedFormat

_HEADER_LIMIT = 8 << 20
"""Bytes in which the frame header must come: extended XMP and colour profiles stay far below."""

_EOI, _SOS, _APP1 = 0xD9, 0xDA, 0xE1
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB})
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE})
_LOOKED_INTO = _FRAMES | _HIERARCHICAL | {_APP1}
_FRAME_FIXED = 8
"""Bytes of a frame header before its components: length, precision, height, width, count."""

# Between segments FF may be repeated as fill, and decoders skip stray bytes.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
# In a scan only these can follow; restarts and stuffed bytes belong to it, reserved codes damage nothing but it.
# Written as a negated set, which the regular expression engine tests in less than two thirds of the time.
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00-\xc3\xc5-\xcb\xcd-\xd8\xde-\xdf\xf0-\xfd\xff]")


class Jpeg(StreamedFormat):
    """Baseline, progressive, lossless and arithmetic JPEG."""

    content_type = "image/jpeg"
    name = "JPEG"
    _ending = "its end marker"

    def __init__(self, max_pixels: int) -> None:
        """Inspect a file of at most ``max_pixels`` (width x height)."""
        super().__init__(max_pixels)
        self._markers = Budget("JPEG markers", free=4096, bytes_each=128)
        self._exif_seen = False
        self._scanned = False

    def _walk(self) -> Steps:
        yield 2
        self._cursor.skip(2)
        marker = self._here() or (yield from self._next(_MARKER))
        while marker != _EOI:
            if marker == _SOS:
                marker = yield from self._scan()
                continue
            if marker not in _STANDALONE:
                length = self._length_here() or (yield from self._length())
                if marker in _LOOKED_INTO:
                    yield from self._segment(marker, length)
                else:
                    self._cursor.skip(length)
            marker = self._here() or (yield from self._next(_MARKER))
        if not self._scanned:
            raise NotAnImage("The JPEG has a header but no image data.")

    def _here(self) -> int:
        """The code of a marker that stands right here, passed; 0 when there is none or it has not all arrived.

        With ``_length_here`` it saves most segments the searches and waits below: two thirds of a header's time.
        """
        cursor = self._cursor
        data, pos = cursor.data, cursor.pos
        if pos + 2 > len(data) or data[pos] != 0xFF or not (self._width or cursor.offset <= _HEADER_LIMIT):
            return 0
        code = data[pos + 1]
        if code in (0x00, 0xFF):
            return 0
        cursor.pos = pos + 2
        self._markers.spend(cursor.offset)
        return code

    def _length_here(self) -> int:
        """The length of the segment here, left unread; 0 when it has not arrived or is impossible."""
        data, pos = self._cursor.data, self._cursor.pos
        length = int.from_bytes(data[pos : pos + 2], "big") if pos + 2 <= len(data) else 0
        return length if length >= 2 else 0

    def _next(self, pattern: re.Pattern[bytes]) -> Generator[int, None, int]:
        """Go behind the next marker that ``pattern`` finds and return its code."""
        cursor = self._cursor
        while True:
            if not self._width and cursor.offset > _HEADER_LIMIT:
                raise NotAnImage("The JPEG has no frame header in its first 8 MiB.")
            yield 2
            found = pattern.search(cursor.data, cursor.pos)
            if found:
                cursor.pos = found.end()
                self._markers.spend(cursor.offset)
                return cursor.data[cursor.pos - 1]
            # FF at the very end may be the first half of a marker.
            cursor.pos = len(cursor.data) - cursor.data.endswith(b"\xff")

    def _scan(self) -> Generator[int, None, int]:
        """Pass one scan; return the marker behind it."""
        if not self._width:
            raise NotAnImage("The JPEG's image data comes before its frame header.")
        length = yield from self._length()
        self._cursor.skip(length)
        yield 1
        start = self._cursor.offset
        marker = yield from self._next(_MARKER_IN_SCAN)
        self._scanned = self._scanned or self._cursor.offset - 2 > start
        return marker

    def _length(self) -> Generator[int, None, int]:
        """The length of the segment here, its own two bytes included, left unread."""
        yield 2
        length = int.from_bytes(self._cursor.peek(2), "big")
        if length < 2:
            raise NotAnImage("The JPEG has a segment with an impossible length.")
        return length

    def _segment(self, marker: int, length: int) -> Steps:
        """Read one of the segments that tell something."""
        if marker in _HIERARCHICAL:
            raise UnsupportedType("Hierarchical JPEG is not supported; send a baseline or progressive one.")
        if marker in _FRAMES:
            yield length
            self._frame(self._cursor.take(length))
        elif marker == _APP1 and not self._exif_seen:
            yield length
            block = self._cursor.take(length)[2:]
            if block.startswith(exif.PREFIX):
                self._exif_seen = True
                self._orientation = exif.orientation(block)
        else:
            self._cursor.skip(length)

    def _frame(self, header: bytes) -> None:
        """Read a frame header, from its length on (T.81 B.2.2)."""
        components = header[7] if len(header) >= _FRAME_FIXED else 0
        if self._width or not 1 <= components <= 4 or len(header) < _FRAME_FIXED + 3 * components:
            raise NotAnImage("The JPEG's frame header is damaged.")
        self._set_size(int.from_bytes(header[5:7], "big"), int.from_bytes(header[3:5], "big"))
