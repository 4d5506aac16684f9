"""A delete or a restore is done or it never was: failures between the store's step and the row's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.errors import (
    BackendUnavailable,
    ImageNotFound,
)
from services.images import Images
from services.metadata.sql import SqlImageRepository
from services.models import Caller, Image
from tests.unit.services.world import ME, Breaking, World, store


class TestDeleteAndRestore:
    @pytest.mark.parametrize("action", ["delete", "restore"])
    def test_a_refused_row_takes_back_what_the_store_did(self, world: World, jpeg_photo: bytes, action: str) -> None:
        image = store(world.uploads(), jpeg_photo)
        images = world.images(Breaking(world.rows, "replace", BackendUnavailable()))
        with pytest.raises(BackendUnavailable):
            act(images, action, image)
        assert world.objects() == [(image.current.version_id, False)]
        assert world.rows.get(image.image_id) == image

    @pytest.mark.parametrize("action", ["delete", "restore"])
    def test_a_lost_answer_counts(self, world: World, jpeg_photo: bytes, action: str) -> None:
        image = store(world.uploads(), jpeg_photo)
        act(world.images(Breaking(world.rows, "replace", BackendUnavailable(), after=True)), action, image)
        assert len(world.rows.versions(image.image_id)) == len(world.objects()) == 2

    def test_two_deletes_at_once_delete_once(self, world: World, jpeg_photo: bytes) -> None:
        image = store(world.uploads(), jpeg_photo)
        racing = RacingRepository(world.rows, lambda: world.images().delete(image.image_id, ME))
        with pytest.raises(ImageNotFound):
            world.images(racing).delete(image.image_id, ME)
        assert [deleted for _, deleted in world.objects()] == [True, False]

    def test_foreigners_can_neither_delete_nor_restore(self, world: World, jpeg_photo: bytes) -> None:
        image = store(world.uploads(), jpeg_photo)
        for action in ("delete", "restore"):
            with pytest.raises(ImageNotFound):
                act(world.images(), action, image, Caller("somebody else"))
        assert len(world.objects()) == 1


def act(images: Images, action: str, image: Image, caller: Caller = ME) -> None:
    if action == "delete":
        images.delete(image.image_id, caller)
    else:
        images.restore(image.image_id, image.current.version_id, caller)


class RacingRepository:
    """Lets somebody else act once, between this caller's look and its change."""

    def __init__(self, inner: SqlImageRepository, other: Callable[[], object]) -> None:
        self._inner, self._other = inner, other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def replace(self, image: Image, *, expected_revision: int) -> None:
        other, self._other = self._other, lambda: None
        other()
        self._inner.replace(image, expected_revision=expected_revision)
