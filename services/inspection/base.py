"""What every format's walker shares: a window on the bytes, caps on structure, and the facts with their pixel limit.

A walker is a generator over a ``Cursor``. It yields the number of unread bytes it wants before it goes on; whoever
feeds it resumes it once they are there. So each format reads like a description of the file, works on any chunking, and
holds no more than the header it is waiting for: payload is skipped by arithmetic, never copied.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from services.errors import NotAnImage, TooManyPixels
from services.models import ImageFacts

Steps = Iterator[int]
"""A running walker; each value is the number of unread bytes it needs next."""


class Budget:
    """A cap on small structures in proportion to the bytes seen.

    Without it a file made of nothing but 12-byte chunks costs a million Python steps for every 10 MB. An honest file
    stays far below: it has one structure for hundreds of bytes.
    """

    __slots__ = ("_bytes_each", "_free", "_spent", "_what")

    def __init__(self, what: str, *, free: int, bytes_each: int) -> None:
        """Allow ``free`` structures called ``what``, and one more for every ``bytes_each`` bytes."""
        self._what = what
        self._free = free
        self._bytes_each = bytes_each
        self._spent = 0

    def spend(self, seen: int, amount: int = 1) -> None:
        """Count ``amount`` structures after ``seen`` bytes of the file; raises ``NotAnImage`` over the cap."""
        self._spent += amount
        if self._spent > self._free + seen // self._bytes_each:
            raise NotAnImage(f"The file has implausibly many {self._what} for its size; it is not a usable image.")


class Cursor:
    """A window on a stream: the unread bytes, of which ``pos`` is the next; ``pos`` past the end skips ahead."""

    __slots__ = ("_start", "data", "pos")

    def __init__(self) -> None:
        self.data: bytes | bytearray = b""
        self.pos = 0
        self._start = 0

    def append(self, chunk: bytes) -> None:
        """Add the next bytes of the file and forget those already read."""
        if self.pos >= len(self.data):
            self._start += len(self.data)
            self.pos -= len(self.data)
            self.data = chunk
            return
        # A bytearray grows in place: joining bytes here would make one-byte chunks cost quadratic time.
        if isinstance(self.data, bytearray):
            del self.data[: self.pos]
        else:
            self.data = bytearray(memoryview(self.data)[self.pos :])
        self._start += self.pos
        self.pos = 0
        self.data += chunk

    @property
    def unread(self) -> int:
        """Bytes at hand; negative while a skip reaches beyond what has arrived."""
        return len(self.data) - self.pos

    @property
    def offset(self) -> int:
        """Offset of the next byte in the file."""
        return self._start + self.pos

    @property
    def seen(self) -> int:
        """Bytes of the file that have arrived."""
        return self._start + len(self.data)

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes (they must be at hand), left unread."""
        return bytes(self.data[self.pos : self.pos + size])

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes (they must be at hand)."""
        self.pos += size
        return bytes(self.data[self.pos - size : self.pos])

    def skip(self, size: int) -> None:
        """Leave out the next ``size`` bytes, whether they have arrived or not."""
        self.pos += size


class Format(ABC):
    """The inspection of one file in one format."""

    content_type: ClassVar[str]
    name: ClassVar[str]
    """As the format is called in messages: "The JPEG …"."""

    def __init__(self, max_pixels: int) -> None:
        """Inspect a file of at most ``max_pixels`` (frames x width x height)."""
        self._max_pixels = max_pixels
        self._width = 0
        self._height = 0
        self._frames = 1
        self._orientation = 1

    @abstractmethod
    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; raises ``NotAnImage``, ``TooManyPixels`` or ``UnsupportedType``."""

    @abstractmethod
    def finish(self) -> ImageFacts:
        """The facts of a whole file; raises ``NotAnImage`` when the bytes fed are not one."""

    @property
    def facts(self) -> ImageFacts | None:
        """What is known so far: None before the size is."""
        if not self._width:
            return None
        return ImageFacts(self.content_type, self._width, self._height, self._frames, self._orientation)

    def _set_size(self, width: int, height: int) -> None:
        """Record the raster's size in pixels; raises ``NotAnImage`` for zero, ``TooManyPixels`` for a bomb."""
        if width <= 0 or height <= 0:
            raise NotAnImage(f"The {self.name} says that it is {width} x {height} pixels; an image has at least one.")
        self._width = width
        self._height = height
        self._check_pixels(width, height)

    def _set_frames(self, frames: int) -> None:
        """Record the number of frames or pages known so far; raises ``TooManyPixels``."""
        self._frames = frames
        self._check_pixels(self._width, self._height)

    def _check_pixels(self, width: int, height: int) -> None:
        if self._frames * width * height > self._max_pixels:
            frames = f"{self._frames} frames of " if self._frames > 1 else ""
            raise TooManyPixels(
                f"The {self.name} has {frames}{width} x {height} pixels; the limit is {self._max_pixels} pixels in all."
            )

    def _truncated(self) -> NotAnImage:
        return NotAnImage(f"The {self.name} ends before {self._ending}; it is truncated.")

    _ending: ClassVar[str] = "its end"


class StreamedFormat(Format):
    """A format that can be walked front to back: subclasses write ``_walk`` over ``self._cursor``."""

    def __init__(self, max_pixels: int) -> None:
        """Inspect a file of at most ``max_pixels`` (frames x width x height)."""
        super().__init__(max_pixels)
        self._cursor = Cursor()
        self._steps: Steps | None = self._walk()
        self._need = 0

    @abstractmethod
    def _walk(self) -> Steps:
        """Walk the file; return where it is complete (bytes after that are harmless)."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; raises ``NotAnImage``, ``TooManyPixels`` or ``UnsupportedType``."""
        cursor = self._cursor
        cursor.append(chunk)
        if self._steps is None:
            cursor.pos = len(cursor.data)
            return
        while cursor.unread >= self._need:
            need = next(self._steps, None)
            if need is None:
                self._steps = None
                cursor.pos = len(cursor.data)
                return
            self._need = need

    def finish(self) -> ImageFacts:
        """The facts of a whole file; raises ``NotAnImage`` when its walk has not come to its end."""
        facts = self.facts
        if self._steps is not None or facts is None:
            raise self._truncated()
        return facts
