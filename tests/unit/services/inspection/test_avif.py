"""AVIF: boxes in any order, transformations, extents, sequences, and files that only look like it."""

from __future__ import annotations

import itertools
import struct

import pytest
from PIL import Image

from services.errors import NotAnImage, TooManyPixels, UnsupportedType
from services.models import ImageFacts
from tests import images
from tests.unit.services.inspection.avif_files import (
    PIXELS,
    box,
    ftyp,
    full,
    iloc,
    imir,
    infe,
    irot,
    ispe,
    meta,
    sequence,
    still,
    track,
)
from tests.unit.services.inspection.feeding import bytes_until_refused, inspect

FACTS = ImageFacts("image/avif", 40, 30)
TURN = Image.Transpose
EXIF_TURNS = {
    1: [], 2: [TURN.FLIP_LEFT_RIGHT], 3: [TURN.ROTATE_180], 4: [TURN.FLIP_TOP_BOTTOM],
    5: [TURN.TRANSPOSE], 6: [TURN.ROTATE_270], 7: [TURN.TRANSVERSE], 8: [TURN.ROTATE_90],
}  # fmt: skip


def turned(operations: list[Image.Transpose]) -> tuple[tuple[int, int], bytes]:
    image = Image.frombytes("L", (3, 2), b"abcdef")
    for operation in operations:
        image = image.transpose(operation)
    return image.size, image.tobytes()


@pytest.mark.parametrize("chunk", [1, 65536])
@pytest.mark.parametrize("pixels_first", [False, True])
@pytest.mark.parametrize("version", [0, 1, 2])
def test_meta_before_and_behind_the_pixels(version: int, pixels_first: bool, chunk: int) -> None:
    data = still(pixels_first=pixels_first, version=version)
    assert inspect(data, chunk=chunk) == FACTS
    for cut in range(0, len(data), 5):
        with pytest.raises(NotAnImage):
            inspect(data[:cut], chunk=chunk)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_as_an_encoder_writes_them(orientation: int) -> None:
    assert inspect(images.avif(40, 30, orientation=orientation)).orientation == orientation


@pytest.mark.parametrize("mirror_first", [False, True])
@pytest.mark.parametrize(("turns", "axis"), [*itertools.product(range(4), (None, 0, 1))])
def test_turns_and_mirrors_apply_in_their_order(turns: int, axis: int | None, mirror_first: bool) -> None:
    boxes, steps = [irot(turns)], [[TURN.ROTATE_90] * turns]
    if axis is not None:
        boxes.append(imir(axis))
        steps.append([TURN.FLIP_LEFT_RIGHT if axis else TURN.FLIP_TOP_BOTTOM])
    if mirror_first:
        boxes, steps = boxes[::-1], steps[::-1]
    facts = inspect(still(ispe(), *boxes))
    assert (facts.width, facts.height) == (40, 30)
    assert turned(EXIF_TURNS[facts.orientation]) == turned(list(itertools.chain(*steps)))


def test_only_properties_of_the_picture_count() -> None:
    properties = (ispe(9, 9), irot(1), ispe())
    head = ftyp()
    associations = struct.pack(">IHB2sHB1s", 2, 7, 2, b"\1\2", 1, 1, b"\x83")
    data = head + meta(*properties, location=iloc(0, 10), associations=associations) + box(b"mdat", PIXELS)
    assert inspect(data) == FACTS


def test_wide_fields() -> None:
    associations = struct.pack(">IIB2s", 1, 1, 1, b"\x80\1")
    whole = full(b"ipma", associations, version=1, flags=1)
    head = full(b"pitm", struct.pack(">I", 1), version=1) + full(
        b"iinf", struct.pack(">I", 1), infe(version=3), version=1
    )
    body = full(b"meta", head, iloc(0, 10, version=2), box(b"iprp", box(b"ipco", ispe()), whole))
    large = struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 16 + len(PIXELS)) + PIXELS
    assert inspect(ftyp() + body + large) == FACTS
    with pytest.raises(NotAnImage):
        inspect((ftyp() + body + large)[:-1])


def test_the_last_box_may_reach_to_the_end() -> None:
    data = still(mdat=struct.pack(">I", 0) + b"mdat" + PIXELS)
    assert inspect(data) == FACTS
    with pytest.raises(NotAnImage, match="truncated"):
        inspect(data[:-1])


def test_a_grid_is_kept_in_the_header() -> None:
    location = iloc(0, 8, version=1, method=1)
    data = ftyp() + meta(ispe(), location=location, item=infe(kind=b"grid"), idat=bytes(8)) + box(b"mdat", PIXELS)
    assert inspect(data) == FACTS
    broken = ftyp() + meta(ispe(), location=location, item=infe(kind=b"grid"), idat=bytes(7))
    with pytest.raises(NotAnImage, match="damaged"):
        inspect(broken)


@pytest.mark.parametrize("with_meta", [False, True])
def test_frames_of_a_sequence(with_meta: bool) -> None:
    data = sequence(track(4), track(4, handler=b"auxv"), with_meta=with_meta)
    assert inspect(data) == ImageFacts("image/avif", 40, 30, 4)
    assert inspect(data, chunk=1) == ImageFacts("image/avif", 40, 30, 4)
    for cut in range(len(data)):
        with pytest.raises(NotAnImage):
            inspect(data[:cut])


def test_frames_count_against_the_limit() -> None:
    with pytest.raises(TooManyPixels, match="4294967295 frames"):
        inspect(sequence(track(2**32 - 1, sample_size=1)))
    with pytest.raises(TooManyPixels):
        inspect(sequence(track(2, size=(60000, 60000)), with_meta=True))


def test_a_bomb_is_refused_from_its_header() -> None:
    data = still(ispe(2**32 - 1, 2**32 - 1)) + bytes(1000)
    assert bytes_until_refused(data, TooManyPixels) < 300
    with pytest.raises(TooManyPixels, match="an item of more than"):
        inspect(still(ispe(), ispe(60000, 60000)))


def test_a_picture_that_is_not_av1_is_not_supported() -> None:
    with pytest.raises(UnsupportedType, match="not AV1"):
        inspect(ftyp() + meta(ispe(), location=iloc(0, 10), item=infe(kind=b"hvc1")) + box(b"mdat", PIXELS))


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (ftyp(), "truncated"),
        (ftyp() + box(b"mdat", PIXELS), "truncated"),
        (ftyp() + meta(ispe(), location=iloc(0, 10**9)), "truncated"),
        (ftyp() + meta(ispe(), location=iloc(0, 0)), "header but no image data"),
        (ftyp() + meta(location=iloc(0, 10)), "how large"),
        (ftyp() + meta(ispe(0, 30), location=iloc(0, 10)), "0 x 30"),
        (ftyp() + full(b"meta"), "a box that every AVIF has is missing"),
        (ftyp() + box(b"meta", bytes(4), b"\0\0\0\4pitm"), "damaged"),
        (ftyp() + box(b"meta", bytes(4), b"\xff\xff\xff\xffpitm"), "damaged"),
        (ftyp() + b"\0\0\0\1meta" + b"\xff" * 8 + bytes(100), "more than 4 MiB"),
        (ftyp() + b"\0\0\0\0meta" + bytes(100), "impossible size"),
        (ftyp() + b"\0\0\0\7free" + bytes(100), "impossible size"),
        (sequence(), "truncated"),
        (sequence(box(b"trak", box(b"mdia", full(b"hdlr", bytes(4), b"pict")))), "damaged"),
        (sequence(track(3)[:-100] + bytes(100)), "damaged"),
    ],
)
def test_broken_files_are_told_what_is_wrong(broken: bytes, says: str) -> None:
    with pytest.raises(NotAnImage, match=says):
        inspect(broken)


@pytest.mark.parametrize("chunk", [1, 65536])
def test_a_broken_box_behind_the_header_stands_for_the_end(chunk: int) -> None:
    data = still(pixels_first=True) + b"\0\0\0\2junk"
    assert inspect(data, chunk=chunk) == FACTS
    head = ftyp() + meta(ispe(), location=iloc(300, 100))
    with pytest.raises(NotAnImage, match="truncated"):
        inspect(head + bytes(399 - len(head)), chunk=chunk)
    assert inspect(head + bytes(400 - len(head)), chunk=chunk) == FACTS
