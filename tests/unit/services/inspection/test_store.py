"""The store behind TIFF: what it keeps, what it forgets."""

from __future__ import annotations

import random

import pytest

from services.inspection.store import ChunkStore

MIB = 1 << 20
DATA = random.Random(1).randbytes(11 * MIB)


@pytest.mark.parametrize("sizes", [(1000, 5000), (100, 200_000), (MIB, 2 * MIB), (65536, 65536)])
def test_the_beginning_and_the_end_can_be_read(sizes: tuple[int, int]) -> None:
    rng = random.Random(2)
    store = ChunkStore()
    fed = 0
    while fed < len(DATA):
        chunk = DATA[fed : fed + rng.randrange(sizes[0], sizes[1] + 1)]
        store.append(chunk)
        fed += len(chunk)
        if rng.random() < 0.3:
            tail = max(0, fed - MIB)
            offset = rng.randrange(tail, fed)
            assert store.read(offset, fed - offset) == DATA[offset:fed]
            offset = rng.randrange(min(fed, 8 * MIB))
            size = min(fed, 8 * MIB, offset + 70_000) - offset
            assert store.read(offset, size) == DATA[offset : offset + size]
    assert store.read(8 * MIB - 10, len(DATA) - 8 * MIB + 10) in (None, DATA[8 * MIB - 10 :])


def test_what_is_in_between_is_forgotten() -> None:
    store = ChunkStore()
    for start in range(0, len(DATA), 65536):
        store.append(DATA[start : start + 65536])
    assert store.read(9 * MIB, 10) is None
    assert store.read(8 * MIB - 5, 10) is None
    assert store.read(len(DATA) - 5, 10) is None
    assert store.read(0, 0) == b""
