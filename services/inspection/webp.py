"""WebP (RFC 9649): a RIFF container of one VP8 or VP8L bitstream, or of the extended form's chunks."""

from __future__ import annotations

from services.errors import NotAnImage
from services.inspection import exif
from services.inspection.base import Budget, Steps, StreamedFormat

_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_MAX_EXIF = 1 << 16
_ANIMATION = 0x02
_ANMF_HEADER = 16


def _u24(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


class WebP(StreamedFormat):
    """A lossy, lossless or extended WebP."""

    content_type = "image/webp"
    name = "WebP"
    _ending = "the size in its header"

    def __init__(self, max_pixels: int) -> None:
        """Inspect a file of at most ``max_pixels`` (frames x width x height)."""
        super().__init__(max_pixels)
        self._chunks = Budget("WebP chunks", free=4096, bytes_each=64)
        self._end = 0
        self._extended = False
        self._animated = False
        self._animation_frames = 0
        self._bitstream = False

    def _walk(self) -> Steps:
        cursor = self._cursor
        yield _RIFF_HEADER
        self._end = _u32(cursor.take(_RIFF_HEADER), 4) + _CHUNK_HEADER
        first = True
        while cursor.offset + _CHUNK_HEADER <= self._end:
            yield _CHUNK_HEADER
            self._chunks.spend(cursor.offset)
            head = cursor.take(_CHUNK_HEADER)
            kind, size = head[:4], _u32(head, 4)
            if cursor.offset + size > self._end:
                raise NotAnImage("The WebP is damaged: a chunk is larger than the file's size in its header.")
            if first and kind not in (b"VP8 ", b"VP8L", b"VP8X"):
                raise NotAnImage("The WebP does not begin with image data or an extended header.")
            first = False
            following = cursor.offset + size + (size & 1)
            yield from self._chunk(kind, size)
            cursor.skip(following - cursor.offset)
        # The padding of the last chunk may reach past the size in the header: only that size has to be there.
        yield self._end - cursor.offset
        if not (self._animation_frames if self._animated else self._bitstream):
            raise NotAnImage("The WebP has a header but no image data.")

    def _chunk(self, kind: bytes, size: int) -> Steps:
        """Look into one chunk of ``size`` bytes; the caller passes what is left unread."""
        if kind == b"VP8X" and not self._extended and not self._bitstream:
            yield from self._need_of(size, 10)
            head = self._cursor.peek(10)
            self._extended = True
            self._animated = bool(head[0] & _ANIMATION)
            self._set_size(_u24(head, 4) + 1, _u24(head, 7) + 1)
        elif kind in (b"VP8 ", b"VP8L") and not self._animated and not self._bitstream:
            yield from self._image(kind, size)
        elif kind == b"ANMF" and self._animated:
            yield from self._animation_frame(size)
        elif kind == b"EXIF":
            there = min(size, _MAX_EXIF)
            yield there
            self._orientation = exif.orientation(self._cursor.peek(there))

    def _need_of(self, size: int, least: int) -> Steps:
        """Wait for the first ``least`` bytes of a chunk of ``size``."""
        if size < least:
            raise NotAnImage("The WebP is damaged: a chunk is too small for its type.")
        yield least

    def _image(self, kind: bytes, size: int) -> Steps:
        yield from self._need_of(size, 10 if kind == b"VP8 " else 5)
        width, height = _vp8(self._cursor.peek(10), size) if kind == b"VP8 " else _vp8l(self._cursor.peek(5))
        if self._extended and (width, height) != (self._width, self._height):
            raise NotAnImage("The WebP is damaged: its image is not as large as its canvas.")
        self._bitstream = True
        self._set_size(width, height)

    def _animation_frame(self, size: int) -> Steps:
        yield from self._need_of(size, _ANMF_HEADER + _CHUNK_HEADER)
        head = self._cursor.peek(_ANMF_HEADER)
        right = 2 * _u24(head, 0) + _u24(head, 6) + 1
        bottom = 2 * _u24(head, 3) + _u24(head, 9) + 1
        if right > self._width or bottom > self._height:
            raise NotAnImage("The WebP is damaged: a frame reaches out of its canvas.")
        self._animation_frames += 1
        self._set_frames(self._animation_frames)


def _vp8(head: bytes, size: int) -> tuple[int, int]:
    """Width and height of a key frame (RFC 6386, 9.1), whose first partition must fit into ``size`` bytes."""
    tag = _u24(head, 0)
    if tag & 1 or head[3:6] != b"\x9d\x01\x2a" or tag >> 5 > size:
        raise NotAnImage("The WebP's image data is damaged.")
    return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF


def _vp8l(head: bytes) -> tuple[int, int]:
    """Width and height of a lossless image (RFC 9649, 3.4)."""
    bits = _u32(head, 1)
    if head[0] != 0x2F or bits >> 29:
        raise NotAnImage("The WebP's image data is damaged.")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
