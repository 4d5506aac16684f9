"""Settling a direct upload while backends fail and others settle it too: one image, or nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.errors import (
    BackendUnavailable,
)
from services.models import REJECTED
from tests.unit.services.desk import HTML, JPEG, Desk
from tests.unit.services.world import Breaking, World


class TestFailures:
    @pytest.mark.parametrize("method", ["newest", "read", "copy_version"])
    def test_a_store_that_fails_leaves_it_pending(self, world: World, method: str) -> None:
        desk = Desk(world, store=Breaking(world.store, method, BackendUnavailable()))
        image_id = desk.arrived(JPEG).upload.image_id
        with pytest.raises(BackendUnavailable):
            desk.direct.settle(image_id)
        assert world.objects() == []
        assert Desk(world).direct.settle(image_id) is not None

    def test_a_row_that_fails_takes_the_copy_back(self, world: World) -> None:
        desk = Desk(world, rows=Breaking(world.rows, "promote", BackendUnavailable()))
        image_id = desk.arrived(JPEG).upload.image_id
        with pytest.raises(BackendUnavailable):
            desk.direct.settle(image_id)
        assert world.objects() == []
        assert Desk(world).direct.settle(image_id) is not None

    def test_a_lost_answer_counts_as_done(self, world: World) -> None:
        desk = Desk(world, rows=Breaking(world.rows, "promote", BackendUnavailable(), after=True))
        image_id = desk.arrived(JPEG).upload.image_id
        image = desk.direct.settle(image_id)
        assert image is not None
        assert world.rows.get(image_id) == image
        assert world.objects() == [(image.current.version_id, False)]

    def test_an_object_that_can_not_be_removed_is_left_to_the_sweep(
        self, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        desk = Desk(world, store=Breaking(world.store, "purge", BackendUnavailable(detail="the store is down")))
        image_id = desk.arrived(JPEG).upload.image_id
        assert desk.direct.settle(image_id) is not None
        assert "the store is down" in caplog.text
        assert len(desk.pending_objects()) == 1
        assert Desk(world).direct.sweep() == 1
        assert desk.pending_objects() == []
        assert world.rows.get(image_id) is not None


class TestRaces:
    def test_many_at_once_make_one_image(self, world: World) -> None:
        desk = Desk(world)
        for _ in range(5):
            image_id = desk.arrived(JPEG).upload.image_id
            start = threading.Barrier(6)

            def settle(image_id: str = image_id, start: threading.Barrier = start) -> Any:
                start.wait()
                return desk.direct.settle(image_id)

            with ThreadPoolExecutor(6) as pool:
                found = [future.result() for future in [pool.submit(settle) for _ in range(6)]]

            assert None not in found
            assert {image.current.version_id for image in found} == {found[0].current.version_id}
            [version] = world.store.list_versions(f"images/{image_id}")
            assert version.version_id == found[0].current.version_id
            assert desk.pending_objects() == []

    def test_who_loses_takes_back_its_own_copy_only(self, world: World) -> None:
        winner = Desk(world)

        class Overtaken(Breaking):
            def promote(self, image: Any) -> None:
                winner.direct.settle(image.image_id)
                world.rows.promote(image)

        loser = Desk(world, rows=Overtaken(world.rows, "", Exception()))
        image_id = loser.arrived(JPEG).upload.image_id

        image = loser.direct.settle(image_id)

        assert image == world.rows.get(image_id)
        assert image is not None
        assert world.objects() == [(image.current.version_id, False)]

    @pytest.mark.parametrize("method", ["read", "copy_version"])
    def test_somebody_else_is_done_in_between(self, world: World, method: str) -> None:
        winner = Desk(world)

        class Overtaken(Breaking):
            def __getattr__(self, name: str) -> Any:
                if name == method:
                    winner.direct.settle(image_id)
                return getattr(world.store, name)

        desk = Desk(world, store=Overtaken(world.store, "", Exception()))
        image_id = desk.arrived(JPEG).upload.image_id
        image = desk.direct.settle(image_id)
        assert image is not None
        assert world.objects() == [(image.current.version_id, False)]

    def test_one_rejects_while_another_does(self, world: World) -> None:
        winner = Desk(world)

        class Overtaken(Breaking):
            def reject(self, image_id: str, **reason: Any) -> None:
                winner.direct.settle(image_id)
                world.rows.reject(image_id, **reason)

        desk = Desk(world, rows=Overtaken(world.rows, "", Exception()))
        image_id = desk.arrived(HTML).upload.image_id
        assert desk.direct.settle(image_id) is None
        upload = desk.direct.status(image_id)
        assert upload is not None
        assert upload.status == REJECTED

    def test_swept_while_it_is_promoted(self, world: World) -> None:
        class Swept(Breaking):
            def promote(self, image: Any) -> None:
                world.rows.remove_pending(image.image_id)
                world.rows.promote(image)

        desk = Desk(world, rows=Swept(world.rows, "", Exception()))
        assert desk.direct.settle(desk.arrived(JPEG).upload.image_id) is None
        assert world.objects() == []
