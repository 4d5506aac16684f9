"""Listings look at pending uploads: at all that can still arrive, and without waiting for a store that hangs."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from services import looks
from tests.unit.services.desk import JPEG, Desk
from tests.unit.services.world import Breaking, World
from utils.clock import utc_now


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on how fast the machine is."""
    for name in ("SECONDS", "EMPTY_SECONDS", "REST_SECONDS"):
        monkeypatch.setattr(looks, name, 60.0)


class Counting(Breaking):
    """Keeps the keys that were asked for; while ``gate`` is not set, it answers to none."""

    def __init__(self, world: World) -> None:
        super().__init__(world.store, "", Exception())
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def newest(self, key: str) -> Any:
        self.asked.append(key)
        assert self.gate.wait(30)
        return self._inner.newest(key)


class TestLooks:
    @pytest.mark.parametrize("life", [10, 3600])
    def test_abandoned_uploads_hide_none_that_is_older(self, desk: Desk, life: int) -> None:
        older = [desk.arrived(JPEG, expires_in=3600).upload.image_id for _ in range(2)]
        for _ in range(30):
            desk.begin(expires_in=life)
        desk.clock.ahead = timedelta(minutes=30)
        desk.direct.settle_all("me")
        assert [desk.world.rows.get(image_id) is not None for image_id in older] == [True, True]

    def test_what_has_expired_is_left_to_the_sweep(self, world: World) -> None:
        store = Counting(world)
        desk = Desk(world, store=store)
        desk.begin(expires_in=10)
        waiting = desk.begin(expires_in=3600)
        desk.clock.ahead = timedelta(minutes=30)
        desk.direct.settle_all("me")
        assert store.asked == [waiting.upload.object_key]

    def test_where_nothing_was_nobody_looks_again_at_once(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        store = Counting(world)
        desk = Desk(world, store=store)
        ticket = desk.begin()
        desk.clock.ahead = timedelta(minutes=2)
        for _ in range(3):
            desk.direct.settle_all("me")
        assert len(store.asked) == 1
        desk.send(ticket, JPEG)
        monkeypatch.setattr(looks, "EMPTY_SECONDS", 0.0)
        desk.direct.settle_all("me")
        assert world.rows.get(ticket.upload.image_id) is not None

    def test_a_fresh_upload_is_seen_as_soon_as_it_is_there(self, desk: Desk) -> None:
        ticket = desk.begin()
        desk.direct.settle_all("me")
        desk.send(ticket, JPEG)
        desk.direct.settle_all("me")
        assert desk.world.rows.get(ticket.upload.image_id) is not None

    def test_a_store_that_hangs_delays_one_listing_only(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(looks, "SECONDS", 0.2)
        store = Counting(world)
        desk = Desk(world, store=store)
        ticket = desk.arrived(JPEG)
        store.gate.clear()
        for _ in range(5):
            desk.direct.settle_all("me")
        assert len(store.asked) == 1
        store.gate.set()
        desk.direct._looks.close()
        assert world.rows.get(ticket.upload.image_id) is not None, "the look that ran went on"

    def test_it_looks_again_after_a_rest(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(looks, "SECONDS", 0.05)
        monkeypatch.setattr(looks, "REST_SECONDS", 0.0)
        store = Counting(world)
        desk = Desk(world, store=store)
        desk.begin()
        store.gate.clear()
        desk.direct.settle_all("me")
        desk.direct.settle_all("me")
        assert len(store.asked) == 2
        store.gate.set()
        desk.direct._looks.close()

    def test_who_waited_longest_comes_first(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(looks, "LOOKERS", 1)
        store = Counting(world)
        desk = Desk(world, store=store)
        first = desk.begin().upload.object_key
        desk.direct.settle_all("me")
        later = [desk.begin().upload.object_key for _ in range(2)]
        desk.direct.settle_all("me")
        assert store.asked == [first, *reversed(later), first]

    def test_what_is_remembered_is_bounded(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(looks, "REMEMBERED", 2)
        for _ in range(4):
            desk.begin()
        desk.direct.settle_all("me")
        assert len(desk.direct._looks._empty) == 2

    def test_a_store_that_hangs_does_not_hold_it_up(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(looks, "SECONDS", 0.2)
        released = threading.Event()

        class Hanging(Breaking):
            def newest(self, key: str) -> Any:
                assert released.wait(30)
                return world.store.newest(key)

        desk = Desk(world, store=Hanging(world.store, "", Exception()))
        for _ in range(12):
            desk.begin()
        started = utc_now()
        desk.direct.settle_all("me")
        assert utc_now() - started < timedelta(seconds=5)
        released.set()
        desk.direct._looks.close()
