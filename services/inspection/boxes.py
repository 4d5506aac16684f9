"""Boxes of ISO base media files (ISO/IEC 14496-12) within a buffer, and a reader for their fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from services.errors import NotAnImage
from services.inspection.base import Budget

DAMAGED = "The AVIF is damaged: a box of its header does not hold what its type says."


class Box(NamedTuple):
    """A box's type and its content (after size and type), as a view without a copy."""

    kind: bytes
    body: memoryview


def children(body: memoryview, budget: Budget, skip: int = 0) -> Iterator[Box]:
    """The boxes side by side in ``body`` from ``skip`` on; raises ``NotAnImage`` when one reaches out of it."""
    at = skip
    while at + 8 <= len(body):
        budget.spend(len(body))
        size = int.from_bytes(body[at : at + 4], "big")
        header = 8
        if size == 1:
            size = int.from_bytes(body[at + 8 : at + 16], "big")
            header = 16
        elif size == 0:
            size = len(body) - at
        if size < header or at + size > len(body):
            raise NotAnImage(DAMAGED)
        yield Box(bytes(body[at + 4 : at + 8]), body[at + header : at + size])
        at += size


def child(body: memoryview, kind: bytes, budget: Budget, skip: int = 0) -> memoryview | None:
    """The content of the first child of that type."""
    return next((box.body for box in children(body, budget, skip) if box.kind == kind), None)


class Fields:
    """Reads big-endian fields of a box one after another; raises ``NotAnImage`` beyond its end."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._at = 0

    def uint(self, size: int) -> int:
        """The next ``size`` bytes as a number; no bytes are 0."""
        self._at += size
        if self._at > len(self._body):
            raise NotAnImage(DAMAGED)
        return int.from_bytes(self._body[self._at - size : self._at], "big")

    def skip(self, size: int) -> None:
        """Leave out ``size`` bytes."""
        self._at += size

    def version(self) -> tuple[int, int]:
        """The version and flags that a full box begins with."""
        return self.uint(1), self.uint(3)
