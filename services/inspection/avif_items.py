"""The ``meta`` box of an AVIF: which item is the picture, how large it is, how it is turned, where its bytes are.

HEIF (ISO/IEC 23008-12) and AV1 Image File Format 1.1. The box is bounded by its caller, and every loop here by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.errors import NotAnImage, UnsupportedType
from services.inspection.base import Budget
from services.inspection.boxes import DAMAGED, Box, Fields, child, children

_PICTURES = frozenset({b"av01", b"grid", b"iovl", b"iden", b"tmap"})
_DERIVED = _PICTURES - {b"av01"}
_IN_FILE, _IN_BOX = 0, 1

# EXIF orientation by (quarter turns anticlockwise, then mirror axis); HEIF 6.5.10 and 6.5.12: axis 0 exchanges top and
# bottom, axis 1 left and right.
_ORIENTATIONS = {
    (0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
    (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7,
    (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """The primary item: size in pixels before turning, EXIF-like orientation, and where the file's items end."""

    width: int
    height: int
    orientation: int
    items_end: int
    largest: int
    """Pixels of the largest item, tiles and auxiliary ones included."""


def read_meta(body: memoryview, budget: Budget) -> Picture:
    """Read a ``meta`` box; raises ``NotAnImage`` when damaged, ``UnsupportedType`` when the picture is not AV1."""
    found: dict[bytes, memoryview] = {}
    for box in children(body, budget, skip=4):
        found.setdefault(box.kind, box.body)
    try:
        primary = _primary(found[b"pitm"])
        kind = _item_type(found[b"iinf"], primary, budget)
        located = _Locations(found[b"iloc"], primary, len(found.get(b"idat", b"")), budget)
        properties = _properties(found[b"iprp"], primary, budget)
    except KeyError as missing:
        raise NotAnImage("The AVIF's header names no picture: a box that every AVIF has is missing.") from missing
    if kind not in _PICTURES:
        raise UnsupportedType("This HEIF file's picture is not AV1; send JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF.")
    if not located.primary_bytes and kind not in _DERIVED:
        raise NotAnImage("The AVIF has a header but no image data.")
    sizes = [_size(box.body) for box in properties.own if box.kind == b"ispe"]
    if not sizes:
        raise NotAnImage("The AVIF does not say how large its picture is.")
    return Picture(*sizes[0], _orientation(properties.own), located.end, properties.largest)


def _primary(pitm: memoryview) -> int:
    fields = Fields(pitm)
    version, _ = fields.version()
    return fields.uint(4 if version else 2)


def _item_type(iinf: memoryview, item: int, budget: Budget) -> bytes:
    version = Fields(iinf).version()[0]
    for box in children(iinf, budget, skip=8 if version else 6):
        fields = Fields(box.body)
        version, _ = fields.version()
        if box.kind != b"infe" or version < 2:
            continue
        if fields.uint(2 if version == 2 else 4) == item:
            fields.skip(2)
            return fields.uint(4).to_bytes(4, "big")
    raise NotAnImage(DAMAGED)


class _Locations:
    """The extents in ``iloc``: where the last one in the file ends, and the bytes of the primary item."""

    def __init__(self, iloc: memoryview, primary: int, idat_size: int, budget: Budget) -> None:
        self.end = 0
        self.primary_bytes = 0
        fields = Fields(iloc)
        version, _ = fields.version()
        sizes = fields.uint(2)
        self._offset, self._length, self._base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
        self._index = index if version else 0
        wide = 4 if version == 2 else 2
        for _ in range(fields.uint(wide)):
            budget.spend(len(iloc))
            item = fields.uint(wide)
            method = fields.uint(2) & 15 if version else _IN_FILE
            if fields.uint(2):
                raise NotAnImage("The AVIF keeps image data in another file.")
            total = self._extents(fields, method, idat_size, budget, len(iloc))
            if item == primary:
                self.primary_bytes = total

    def _extents(self, fields: Fields, method: int, idat_size: int, budget: Budget, box_size: int) -> int:
        base = fields.uint(self._base)
        count = fields.uint(2)
        # Fields of no width make thousands of extents free of bytes: only the first can say anything.
        if not self._offset + self._length + self._index:
            count = min(count, 1)
        budget.spend(box_size, count)
        total = 0
        for _ in range(count):
            fields.uint(self._index)
            offset = base + fields.uint(self._offset)
            length = fields.uint(self._length)
            total += length
            if method == _IN_FILE:
                self.end = max(self.end, offset + length)
            elif method == _IN_BOX and offset + length > idat_size:
                raise NotAnImage(DAMAGED)
        return total


@dataclass(frozen=True, slots=True)
class _Properties:
    own: list[Box]
    largest: int


def _properties(iprp: memoryview, item: int, budget: Budget) -> _Properties:
    """The properties of one item in the order of their association, which is the order they apply in."""
    ipco = child(iprp, b"ipco", budget)
    if ipco is None:
        raise NotAnImage(DAMAGED)
    known = list(children(ipco, budget))
    own: list[Box] = []
    for box in children(iprp, budget):
        if box.kind == b"ipma":
            own += [known[index - 1] for index in _associations(box.body, item, budget) if 0 < index <= len(known)]
    areas = [width * height for width, height in (_size(box.body) for box in known if box.kind == b"ispe")]
    return _Properties(own, max(areas, default=0))


def _associations(ipma: memoryview, item: int, budget: Budget) -> list[int]:
    fields = Fields(ipma)
    version, flags = fields.version()
    wide = flags & 1
    found = []
    for _ in range(fields.uint(4)):
        budget.spend(len(ipma))
        owner = fields.uint(4 if version else 2)
        count = fields.uint(1)
        if owner != item:
            fields.skip(count << wide)
            continue
        budget.spend(len(ipma), count)
        found += [fields.uint(1 + wide) & (0x7FFF if wide else 0x7F) for _ in range(count)]
    return found


def _size(ispe: memoryview) -> tuple[int, int]:
    fields = Fields(ispe)
    fields.version()
    return fields.uint(4), fields.uint(4)


def _orientation(own: list[Box]) -> int:
    turns, axis = 0, None
    for box in own:
        if box.kind == b"irot":
            turn = Fields(box.body).uint(1) & 3
            # A turn after a mirror is the opposite turn before it.
            turns += turn if axis is None else -turn
        elif box.kind == b"imir" and axis is None:
            axis = Fields(box.body).uint(1) & 1
    return _ORIENTATIONS[turns % 4, axis]
