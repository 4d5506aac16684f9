"""Rows follow objects: conflicts are tried again, lost answers are looked up, and only then is it a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.commits import MAX_ATTEMPTS, add_image, describe_current, promote_image, replace_current
from services.errors import (
    BackendUnavailable,
    DuplicateImage,
    ImageNotFound,
    PreconditionFailed,
    ServiceError,
    VersionConflict,
)
from services.models import Image, ImageVersion

NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)
FIRST = ImageVersion("v1", "image/png", 3, "00", 1, 1, 1, 1, NOON)
IMAGE = Image("id", "ada", "images/id/a.png", "a.png", "", "", (), NOON, NOON, FIRST)


@dataclass
class Rows:
    """One image. ``before`` fails a write without doing it, ``after`` when it is done: the answer was lost."""

    image: Image | None = IMAGE
    before: list[ServiceError] = field(default_factory=list)
    after: list[ServiceError] = field(default_factory=list)
    meanwhile: list[Image] = field(default_factory=list)
    blind: bool = False
    writes: int = 0

    def get(self, image_id: str) -> Image | None:
        return self.image

    def version(self, image_id: str, version_id: str) -> ImageVersion | None:
        if self.blind:
            raise BackendUnavailable
        current = self.image.current if self.image else None
        return current if current and current.version_id == version_id else None

    def add(self, image: Image) -> None:
        self._write(lambda: image)

    promote = add

    def replace(self, image: Image, *, expected_revision: int) -> None:
        if self.meanwhile:
            self.image = self.meanwhile.pop(0)
        if self.image is None:
            raise ImageNotFound
        if self.image.revision != expected_revision:
            raise VersionConflict
        self._write(lambda: replace(image, revision=expected_revision + 1))

    describe = replace

    def _write(self, change: Callable[[], Image]) -> None:
        self.writes += 1
        if self.before:
            raise self.before.pop()
        self.image = change()
        if self.after:
            raise self.after.pop()


def new_bytes(image: Image) -> Image:
    return replace(image, current=replace(FIRST, version_id="v2"), title=image.title + "!")


Change = Callable[..., Image]
BOTH = pytest.mark.parametrize("change_current", [replace_current, describe_current])
CREATING = pytest.mark.parametrize("create", [add_image, promote_image])


@CREATING
def test_an_image_is_stored(create: Change) -> None:
    rows: Any = Rows(image=None)
    assert create(rows, IMAGE) == IMAGE
    assert rows.image == IMAGE


@CREATING
def test_an_answer_that_was_lost_is_looked_up(create: Change) -> None:
    rows: Any = Rows(image=None, after=[BackendUnavailable()])
    assert create(rows, IMAGE) == IMAGE
    assert rows.writes == 1


@CREATING
@pytest.mark.parametrize("blind", [False, True], ids=["not stored", "can not be looked up"])
def test_what_is_not_known_to_be_stored_is_a_failure(create: Change, blind: bool) -> None:
    rows: Any = Rows(image=None, before=[BackendUnavailable(detail="the first one's")], blind=blind)
    with pytest.raises(BackendUnavailable) as caught:
        create(rows, IMAGE)
    assert caught.value.detail == "the first one's"


@pytest.mark.parametrize(("create", "error"), [(add_image, DuplicateImage), (promote_image, VersionConflict)])
def test_a_refusal_is_passed_on(create: Change, error: type[ServiceError]) -> None:
    rows: Any = Rows(before=[error()])
    with pytest.raises(error):
        create(rows, IMAGE)


@BOTH
def test_a_change_is_made_from_the_present_state(change_current: Change) -> None:
    rows: Any = Rows(image=replace(IMAGE, title="now", revision=7))
    changed = change_current(rows, "id", new_bytes)
    assert (changed.title, changed.revision) == ("now!", 8)
    assert rows.image == changed


@BOTH
def test_after_a_conflict_the_change_is_made_again_from_the_newer_state(change_current: Change) -> None:
    rows: Any = Rows(meanwhile=[replace(IMAGE, title="first", revision=2), replace(IMAGE, title="second", revision=3)])
    changed = change_current(rows, "id", new_bytes)
    assert (changed.title, changed.revision) == ("second!", 4)
    assert rows.writes == 1


@BOTH
def test_a_change_may_refuse_the_newer_state(change_current: Change) -> None:
    rows: Any = Rows(meanwhile=[replace(IMAGE, title="other", revision=2)])

    def picky(image: Image) -> Image:
        if image.title:
            raise PreconditionFailed
        return new_bytes(image)

    with pytest.raises(PreconditionFailed):
        change_current(rows, "id", picky)
    assert rows.writes == 0


@BOTH
def test_an_image_that_is_gone(change_current: Change) -> None:
    rows: Any = Rows(image=None)
    with pytest.raises(ImageNotFound):
        change_current(rows, "id", new_bytes)


@BOTH
def test_others_that_keep_winning_end_it(change_current: Change) -> None:
    rows: Any = Rows(meanwhile=[replace(IMAGE, revision=number) for number in range(2, 100)])
    with pytest.raises(BackendUnavailable) as caught:
        change_current(rows, "id", new_bytes)
    assert str(MAX_ATTEMPTS) in caught.value.detail
    assert rows.writes == 0


@pytest.mark.parametrize(
    ("before", "clock", "expected"),
    [
        (0.25, 0.5, 1.0),  # in the same second
        (0.5, 0.25, 1.0),  # by another server, whose clock is behind
        (5.0, 0.0, 6.0),
        (0.25, 1.5, 1.5),
        (0.25, 60.0, 60.0),
    ],
)
def test_a_new_version_is_at_least_a_second_later(before: float, clock: float, expected: float) -> None:
    """Last-Modified has whole seconds: two versions that share one would be the same to a client."""

    def at(seconds: float) -> datetime:
        return NOON + timedelta(seconds=seconds)

    def replaced(image: Image) -> Image:
        new = replace(FIRST, version_id="v2", created_at=at(clock))
        return replace(image, current=new, updated_at=at(clock))

    known = replace(IMAGE, current=replace(FIRST, created_at=at(before)), updated_at=at(before))
    # Somebody else commits first: the moment counts from their version, not from the one that was read.
    rows: Any = Rows(meanwhile=[replace(known, revision=2)])
    changed = replace_current(rows, "id", replaced)
    assert (changed.current.created_at, changed.updated_at) == (at(expected), at(expected))
    assert changed.created_at == NOON
    assert rows.image == changed


def test_a_replacement_whose_answer_was_lost_is_looked_up() -> None:
    rows: Any = Rows(after=[BackendUnavailable()])
    assert replace_current(rows, "id", new_bytes).current.version_id == "v2"
    assert rows.writes == 1


@pytest.mark.parametrize("blind", [False, True])
def test_a_replacement_that_is_not_known_to_be_stored_is_a_failure(blind: bool) -> None:
    rows: Any = Rows(before=[BackendUnavailable()], blind=blind)
    with pytest.raises(BackendUnavailable):
        replace_current(rows, "id", new_bytes)


def test_a_description_never_makes_an_image_older() -> None:
    rows: Any = Rows(image=replace(IMAGE, updated_at=NOON + timedelta(seconds=1)))
    changed = describe_current(rows, "id", lambda image: replace(image, title="now", updated_at=NOON))
    assert (changed.title, changed.updated_at) == ("now", NOON + timedelta(seconds=1))


def test_a_description_whose_answer_was_lost_is_a_failure() -> None:
    """It names no version that could be looked up; asking again changes nothing more."""
    rows: Any = Rows(after=[BackendUnavailable()])
    with pytest.raises(BackendUnavailable):
        describe_current(rows, "id", new_bytes)
