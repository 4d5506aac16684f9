"""How these tests hand a file to the inspector."""

from __future__ import annotations

from services.inspection import Inspector
from services.models import ImageFacts

MAX_PIXELS = 50_000_000


def inspect(data: bytes, *, chunk: int = 65536, max_pixels: int = MAX_PIXELS) -> ImageFacts:
    """The facts of a whole file, fed in chunks of ``chunk`` bytes."""
    inspector = Inspector(max_pixels=max_pixels)
    for start in range(0, len(data), chunk):
        inspector.feed(data[start : start + chunk])
    return inspector.finish()


def bytes_until_refused(data: bytes, error: type[Exception], *, max_pixels: int = MAX_PIXELS) -> int:
    """How many bytes, fed one by one, it took until ``error`` came."""
    inspector = Inspector(max_pixels=max_pixels)
    for count in range(len(data)):
        try:
            inspector.feed(data[count : count + 1])
        except error:
            return count + 1
    raise AssertionError("the file was never refused")
