"""The ``moov`` box of an AVIF image sequence: its picture track's size and number of samples (ISO/IEC 14496-12)."""

from __future__ import annotations

from dataclasses import dataclass

from services.errors import NotAnImage
from services.inspection.base import Budget
from services.inspection.boxes import DAMAGED, Fields, child, children

_TO_TABLES = (b"minf", b"stbl")
_ENTRY_SIZE_AT = 24
"""Bytes of a visual sample entry before its width."""


@dataclass(frozen=True, slots=True)
class Track:
    """A picture track: size in pixels, number of frames, and the offset of its last chunk in the file."""

    width: int
    height: int
    frames: int
    last_chunk: int


def read_moov(body: memoryview, budget: Budget) -> Track | None:
    """The picture track with the most frames; None without one. Raises ``NotAnImage`` when damaged."""
    tracks = [_track(box.body, budget) for box in children(body, budget) if box.kind == b"trak"]
    return max((track for track in tracks if track), key=lambda track: track.frames, default=None)


def _track(trak: memoryview, budget: Budget) -> Track | None:
    mdia = child(trak, b"mdia", budget)
    handler = None if mdia is None else child(mdia, b"hdlr", budget)
    # Alpha and depth are tracks of their own ("auxv"): they are not more frames.
    if mdia is None or handler is None or bytes(handler[8:12]) not in (b"pict", b"vide"):
        return None
    tables = mdia
    for kind in _TO_TABLES:
        inner = child(tables, kind, budget)
        if inner is None:
            raise NotAnImage(DAMAGED)
        tables = inner
    found = {box.kind: box.body for box in children(tables, budget)}
    if b"stsd" not in found or b"stsz" not in found:
        raise NotAnImage(DAMAGED)
    width, height = _size(found[b"stsd"], budget)
    return Track(width, height, _samples(found[b"stsz"]), _last_chunk(found))


def _samples(stsz: memoryview) -> int:
    fields = Fields(stsz)
    fields.version()
    size, count = fields.uint(4), fields.uint(4)
    if not size and len(stsz) < 12 + 4 * count:
        raise NotAnImage(DAMAGED)
    return count


def _size(stsd: memoryview, budget: Budget) -> tuple[int, int]:
    for box in children(stsd, budget, skip=8):
        if box.kind == b"av01":
            fields = Fields(box.body)
            fields.skip(_ENTRY_SIZE_AT)
            return fields.uint(2), fields.uint(2)
    raise NotAnImage("The AVIF's image sequence is not AV1.")


def _last_chunk(tables: dict[bytes, memoryview]) -> int:
    """The offset of the last chunk in ``stco`` or ``co64``: chunks are in order in what encoders write."""
    for kind, size in ((b"stco", 4), (b"co64", 8)):
        if kind in tables:
            fields = Fields(tables[kind])
            fields.version()
            count = fields.uint(4)
            fields.skip(size * max(0, count - 1))
            return fields.uint(size) if count else 0
    raise NotAnImage(DAMAGED)
