"""Photographs of an exact size in bytes, each different from every other, cheap to make by the hundred."""

from __future__ import annotations

import secrets

from tests import images

_COMMENT = b"\xff\xfe"
_LABEL = 16


def photo(size: int = 100_000) -> bytes:
    """A valid JPEG of exactly ``size`` bytes (at least 4100), unlike any other: a comment in it is random."""
    whole = images.of_size(size - _LABEL - 4, "jpeg")
    label = _COMMENT + (_LABEL + 2).to_bytes(2, "big") + secrets.token_bytes(_LABEL)
    return whole[:2] + label + whole[2:]


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes that claims to be ``width`` x ``height`` pixels."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + _chunks((b"IHDR", header), (b"IDAT", bytes(64)), (b"IEND", b""))


def _chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"".join(images.png_chunk(kind, body) for kind, body in chunks)
