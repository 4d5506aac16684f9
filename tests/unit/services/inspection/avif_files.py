"""AVIF files put together box by box."""

from __future__ import annotations

import struct

PIXELS = bytes(range(100))


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def ftyp(major: bytes = b"avif", *others: bytes) -> bytes:
    return box(b"ftyp", major, bytes(4), b"mif1", b"avif", *others)


def ispe(width: int = 40, height: int = 30) -> bytes:
    return full(b"ispe", struct.pack(">II", width, height))


def irot(turns: int) -> bytes:
    return box(b"irot", bytes((turns,)))


def imir(axis: int) -> bytes:
    return box(b"imir", bytes((axis,)))


def infe(item: int = 1, kind: bytes = b"av01", version: int = 2) -> bytes:
    return full(b"infe", struct.pack(">HH" if version == 2 else ">IH", item, 0), kind, b"\0", version=version)


def iloc(offset: int, length: int, *, item: int = 1, version: int = 0, method: int = 0) -> bytes:
    head = b"\x44\0" + struct.pack(">I" if version == 2 else ">H", 1)
    entry = struct.pack(">I" if version == 2 else ">H", item)
    entry += struct.pack(">H", method) if version else b""
    return full(b"iloc", head, entry, struct.pack(">HHII", 0, 1, offset, length), version=version)


def meta(
    *properties: bytes,
    location: bytes,
    item: bytes | None = None,
    idat: bytes = b"",
    associations: bytes | None = None,
) -> bytes:
    if associations is None:
        associations = struct.pack(">IHB", 1, 1, len(properties)) + bytes(range(1, len(properties) + 1))
    return full(
        b"meta",
        full(b"hdlr", bytes(4), b"pict", bytes(13)),
        full(b"pitm", struct.pack(">H", 1)),
        full(b"iinf", struct.pack(">H", 1), infe() if item is None else item),
        location,
        box(b"idat", idat) if idat else b"",
        box(b"iprp", box(b"ipco", *properties), full(b"ipma", associations)),
    )


def still(*properties: bytes, pixels_first: bool = False, version: int = 0, mdat: bytes | None = None) -> bytes:
    """A still image; its pixels are in an ``mdat`` before or behind its ``meta``."""
    known = properties or (ispe(),)
    pixels = box(b"mdat", PIXELS) if mdat is None else mdat
    head = ftyp()
    if pixels_first:
        return head + pixels + meta(*known, location=iloc(len(head) + 8, len(PIXELS), version=version))
    size = len(meta(*known, location=iloc(0, 0, version=version)))
    start = len(head) + size + len(pixels) - len(PIXELS)
    return head + meta(*known, location=iloc(start, len(PIXELS), version=version)) + pixels


def track(
    samples: int = 3,
    *,
    handler: bytes = b"pict",
    sample_size: int = 0,
    chunk: int = 40,
    size: tuple[int, int] = (40, 30),
) -> bytes:
    sizes = b"" if sample_size else struct.pack(">I", 10) * samples
    entry = box(b"av01", bytes(24), struct.pack(">HH", *size), bytes(50))
    tables = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stsz", struct.pack(">II", sample_size, samples), sizes),
        full(b"stco", struct.pack(">II", 1, chunk)),
    )
    return box(b"trak", box(b"mdia", full(b"hdlr", bytes(4), handler, bytes(13)), box(b"minf", tables)))


def sequence(*tracks: bytes, with_meta: bool = False) -> bytes:
    head = box(b"ftyp", b"avis", bytes(4), b"avis", b"avif", b"msf1")
    still_meta = meta(ispe(), location=iloc(len(head) + 8, len(PIXELS))) if with_meta else b""
    return head + box(b"mdat", PIXELS) + still_meta + box(b"moov", full(b"mvhd", bytes(96)), *tracks)
