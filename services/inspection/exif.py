"""The orientation out of an EXIF block (JPEG APP1, PNG eXIf, WebP EXIF): a TIFF directory in miniature.

EXIF is decoration: whatever is wrong with it, the image is still an image, so nothing here raises.
"""

from __future__ import annotations

import struct

PREFIX = b"Exif\0\0"
"""Stands before the block in JPEG, and in some WebP files; never in PNG."""

_ORIENTATION = 0x0112
_SHORT = 3
_MAX_ENTRIES = 512
_ENTRY = 12


def orientation(block: bytes) -> int:
    """The orientation 1..8 in an EXIF block; 1 when it has none or is damaged (EXIF 2.32, 4.6.4 A)."""
    if block.startswith(PREFIX):
        block = block[len(PREFIX) :]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return 1
    (start,) = struct.unpack_from(order + "I", block, 4)
    if start + 2 > len(block):
        return 1
    (count,) = struct.unpack_from(order + "H", block, start)
    # The count is a claim: only entries that are inside the block are read.
    there = min(count, _MAX_ENTRIES, (len(block) - start - 2) // _ENTRY)
    entries = block[start + 2 : start + 2 + there * _ENTRY]
    for tag, kind, _, value in struct.iter_unpack(order + "HHIH2x", entries):
        if tag == _ORIENTATION:
            return value if kind == _SHORT and 1 <= value <= 8 else 1
    return 1
