"""Nothing but the domain's errors comes out, whatever goes in."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import NotAnImage, UnsupportedType
from services.inspection import Inspector
from services.models import ImageFacts
from tests import images
from tests.unit.services.inspection.avif_files import sequence, still, track
from tests.unit.services.inspection.test_inspector import VALID

SEEDS = [data for data, _ in VALID.values()]
SEEDS += [still(), still(pixels_first=True), sequence(track(), with_meta=True)]
SEEDS += [images.tiff(9, 9, frames=2, big_tiff=True), images.gif(9, 9, frames=2), images.bmp(3, 3, mode="P")]
# Numbers at the edges of their fields are what breaks parsers.
EDGES = [b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
EDGES += [b"\0\0\0\1", b"\1\0\0\0", b"\0\0\0\x08", b"\xff" * 8, b"\0" * 8, b"\x80" + b"\0" * 7]


def outcome(data: bytes, chunk: int) -> ImageFacts | None:
    """The facts, or None when refused; any other error fails the test."""
    inspector = Inspector(max_pixels=1_000_000)
    try:
        for start in range(0, len(data), chunk):
            inspector.feed(data[start : start + chunk])
        facts = inspector.finish()
    except (NotAnImage, UnsupportedType):
        return None
    assert facts.content_type in images.CONTENT_TYPES.values()
    assert facts.width >= 1
    assert facts.height >= 1
    assert facts.frames >= 1
    assert 1 <= facts.orientation <= 8
    assert facts.frames * facts.width * facts.height <= 1_000_000
    return facts


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid file with a few bytes overwritten, cut out, doubled or cut off."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        # Headers are where structure is: half of the damage goes there.
        at = draw(st.integers(0, min(len(data), 120)) | st.integers(0, len(data)))
        change = draw(st.integers(0, 4))
        piece = draw(st.sampled_from(EDGES) | st.binary(min_size=1, max_size=8))
        if change <= 1:
            data[at : at + len(piece)] = piece
        elif change == 2:
            data[at:at] = piece
        elif change == 3:
            del data[at : at + draw(st.integers(1, 40))]
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 200))]
    return bytes(data)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(damaged(), st.sampled_from([1, 3, 17, 100, 4096]))
def test_damaged_files(data: bytes, chunk: int) -> None:
    """The outcome does not depend on the chunks either."""
    assert outcome(data, chunk) == outcome(data, len(data) or 1)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(SEEDS), st.integers(4, 40), st.binary(max_size=300))
def test_a_valid_beginning_with_anything_behind_it(seed: bytes, keep: int, rest: bytes) -> None:
    outcome(seed[:keep] + rest, 64)


def test_many_random_mutations() -> None:
    """Faster than hypothesis, so many more: one to four bytes anywhere, the file in one piece."""
    rng = random.Random(11)
    for _ in range(12_000):
        data = bytearray(rng.choice(SEEDS))
        for _ in range(rng.randrange(1, 5)):
            edge = rng.choice(EDGES)
            at = rng.randrange(len(data))
            data[at : at + len(edge)] = edge
        outcome(bytes(data), len(data))


def test_truncation_of_mutations() -> None:
    rng = random.Random(12)
    for _ in range(6_000):
        data = bytearray(rng.choice(SEEDS))
        data[rng.randrange(len(data))] = rng.randrange(256)
        outcome(bytes(data[: rng.randrange(len(data))]), 512)
