"""Types by their first bytes: what is named, what is only "not an image", and how soon."""

from __future__ import annotations

import gzip
import random
import struct

import pytest

from services.errors import NotAnImage, UnsupportedType
from services.inspection import Inspector
from tests import images
from tests.unit.services.inspection.feeding import MAX_PIXELS, bytes_until_refused, inspect

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect/></svg>'


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    brands = major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands


UNSUPPORTED = {
    "svg": ("SVG", SVG),
    "svg prolog": ("SVG", b'<?xml version="1.0" encoding="UTF-8"?>\n' + SVG),
    "svg bom": ("SVG", b"\xef\xbb\xbf" + SVG),
    "svg utf-16": ("SVG", ("\ufeff" + SVG.decode()).encode("utf-16-le")),
    "svg utf-16-be": ("SVG", ("\ufeff" + SVG.decode()).encode("utf-16-be")),
    "svg blanks": ("SVG", b" \r\n\t" * 100 + SVG),
    "svg comments": ("SVG", b"<!-- > <html> -->\n<!-- <a> -->" * 20 + SVG),
    "svg long comment": ("SVG", b"<!--" + b"licence " * 5000 + b"-->" + SVG),
    "svg doctype": ("SVG", b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">' + SVG),
    "svg subset": ("SVG", b'<!DOCTYPE svg [ <!ENTITY a "<b>"> ]>' + SVG),
    "svg prefix": ("SVG", b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>'),
    "svg all": ("SVG", b'\xef\xbb\xbf <?xml version="1.0"?><!-- a --><!DOCTYPE svg><!-- b --><svg/>'),
    "svgz": ("gzip", gzip.compress(SVG)),
    "heic": ("HEIC", ftyp(b"heic", b"mif1", b"heic") + bytes(100)),
    "heif": ("HEIC", ftyp(b"mif1", b"mif1", b"heix") + bytes(100)),
    "jpeg xl": ("JPEG XL", b"\xff\x0a" + bytes(100)),
    "jpeg xl box": ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100)),
    "jpeg 2000": ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100)),
    "psd": ("Photoshop", b"8BPS\0\1" + bytes(100)),
    "ico": ("ICO", b"\0\0\1\0\1\0" + bytes(100)),
    "pdf": ("PDF", b"%PDF-1.7\n" + bytes(100)),
    "zip": ("ZIP", b"PK\x03\x04" + bytes(100)),
    "mp4": ("video", ftyp(b"isom", b"isom", b"mp42") + bytes(100)),
    "mov": ("QuickTime", struct.pack(">I", 8) + b"wide" + bytes(100)),
    "avi": ("AVI", b"RIFF\0\1\0\0AVI LIST" + bytes(100)),
    "webm": ("WebM", b"\x1aE\xdf\xa3" + bytes(100)),
    "canon raw": ("raw", b"II*\0\x10\0\0\0CR\2\0" + bytes(100)),
}
NOT_IMAGES = {
    "text": b"Dear Sir or Madam,\nplease find attached",
    "short text": b"hi",
    "blanks": b" \n" * 1000,
    "html": b"<!DOCTYPE html><html><body><svg/></body></html>",
    "xml": b"<?xml version='1.0'?><feed><svg/></feed>",
    "json": b'{"image": null}',
    "open comment": b"<!-- <svg>",
    "open tag": b"<sv",
    "less than": b"<3 you",
    "bom only": b"\xef\xbb\xbf",
    "half a bom": b"\xff",
    "nul": bytes(1000),
    "svg too late": b" " * 70_000 + SVG,
    "bm text": b"BMW builds cars, among other things, and this is no bitmap",
    "gif text": b"GIF89a is the name of a format",
    "huge ftyp": b"\xff\xff\xff\xffftypavif" + bytes(100),
    "empty ftyp": b"\0\0\0\0ftypavif" + bytes(100),
}


@pytest.mark.parametrize("chunk", [1, 11, 65536])
@pytest.mark.parametrize(("named", "data"), UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
def test_a_known_foreign_type_is_named(named: str, data: bytes, chunk: int) -> None:
    with pytest.raises(UnsupportedType, match=named):
        inspect(data, chunk=chunk)


@pytest.mark.parametrize("chunk", [1, 11, 65536])
@pytest.mark.parametrize("data", NOT_IMAGES.values(), ids=NOT_IMAGES.keys())
def test_anything_else_is_not_an_image(data: bytes, chunk: int) -> None:
    with pytest.raises(NotAnImage):
        inspect(data, chunk=chunk)


def test_random_bytes_are_not_an_image() -> None:
    rng = random.Random(3)
    for _ in range(2000):
        with pytest.raises((NotAnImage, UnsupportedType)):
            inspect(rng.randbytes(64))


def test_a_refusal_comes_with_the_first_bytes() -> None:
    assert bytes_until_refused(b"%PDF-1.7" + bytes(50), UnsupportedType) == 5
    assert bytes_until_refused(b"Hello, this is text", NotAnImage) == 12
    assert bytes_until_refused(ftyp(b"heic", b"mif1") + bytes(50), UnsupportedType) == 20
    assert bytes_until_refused(SVG, UnsupportedType) == 12


@pytest.mark.parametrize("brands", [(b"avif",), (b"avis", b"avif"), (b"mif1", b"miaf", b"avif"), (b"miaf", b"avis")])
def test_avif_is_known_by_any_brand(brands: tuple[bytes, ...]) -> None:
    inspector = Inspector(max_pixels=MAX_PIXELS)
    inspector.feed(ftyp(*brands))
    assert inspector.content_type == "image/avif"


def test_a_refused_type_is_never_reported() -> None:
    inspector = Inspector(max_pixels=MAX_PIXELS)
    with pytest.raises(UnsupportedType):
        inspector.feed(SVG)
    assert inspector.content_type is None
    assert inspector.facts is None
    with pytest.raises(UnsupportedType):
        inspector.finish()


def test_an_image_inside_text_stays_text() -> None:
    with pytest.raises(NotAnImage):
        inspect(b"data:" + images.png())
