"""At most so many decoding children at once: each may hold a decoded picture."""

from __future__ import annotations

import contextlib
import threading

import pytest

from services.errors import NotAnImage, Overloaded
from services.inspection import decode
from services.inspection.decode import DecodeVerifier
from tests import images


def verifier(turns: threading.Semaphore) -> DecodeVerifier:
    return DecodeVerifier(max_pixels=10**6, timeout=30.0, memory_bytes=1 << 30, turns=turns)


def test_a_child_too_many_is_refused_and_closing_one_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "START_TIMEOUT", 0.05)
    turns = threading.BoundedSemaphore(1)
    photo = images.jpeg(30, 20)
    with contextlib.closing(verifier(turns)) as first:
        first.feed(photo[:100])
        with contextlib.closing(verifier(turns)) as second, pytest.raises(Overloaded):
            second.feed(photo)
        first.feed(photo[100:])
        first.finish()
    with contextlib.closing(verifier(turns)) as third:
        third.feed(photo)
        third.finish()
    assert turns.acquire(blocking=False), "every turn was given back, none twice"


def test_a_damaged_file_gives_its_turn_back() -> None:
    turns = threading.BoundedSemaphore(1)
    for _ in range(2):
        with contextlib.closing(verifier(turns)) as decoder:
            decoder.feed(images.png(30, 20)[:60])
            with pytest.raises(NotAnImage):
                decoder.finish()


def test_a_verifier_that_saw_nothing_takes_no_turn() -> None:
    turns = threading.BoundedSemaphore(1)
    verifier(turns).close()
    assert turns.acquire(blocking=False)
