"""AVIF: the top-level boxes of an ISO base media file; ``meta`` before or behind the pixels, ``moov`` for sequences."""

from __future__ import annotations

from services.errors import NotAnImage, TooManyPixels
from services.inspection.avif_items import read_meta
from services.inspection.avif_tracks import read_moov
from services.inspection.base import Budget, Steps, StreamedFormat
from services.models import ImageFacts

_MAX_HEADER = 4 << 20
"""Bytes of a ``meta`` or ``moov`` box: item tables and profiles, not pixels."""

_ESSENTIAL = frozenset({b"ftyp", b"mdat", b"meta", b"moov"})


class Avif(StreamedFormat):
    """An AVIF still image or image sequence."""

    content_type = "image/avif"
    name = "AVIF"

    def __init__(self, max_pixels: int) -> None:
        """Inspect a file of at most ``max_pixels`` (frames x width x height)."""
        super().__init__(max_pixels)
        self._boxes = Budget("AVIF boxes", free=1024, bytes_each=256)
        self._details = Budget("AVIF header entries", free=16384, bytes_each=64)
        self._whole = 0
        self._sequence = False
        self._tracks_seen = False
        self._meta_seen = False

    def _walk(self) -> Steps:
        cursor = self._cursor
        while True:
            yield 8
            self._boxes.spend(cursor.offset)
            header = 8
            size = int.from_bytes(cursor.peek(4), "big")
            kind = cursor.peek(8)[4:]
            if size == 1:
                header = 16
                yield header
                size = int.from_bytes(cursor.peek(header)[8:], "big")
            elif size == 0 and kind not in (b"meta", b"moov"):
                return
            if size < header:
                # Behind the picture's header this is trailing junk; whether the pixels are there, the end tells.
                if self._width and self._tracks_seen >= self._sequence:
                    return
                raise NotAnImage("The AVIF is damaged: it has a box of an impossible size.")
            if kind in _ESSENTIAL:
                self._whole = max(self._whole, cursor.offset + size)
            yield from self._box(kind, header, size)

    def _box(self, kind: bytes, header: int, size: int) -> Steps:
        cursor = self._cursor
        look = (kind == b"meta" and not self._meta_seen) or (kind == b"moov" and not self._tracks_seen)
        if kind != b"ftyp" and not look:
            cursor.skip(size)
            return
        if size > _MAX_HEADER:
            raise NotAnImage("The AVIF has a header box of more than 4 MiB; it is not a usable image.")
        yield size
        body = memoryview(cursor.take(size))[header:]
        if kind == b"ftyp":
            self._sequence = bytes(body[:4]) == b"avis"
        elif kind == b"meta":
            self._read_meta(body)
        else:
            self._read_moov(body)

    def _read_meta(self, body: memoryview) -> None:
        self._meta_seen = True
        picture = read_meta(body, self._details)
        self._orientation = picture.orientation
        self._whole = max(self._whole, picture.items_end)
        self._set_size(picture.width, picture.height)
        if picture.largest > self._max_pixels:
            raise TooManyPixels(f"The AVIF has an item of more than {self._max_pixels} pixels, which is the limit.")

    def _read_moov(self, body: memoryview) -> None:
        track = read_moov(body, self._details)
        if track is None:
            return
        self._tracks_seen = True
        self._whole = max(self._whole, track.last_chunk + 1)
        self._frames = max(1, track.frames)
        if not self._width:
            self._set_size(track.width, track.height)
        self._check_pixels(max(self._width, track.width), max(self._height, track.height))

    def finish(self) -> ImageFacts:
        """The facts of a whole file; raises ``NotAnImage`` when boxes or the data they point at are missing."""
        facts = self.facts
        if facts is None or self._cursor.seen < self._whole or self._tracks_seen < self._sequence:
            raise self._truncated()
        return facts
