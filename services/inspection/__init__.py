"""What an image is, by its bytes alone, in one pass and constant memory, without decoding it.

``Inspector`` is fed a file as it streams by. It knows the type from the first bytes, the size in pixels from the
header, and at the end whether all of the file is there. Each format is one module here; ``decode`` is the optional full
decode in a child process. The caps and what they prevent stand where they are enforced.
"""

from __future__ import annotations

from services.errors import ServiceError
from services.inspection.avif import Avif
from services.inspection.base import Format
from services.inspection.bmp import Bmp
from services.inspection.gif import Gif
from services.inspection.jpeg import Jpeg
from services.inspection.png import Png
from services.inspection.sniff import Sniffer
from services.inspection.tiff import Tiff
from services.inspection.webp import WebP
from services.models import ImageFacts

_FORMATS: dict[str, type[Format]] = {
    format_.content_type: format_ for format_ in (Jpeg, Png, Gif, WebP, Bmp, Tiff, Avif)
}


class Inspector:
    """Inspects one file, fed in chunks of any size.

    Every method raises only ``UnsupportedType``, ``NotAnImage`` and its kind ``TooManyPixels``, as soon as the bytes
    allow; after that it keeps raising the same. Bytes behind the end of an image are accepted.
    """

    def __init__(self, *, max_pixels: int) -> None:
        """Inspect a file that may have up to ``max_pixels``, counted as frames x width x height."""
        self._max_pixels = max_pixels
        self._sniffer = Sniffer()
        self._format: Format | None = None
        self._refusal: ServiceError | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file; raises ``UnsupportedType``, ``NotAnImage`` or ``TooManyPixels``."""
        self._raise_again()
        try:
            if self._format is not None:
                self._format.feed(chunk)
            elif (content_type := self._sniffer.feed(chunk)) is not None:
                self._format = _FORMATS[content_type](self._max_pixels)
                self._format.feed(self._sniffer.head)
                self._sniffer.head = b""
        except ServiceError as refusal:
            self._refusal = refusal
            raise

    def finish(self) -> ImageFacts:
        """The facts of the whole file; raises ``NotAnImage`` when it is empty, truncated, garbage or header-only."""
        self._raise_again()
        if self._format is None:
            raise self._sniffer.finish()
        return self._format.finish()

    @property
    def content_type(self) -> str | None:
        """The type by the bytes; None until they decide, which the first 16 do (an AVIF's brands may take 4 KiB)."""
        return self._format.content_type if self._format else None

    @property
    def facts(self) -> ImageFacts | None:
        """What the header has told so far; None before width and height. Frames and orientation may still change."""
        return self._format.facts if self._format else None

    def _raise_again(self) -> None:
        if self._refusal is not None:
            raise self._refusal
