"""BMP: every header from OS/2 1.x to version 5; the rows that it declares must be there."""

from __future__ import annotations

import struct

from services.errors import NotAnImage, UnsupportedType
from services.inspection.base import Steps, StreamedFormat

_FILE_HEADER = 14
_CORE, _OS2_SHORT, _INFO, _OS2 = 12, 16, 40, 64
_SIZES = frozenset({_CORE, _OS2_SHORT, _INFO, 52, 56, _OS2, 108, 124})
_RGB, _RLE8, _RLE4, _BITFIELDS, _ALPHA_BITFIELDS = 0, 1, 2, 3, 6
_DEPTHS = {
    _RGB: {1, 2, 4, 8, 16, 24, 32},
    _RLE8: {8},
    _RLE4: {4},
    _BITFIELDS: {16, 32},
    _ALPHA_BITFIELDS: {16, 32},
}
_UNSUPPORTED = frozenset({4, 5, 11, 12, 13})
"""JPEG or PNG inside, and CMYK: for printers, no viewer opens them."""


class Bmp(StreamedFormat):
    """A Windows or OS/2 bitmap."""

    content_type = "image/bmp"
    name = "BMP"
    _ending = "its last row"

    def _walk(self) -> Steps:
        cursor = self._cursor
        yield _FILE_HEADER + 4
        head = cursor.peek(_FILE_HEADER + 4)
        file_size, start, header = struct.unpack("<2xI4xII", head)
        if header not in _SIZES or start < _FILE_HEADER + header:
            raise NotAnImage("The BMP's header is damaged.")
        yield _FILE_HEADER + header
        fields = cursor.peek(_FILE_HEADER + header)[_FILE_HEADER + 4 :]
        if header == _CORE:
            width, height, planes, depth = struct.unpack("<HHHH", fields[:8])
            packing = packed = 0
        else:
            width, height, planes, depth = struct.unpack("<iiHH", fields[:12])
            packing, packed = (0, 0) if header == _OS2_SHORT else struct.unpack("<II", fields[12:20])
        self._check_kind(header, planes, depth, packing)
        self._set_size(width, abs(height))
        end = start + packed if packed else file_size
        if packing not in (_RLE8, _RLE4):
            end = start + (width * depth + 31) // 32 * 4 * abs(height)
        elif height < 0 or end < start + 2:
            raise NotAnImage("The BMP's compressed rows are damaged.")
        cursor.skip(end)
        yield 0

    def _check_kind(self, header: int, planes: int, depth: int, packing: int) -> None:
        # OS/2 2.x gave 3 and 4 other meanings (Huffman, RLE24), which nothing reads any more.
        if packing in _UNSUPPORTED or (header == _OS2 and packing > _RLE4):
            raise UnsupportedType("This BMP is compressed in a way that is not supported; send it uncompressed.")
        if planes != 1 or depth not in _DEPTHS.get(packing, ()):
            raise NotAnImage("The BMP's header is damaged.")
