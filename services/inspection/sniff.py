"""The type of a file by its first bytes, whatever its name or the caller says.

The stored formats are recognised, and so is what people send by mistake: a clear "this is a PDF" helps, where "not an
image" would puzzle. What is neither is text, or nothing known.
"""

from __future__ import annotations

from services.errors import NotAnImage, UnsupportedType
from services.inspection.markup import root_element

SUPPORTED = "JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF"

_STORED = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
)

_FOREIGN = (
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\1\0", "ICO"),
    (b"\0\0\2\0", "Windows cursor"),
    (b"icns", "ICNS"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II\xbc\1", "JPEG XR"),
    (b"IIU\0", "Camera raw"),
    (b"IIRO", "Camera raw"),
    (b"IIRS", "Camera raw"),
    (b"MMOR", "Camera raw"),
    (b"FUJIFILM", "Camera raw"),
    (b"\x8aMNG\r\n\x1a\n", "MNG"),
    (b"\x8bJNG\r\n\x1a\n", "JNG"),
    (b"DDS ", "DDS"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"qoif", "QOI"),
    (b"BPG\xfb", "BPG"),
    (b"FLIF", "FLIF"),
    (b"gimp xcf", "GIMP"),
    (b"AT&TFORM", "DjVu"),
    (b"\xd7\xcd\xc6\x9a", "Windows metafile"),
    (b"P4\n", "Netpbm"),
    (b"P5\n", "Netpbm"),
    (b"P6\n", "Netpbm"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"(\xb5/\xfd", "Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x1aE\xdf\xa3", "Matroska or WebM video"),
    (b"OggS", "Ogg"),
    (b"fLaC", "FLAC"),
    (b"ID3", "MP3"),
    (b"FLV\1", "Flash video"),
)

_FOREIGN_MAGIC = tuple(magic for magic, _ in _FOREIGN)
_RIFF_KINDS = {b"AVI ": "AVI video", b"WAVE": "WAV"}
_QUICKTIME = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2", b"heif"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_MAX_FTYP = 4096
_CR2_END = 10

_DECISIVE = 12
"""Bytes that tell every binary format, AVIF's brands aside."""
_PATIENT = 64
"""Bytes that are looked at one by one."""
_MAX_MARKUP = 64 << 10
"""Bytes in which a document's first element must come: licences in comments are a few KiB."""


class Sniffer:
    """Collects first bytes until they decide."""

    def __init__(self) -> None:
        self.head = b""
        """The bytes fed so far; all of them belong to the format once it is known."""
        self._next_look = 0

    def feed(self, chunk: bytes) -> str | None:
        """The content type of the bytes so far, None while undecided; raises ``UnsupportedType``, ``NotAnImage``."""
        self.head += chunk
        # Looking at a long comment again for each of its bytes would cost quadratic time: wait for a quarter more.
        if len(self.head) < self._next_look:
            return None
        content_type = sniff(self.head)
        self._next_look = len(self.head) + (len(self.head) // 4 if len(self.head) > _PATIENT else 0)
        return content_type

    def finish(self) -> NotAnImage:
        """Why a file that ended while undecided is refused; raises ``UnsupportedType`` if it is, after all, known."""
        if not self.head:
            return NotAnImage("The file is empty.")
        sniff(self.head, whole=True)
        return NotAnImage(f"The file ends within its header; send a whole {SUPPORTED} file.")


def sniff(head: bytes, *, whole: bool = False) -> str | None:
    """The stored content type that ``head`` begins, or None while more bytes are needed.

    ``whole`` says that no more will come. Raises ``UnsupportedType`` for a recognised type that is not stored,
    ``NotAnImage`` for anything else.
    """
    if head.startswith(_FOREIGN_MAGIC):
        raise _unsupported(next(kind for magic, kind in _FOREIGN if head.startswith(magic)))
    for magic, content_type in _STORED:
        if head.startswith(magic):
            return _without_raw(head) if content_type == "image/tiff" else content_type
    if len(head) < _DECISIVE and not whole:
        return None
    if head.startswith(b"RIFF"):
        return _riff(head)
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[4:8] in _QUICKTIME:
        raise _unsupported("QuickTime video")
    return _document(head, whole)


def _unsupported(kind: str) -> UnsupportedType:
    return UnsupportedType(f"{kind} files are not supported; send {SUPPORTED}.")


def _without_raw(head: bytes) -> str | None:
    """TIFF, unless it is Canon's raw format, which says so behind the TIFF header."""
    if len(head) < _CR2_END:
        return None
    if head[8:_CR2_END] == b"CR":
        raise _unsupported("Camera raw")
    return "image/tiff"


def _riff(head: bytes) -> str | None:
    kind = head[8:_DECISIVE]
    if kind == b"WEBP":
        return "image/webp"
    if len(kind) == 4:
        raise _unsupported(_RIFF_KINDS.get(kind, "RIFF"))
    return None


def _by_brand(head: bytes) -> str | None:
    """AVIF, or one of its many relatives, by the brands in the first box (ISO/IEC 14496-12, 4.3)."""
    size = int.from_bytes(head[:4], "big")
    if not 16 <= size <= _MAX_FTYP:
        raise NotAnImage("The file begins like an AVIF or a video, and its first box is damaged.")
    brands = {head[at : at + 4] for at in (8, *range(16, min(size, len(head)) - 3, 4))}
    if brands & _AVIF_BRANDS:
        return "image/avif"
    if len(head) < size:
        return None
    raise _unsupported("HEIC" if brands & _HEIF_BRANDS else "MP4 and other video")


def _document(head: bytes, whole: bool) -> str | None:
    """None while ``head`` may become SVG or not; raises ``UnsupportedType`` for SVG, ``NotAnImage`` for the rest."""
    root = root_element(head[:_MAX_MARKUP])
    if root == b"svg":
        raise _unsupported("SVG")
    if root:
        raise NotAnImage(f"The file is a text document, not an image; send {SUPPORTED}.")
    if root is None and not whole and len(head) < _MAX_MARKUP:
        return None
    raise NotAnImage(f"The bytes are not an image; send {SUPPORTED}.")
