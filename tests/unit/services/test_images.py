"""Undoing a change takes back what the change made, and never what another request made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.errors import BackendError, BackendUnavailable, ImageNotFound, VersionConflict
from services.images import Images
from services.models import Caller, Image, ImageVersion

ME = Caller("me")
NOW = datetime(2024, 1, 1, tzinfo=UTC)
FIRST = ImageVersion("v1", "image/png", 3, "00", 1, 1, 1, 1, NOW)
MARKER = ImageVersion("marker", "", 0, "", 0, 0, 0, 1, NOW, deleted=True)
COPY = replace(FIRST, version_id="copy")
IMAGE = Image("id", "me", "images/id/a.png", "a.png", "", "", (), NOW, NOW, FIRST)


class Rows:
    """A repository of one image; ``meanwhile`` is what others commit before the next ``replace``."""

    def __init__(self, meanwhile: tuple[ImageVersion, ...] = ()) -> None:
        self.history = [FIRST]
        self.meanwhile = list(meanwhile)
        self.replace_error: BackendError | None = None
        self.version_error: BackendError | None = None

    def get(self, image_id: str) -> Image:
        return replace(IMAGE, current=self.history[-1], revision=len(self.history))

    def version(self, image_id: str, version_id: str) -> ImageVersion | None:
        if self.version_error:
            raise self.version_error
        return next((version for version in self.history if version.version_id == version_id), None)

    def replace(self, image: Image, *, expected_revision: int) -> None:
        if self.meanwhile:
            self.history += self.meanwhile
            self.meanwhile = []
        known = [version.version_id for version in self.history]
        if len(known) != expected_revision or image.current.version_id in known:
            raise VersionConflict
        if self.replace_error:
            raise self.replace_error
        self.history.append(image.current)


class Store:
    """Answers every delete with the same marker, as MinIO does on top of one."""

    def __init__(self) -> None:
        self.removed: list[str] = []

    def mark_deleted(self, key: str) -> str:
        return "marker"

    def copy_version(self, key: str, version_id: str, attributes: Any) -> str:
        return "copy"

    def remove_version(self, key: str, version_id: str) -> None:
        self.removed.append(version_id)


def delete(images: Images) -> None:
    images.delete("id", ME)


def restore(images: Images) -> None:
    images.restore("id", "v1", ME)


def made(rows: Any, store: Any) -> Images:
    return Images(store, rows, store, lambda: NOW)


@pytest.mark.parametrize(
    "meanwhile", [(MARKER,), (MARKER, COPY)], ids=["deleted by another", "deleted by another and restored"]
)
def test_the_marker_of_another_delete_is_not_removed(meanwhile: tuple[ImageVersion, ...]) -> None:
    rows, store = Rows(meanwhile), Store()

    with pytest.raises(ImageNotFound):
        delete(made(rows, store))

    assert store.removed == []
    assert rows.history == [FIRST, *meanwhile]


def test_a_marker_of_long_ago_is_not_removed() -> None:
    rows, store = Rows(), Store()
    rows.history += [MARKER, COPY]

    with pytest.raises(ImageNotFound):
        delete(made(rows, store))

    assert store.removed == []


def test_a_marker_beside_that_of_another_delete_is_removed() -> None:
    rows, store = Rows((replace(MARKER, version_id="another"),)), Store()

    with pytest.raises(ImageNotFound):
        delete(made(rows, store))

    assert store.removed == ["marker"]


@pytest.mark.parametrize(("act", "written"), [(delete, "marker"), (restore, "copy")])
def test_what_no_row_names_is_removed(act: Callable[[Images], None], written: str) -> None:
    rows, store = Rows(), Store()
    rows.replace_error = BackendUnavailable()

    with pytest.raises(BackendUnavailable):
        act(made(rows, store))

    assert store.removed == [written]


@pytest.mark.parametrize("act", [delete, restore])
def test_what_a_row_may_name_stays_and_is_logged(
    act: Callable[[Images], None], caplog: pytest.LogCaptureFixture
) -> None:
    class Dying(Rows):
        def replace(self, image: Image, *, expected_revision: int) -> None:
            self.version_error = BackendUnavailable(detail="the look-up failed")
            raise BackendUnavailable(detail="the cause")

    store = Store()
    with pytest.raises(BackendUnavailable) as error:
        act(made(Dying(), store))

    assert error.value.detail == "the cause"
    assert store.removed == []
    assert "could not undo: object images/id/a.png" in caplog.text
    assert "the look-up failed" in caplog.text
