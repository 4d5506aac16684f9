"""Direct uploads that nobody asks for by name: listings, notifications, sweeps."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from services.direct import UNDERWAY
from services.errors import (
    BackendUnavailable,
)
from services.models import REJECTED, Caller
from services.settling import REMEMBERED
from tests.unit.services.desk import HTML, JPEG, PNG, Desk
from tests.unit.services.world import Breaking, World


class TestSettleAll:
    def test_of_one_owner_and_of_everybody(self, desk: Desk) -> None:
        mine = desk.arrived(JPEG).upload.image_id
        another = desk.arrived(JPEG, caller=Caller("another")).upload.image_id
        bad = desk.arrived(HTML).upload.image_id
        absent = desk.begin().upload.image_id

        desk.direct.settle_all("me")
        assert desk.world.rows.get(mine) is not None
        assert desk.world.rows.get(another) is None
        assert [upload.image_id for upload in desk.world.rows.pending_of("me", limit=9)] == [absent]
        assert getattr(desk.direct.status(bad), "status", "") == REJECTED

        desk.direct.settle_all(None)
        assert desk.world.rows.get(another) is not None

    @pytest.mark.parametrize("error", [BackendUnavailable(detail="it is down"), RuntimeError("a bug")])
    @pytest.mark.parametrize("method", ["newest", "read"])
    def test_raises_nothing_and_logs(
        self, world: World, caplog: pytest.LogCaptureFixture, method: str, error: Exception
    ) -> None:
        desk = Desk(world, store=Breaking(world.store, method, error))
        desk.arrived(JPEG)
        desk.direct.settle_all("me")
        assert "settling" in caplog.text
        assert str(getattr(error, "detail", error)) in caplog.text

    def test_a_database_that_fails_is_logged(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        Desk(world, rows=Breaking(world.rows, "pending_of", BackendUnavailable(detail="no rows"))).direct.settle_all(
            "me"
        )
        assert "no rows" in caplog.text

    def test_one_that_fails_does_not_keep_the_others(self, world: World) -> None:
        desk = Desk(world, store=Breaking(world.store, "newest", BackendUnavailable(), times=1))
        ids = [desk.arrived(JPEG).upload.image_id for _ in range(3)]
        desk.direct.settle_all("me")
        assert sum(world.rows.get(image_id) is not None for image_id in ids) == 2


class TestArrived:
    def test_it_settles(self, desk: Desk) -> None:
        ticket = desk.arrived(JPEG)
        desk.direct.arrived(ticket.upload.object_key)
        assert desk.world.rows.get(ticket.upload.image_id) is not None

    @pytest.mark.parametrize("second", [PNG, JPEG, HTML, b""])
    def test_a_second_put_changes_nothing(self, desk: Desk, second: bytes) -> None:
        ticket = desk.arrived(JPEG)
        image = desk.direct.settle(ticket.upload.image_id)
        desk.send(ticket, second)
        desk.direct.arrived(ticket.upload.object_key)
        assert desk.direct.settle(ticket.upload.image_id) == image
        assert desk.pending_objects() == []
        assert len(desk.world.objects()) == 1

    def test_a_put_after_a_rejection_is_removed(self, desk: Desk) -> None:
        ticket = desk.arrived(HTML)
        desk.direct.arrived(ticket.upload.object_key)
        desk.send(ticket, JPEG)
        desk.direct.arrived(ticket.upload.object_key)
        assert desk.pending_objects() == []
        assert desk.world.objects() == []
        assert getattr(desk.direct.status(ticket.upload.image_id), "status", "") == REJECTED

    def test_another_object_below_pending_is_removed(self, desk: Desk) -> None:
        ticket = desk.begin()
        for key in (ticket.upload.object_key + "2", "pending/nobody/a.jpg", "pending/x"):
            desk.send(ticket, JPEG, key)
            desk.direct.arrived(key)
        assert desk.pending_objects() == []
        assert desk.direct.status(ticket.upload.image_id) is not None

    def test_an_image_is_never_touched(self, desk: Desk) -> None:
        image = desk.direct.settle(desk.arrived(JPEG).upload.image_id)
        assert image is not None
        desk.direct.arrived(image.object_key)
        assert len(desk.world.objects()) == 1

    def test_noticing_raises_nothing(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        desk = Desk(world, store=Breaking(world.store, "newest", BackendUnavailable(detail="it is down")))
        desk.direct.noticed(desk.arrived(JPEG).upload.object_key)
        assert "it is down" in caplog.text


class TestSweep:
    def test_what_never_arrived_leaves_nothing(self, desk: Desk) -> None:
        ticket = desk.begin()
        desk.clock.ahead = timedelta(seconds=599)
        assert desk.direct.sweep() == 0
        desk.clock.ahead = timedelta(seconds=601) + UNDERWAY
        assert desk.direct.sweep() == 1
        assert desk.direct.status(ticket.upload.image_id) is None

    def test_what_arrived_unseen_becomes_an_image(self, desk: Desk) -> None:
        image_id = desk.arrived(JPEG).upload.image_id
        desk.clock.ahead = timedelta(days=2)
        assert desk.direct.sweep() == 0
        assert desk.world.rows.get(image_id) is not None
        assert desk.pending_objects() == []

    def test_what_fails_then_leaves_nothing(self, desk: Desk) -> None:
        image_id = desk.arrived(HTML).upload.image_id
        desk.clock.ahead = timedelta(days=2)
        assert desk.direct.sweep() == 1
        assert desk.direct.status(image_id) is None
        assert desk.pending_objects() == []

    def test_a_rejection_is_forgotten_in_time(self, desk: Desk) -> None:
        ticket = desk.arrived(HTML)
        desk.direct.settle(ticket.upload.image_id)
        desk.clock.ahead = REMEMBERED - timedelta(minutes=1)
        assert desk.direct.sweep() == 0
        desk.clock.ahead = REMEMBERED + timedelta(minutes=1)
        assert desk.direct.sweep() == 1
        assert desk.direct.status(ticket.upload.image_id) is None

    def test_strays_are_removed_and_the_pending_stay(self, desk: Desk) -> None:
        done = desk.arrived(JPEG)
        desk.direct.settle(done.upload.image_id)
        desk.send(done, PNG)
        rejected = desk.arrived(HTML)
        desk.direct.settle(rejected.upload.image_id)
        desk.send(rejected, JPEG)
        waiting = desk.arrived(JPEG)

        assert desk.direct.sweep() == 2
        assert desk.pending_objects() == [waiting.upload.object_key]

    def test_it_is_bounded(self, desk: Desk) -> None:
        for _ in range(3):
            desk.begin()
            desk.send(desk.begin(), JPEG, f"pending/{desk.direct._new_id()}/a.jpg")
        desk.clock.ahead = timedelta(days=2)
        assert desk.direct.sweep(limit=4) == 4
        assert desk.direct.sweep() > 0
        assert desk.direct.sweep() == 0

    def test_one_that_fails_waits_for_the_next(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        desk = Desk(world, store=Breaking(world.store, "newest", BackendUnavailable(detail="it is down"), times=1))
        desk.begin()
        desk.begin()
        desk.clock.ahead = timedelta(days=2)
        assert desk.direct.sweep() == 1
        assert "it is down" in caplog.text
        assert desk.direct.sweep() == 1

    def test_a_poison_row_does_not_keep_those_behind_it(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        class Poisoned(Breaking):
            def newest(self, key: str) -> Any:
                if poison in key:
                    raise RuntimeError("a bug")
                return world.store.newest(key)

        desk = Desk(world, store=Poisoned(world.store, "", Exception()))
        poison = desk.begin().upload.image_id
        behind = [desk.begin().upload.image_id for _ in range(2)]
        desk.clock.ahead = timedelta(days=2)
        assert desk.direct.sweep() == 2
        assert [desk.direct.status(image_id) for image_id in behind] == [None, None]
        assert desk.direct.status(poison) is not None
        assert "a bug" in caplog.text

    def test_a_poison_stray_does_not_keep_the_others(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        desk = Desk(world, store=Breaking(world.store, "purge", RuntimeError("a bug"), times=1))
        for key in ("pending/a/a.jpg", "pending/b/b.jpg"):
            desk.send(desk.begin(), JPEG, key)
        assert desk.direct.sweep() == 1
        assert len(desk.pending_objects()) == 1
        assert "a bug" in caplog.text


class TestSweepWhenBegun:
    def test_where_no_ingest_runs_beginning_removes_the_expired_once_a_minute(self, world: World) -> None:
        desk = Desk(world)
        desk.direct.sweep_when_begun()
        desk.begin()
        old = desk.begin().upload.image_id
        desk.clock.ahead = timedelta(days=2)
        desk.begin()
        assert desk.direct.status(old) is not None, "the first has swept, less than a minute ago"
        desk.direct._sweep_after = 0.0
        desk.begin()
        assert desk.direct.status(old) is None

    def test_otherwise_it_removes_nothing(self, desk: Desk) -> None:
        old = desk.begin().upload.image_id
        desk.clock.ahead = timedelta(days=2)
        desk.begin()
        assert desk.direct.status(old) is not None

    @pytest.mark.parametrize("error", [BackendUnavailable(detail="no rows"), RuntimeError("no rows")])
    def test_an_error_is_logged_only(self, world: World, caplog: pytest.LogCaptureFixture, error: Exception) -> None:
        desk = Desk(world, rows=Breaking(world.rows, "expired", error))
        desk.direct.sweep_when_begun()
        assert desk.begin().url
        assert "no rows" in caplog.text
