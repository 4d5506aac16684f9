"""GIF87a and GIF89a: blocks from the header to the trailer, frames counted on the way."""

from __future__ import annotations

import struct

from services.errors import NotAnImage
from services.inspection.base import Budget, Steps, StreamedFormat

_EXTENSION, _IMAGE, _TRAILER, _PADDING = 0x21, 0x2C, 0x3B, 0x00
_SCREEN = struct.Struct("<6xHHB2x")
_DESCRIPTOR = struct.Struct("<xHHHHB")
_TABLE = 0x80
_MAX_CODE_SIZE = 11
_BATCH = 4096


def _table_bytes(flags: int) -> int:
    """Bytes of the colour table that ``flags`` announce."""
    return 3 << (flags & 7) + 1 if flags & _TABLE else 0


class Gif(StreamedFormat):
    """A still or animated GIF."""

    content_type = "image/gif"
    name = "GIF"
    _ending = "its trailer"

    def __init__(self, max_pixels: int) -> None:
        """Inspect a file of at most ``max_pixels`` (frames x width x height)."""
        super().__init__(max_pixels)
        self._blocks = Budget("GIF blocks", free=16384, bytes_each=128)
        self._sub_blocks = Budget("GIF data blocks", free=65536, bytes_each=16)
        self._extent = (0, 0)

    def _walk(self) -> Steps:
        cursor = self._cursor
        yield _SCREEN.size
        width, height, flags = _SCREEN.unpack_from(cursor.data, cursor.pos)
        self._set_size(width, height)
        self._extent = (width, height)
        cursor.skip(_SCREEN.size + _table_bytes(flags))
        frames = 0
        while True:
            yield 1
            kind = cursor.data[cursor.pos]
            self._blocks.spend(cursor.offset)
            if kind == _IMAGE:
                frames += 1
                yield from self._image(frames)
            elif kind == _EXTENSION:
                cursor.skip(2)
                yield from self._data()
            elif kind == _TRAILER:
                break
            elif kind == _PADDING:
                cursor.skip(1)
            else:
                raise NotAnImage("The GIF is damaged: it has an unknown block.")
        if not frames:
            raise NotAnImage("The GIF has a header but no image data.")

    def _image(self, frames: int) -> Steps:
        """Pass one frame, the ``frames``-th."""
        cursor = self._cursor
        yield _DESCRIPTOR.size
        left, top, width, height, flags = _DESCRIPTOR.unpack_from(cursor.data, cursor.pos)
        if not width or not height:
            raise NotAnImage("The GIF has a frame without pixels.")
        # Viewers grow the canvas to a frame that reaches out of it: the limit holds for that canvas.
        self._extent = (max(self._extent[0], left + width), max(self._extent[1], top + height))
        self._frames = frames
        self._check_pixels(*self._extent)
        cursor.skip(_DESCRIPTOR.size + _table_bytes(flags))
        yield 2
        code_size, first = cursor.take(2)
        if not 1 <= code_size <= _MAX_CODE_SIZE or not first:
            raise NotAnImage("The GIF has a frame without image data.")
        cursor.skip(first)
        yield from self._data()

    def _data(self) -> Steps:
        """Pass data sub-blocks up to their terminator."""
        cursor = self._cursor
        while True:
            yield 1
            data, pos, end = cursor.data, cursor.pos, len(cursor.data)
            # In batches, so that a chunk of many MiB of one-byte blocks meets its cap early.
            left = _BATCH
            size = 1
            while size and left and pos < end:
                size = data[pos]
                pos += size + 1
                left -= 1
            cursor.pos = pos
            self._sub_blocks.spend(cursor.offset, _BATCH - left)
            if not size:
                return
