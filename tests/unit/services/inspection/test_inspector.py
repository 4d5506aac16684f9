"""What holds for every format: facts, chunking, truncation, the pixel limit, trailing bytes."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from services.errors import NotAnImage, TooManyPixels, UnsupportedType
from services.inspection import Inspector
from services.models import ImageFacts
from tests import images
from tests.unit.services.inspection.feeding import MAX_PIXELS, bytes_until_refused, inspect

# Pillow pads the last page of a multi-page TIFF to 16 bytes; cutting those off takes nothing away.
_PAGES = images.tiff(10, 8, frames=3, compression="tiff_deflate")[:-8]

VALID: dict[str, tuple[bytes, ImageFacts]] = {
    "jpeg": (images.jpeg(40, 30), ImageFacts("image/jpeg", 40, 30)),
    "jpeg-progressive": (images.jpeg(40, 30, progressive=True), ImageFacts("image/jpeg", 40, 30)),
    "jpeg-turned": (images.jpeg(40, 30, orientation=6, gps=True), ImageFacts("image/jpeg", 40, 30, 1, 6)),
    "jpeg-turned-mm": (images.jpeg(40, 30, orientation=8, order=">"), ImageFacts("image/jpeg", 40, 30, 1, 8)),
    "jpeg-restarts": (images.jpeg(40, 30, restart_marker_blocks=1), ImageFacts("image/jpeg", 40, 30)),
    "png": (images.png(40, 30), ImageFacts("image/png", 40, 30)),
    "png-palette": (images.png(40, 30, mode="P"), ImageFacts("image/png", 40, 30)),
    "png-turned": (images.png(40, 30, orientation=3), ImageFacts("image/png", 40, 30, 1, 3)),
    "apng": (images.png(20, 10, frames=4), ImageFacts("image/png", 20, 10, 4)),
    "gif": (images.gif(40, 30), ImageFacts("image/gif", 40, 30)),
    "gif-animated": (images.gif(20, 10, frames=5), ImageFacts("image/gif", 20, 10, 5)),
    "webp-lossy": (images.webp(40, 30), ImageFacts("image/webp", 40, 30)),
    "webp-lossless": (images.webp(41, 31, lossless=True), ImageFacts("image/webp", 41, 31)),
    "webp-extended": (images.webp(40, 30, orientation=5), ImageFacts("image/webp", 40, 30, 1, 5)),
    "webp-animated": (images.webp(20, 10, frames=3), ImageFacts("image/webp", 20, 10, 3)),
    "bmp": (images.bmp(13, 7), ImageFacts("image/bmp", 13, 7)),
    "bmp-1": (images.bmp(40, 30, mode="1"), ImageFacts("image/bmp", 40, 30)),
    "bmp-8": (images.bmp(13, 7, mode="L"), ImageFacts("image/bmp", 13, 7)),
    "bmp-32": (images.bmp(13, 7, mode="RGBA"), ImageFacts("image/bmp", 13, 7)),
    "bmp-rle": (images.bmp_rle8(8, 4), ImageFacts("image/bmp", 8, 4)),
    "tiff": (images.tiff(20, 10), ImageFacts("image/tiff", 20, 10)),
    "tiff-lzw": (images.tiff(20, 10, compression="tiff_lzw"), ImageFacts("image/tiff", 20, 10)),
    "tiff-turned": (images.tiff(20, 10, orientation=7), ImageFacts("image/tiff", 20, 10, 1, 7)),
    "tiff-pages": (_PAGES, ImageFacts("image/tiff", 10, 8, 3)),
    "bigtiff": (images.tiff(20, 10, big_tiff=True), ImageFacts("image/tiff", 20, 10)),
    "avif": (images.avif(40, 30), ImageFacts("image/avif", 40, 30)),
    "avif-turned": (images.avif(40, 30, orientation=5), ImageFacts("image/avif", 40, 30, 1, 5)),
    "avif-sequence": (images.avif(20, 10, frames=3), ImageFacts("image/avif", 20, 10, 3)),
}

every_file = pytest.mark.parametrize(("data", "facts"), VALID.values(), ids=VALID.keys())


@every_file
@pytest.mark.parametrize("chunk", [1, 7, 64, 1 << 20])
def test_facts_are_read_whatever_the_chunks(data: bytes, facts: ImageFacts, chunk: int) -> None:
    assert inspect(data, chunk=chunk) == facts


@every_file
def test_the_type_is_known_from_the_first_bytes(data: bytes, facts: ImageFacts) -> None:
    inspector = Inspector(max_pixels=MAX_PIXELS)
    assert inspector.content_type is None
    inspector.feed(data[:64])
    assert inspector.content_type == facts.content_type


@every_file
def test_size_is_known_before_the_end(data: bytes, facts: ImageFacts) -> None:
    inspector = Inspector(max_pixels=MAX_PIXELS)
    assert inspector.facts is None
    known = None
    for at in range(len(data)):
        inspector.feed(data[at : at + 1])
        if inspector.facts is not None:
            known = inspector.facts
            break
    assert known is not None
    assert (known.width, known.height) == (facts.width, facts.height)


@every_file
def test_a_file_cut_anywhere_is_refused(data: bytes, facts: ImageFacts) -> None:
    """At every offset: fed byte by byte, the file never counts as whole before its last byte."""
    inspector = Inspector(max_pixels=MAX_PIXELS)
    accepted = []
    for cut in range(len(data)):
        with contextlib.suppress(NotAnImage):
            inspector.finish()
            accepted.append(cut)
        inspector.feed(data[cut : cut + 1])
    assert inspector.finish() == facts
    assert accepted == []


@every_file
def test_a_file_cut_anywhere_is_refused_in_one_piece(data: bytes, facts: ImageFacts) -> None:
    for cut in range(0, len(data), 3):
        with pytest.raises(NotAnImage):
            inspect(data[:cut])


@every_file
@pytest.mark.parametrize("tail", [b"\0" * 50, b"x", b"\xff\xd9 trailing", b"\0\0\0\1free" * 3])
def test_bytes_behind_the_end_are_harmless(data: bytes, facts: ImageFacts, tail: bytes) -> None:
    assert inspect(data + tail) == facts
    assert inspect(data + tail, chunk=5) == facts


@every_file
def test_the_pixel_limit_counts_every_frame(data: bytes, facts: ImageFacts) -> None:
    pixels = facts.frames * facts.width * facts.height
    assert inspect(data, max_pixels=pixels) == facts
    with pytest.raises(TooManyPixels, match=str(pixels - 1)):
        inspect(data, max_pixels=pixels - 1)


@every_file
def test_a_refusal_is_final(data: bytes, facts: ImageFacts) -> None:
    inspector = Inspector(max_pixels=1)
    with pytest.raises(TooManyPixels):
        inspector.feed(data)
    with pytest.raises(TooManyPixels):
        inspector.feed(b"")
    with pytest.raises(TooManyPixels):
        inspector.finish()


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp", "bmp", "avif"])
def test_a_bomb_is_refused_from_its_header(kind: str) -> None:
    data = images.of_kind(kind, 600, 500, noise=True)
    refused = bytes_until_refused(data, TooManyPixels, max_pixels=299_999)
    assert refused < 1000
    assert len(data) > 5 * refused


@pytest.mark.parametrize("kind", images.CONTENT_TYPES)
@pytest.mark.parametrize("size", [4096, 100_000, 1_000_001])
def test_files_of_usual_sizes(kind: str, size: int) -> None:
    data = images.of_size(size, kind)
    assert len(data) == size
    assert inspect(data).content_type == images.CONTENT_TYPES[kind]
    with pytest.raises(NotAnImage):
        inspect(data[:300])


@pytest.mark.parametrize("size", [5_000_000, 12_000_000])
@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_large_files_in_large_chunks(kind: str, size: int) -> None:
    data = images.of_size(size, kind)
    assert inspect(data, chunk=3 << 20) == inspect(data, chunk=100_003)


def test_nothing_is_refused_as_empty() -> None:
    with pytest.raises(NotAnImage, match="empty"):
        inspect(b"")
    inspector = Inspector(max_pixels=MAX_PIXELS)
    inspector.feed(b"")
    with pytest.raises(NotAnImage, match="empty"):
        inspector.finish()


def _refusal(data: bytes) -> str | None:
    try:
        inspect(data)
    except (NotAnImage, UnsupportedType) as error:
        return str(error)
    return None


@every_file
def test_messages_are_one_printable_line(data: bytes, facts: ImageFacts) -> None:
    del facts
    damaged = [data[:3], data[: len(data) // 2], data[:20] + b"\0\xff\x07" * 40, data[:30] + data[::-1]]
    for message in filter(None, map(_refusal, damaged)):
        assert message.isascii()
        assert message.isprintable()
        assert message.endswith(".")


def test_the_head_of_one_format_on_the_body_of_another_is_neither() -> None:
    for (head, first), (body, second) in itertools.permutations(VALID.values(), 2):
        if first.content_type != second.content_type:
            assert _refusal(head[:12] + body[12:])
