from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.errors import DuplicateImage, ImageNotFound, VersionConflict
from services.models import DayTotal, Totals
from services.ports import Repository
from tests.contract.image_repository.samples import CREATED, a_marker, a_version, an_image, with_current

DAY = timedelta(days=1)


def test_nothing_stored(repository: Repository) -> None:
    assert repository.totals(days=30) == Totals(0, 0, 0, ())


def test_visible_images_their_bytes_and_deleted_ones(repository: Repository) -> None:
    one, two, three = (an_image(a_version(size=size)) for size in (10, 2**40, 1000))
    for image in (one, two, three):
        repository.add(image)
    repository.replace(with_current(one, "v2", title="bigger"), expected_revision=1)
    repository.replace(replace(three, current=a_marker()), expected_revision=1)
    found = repository.totals(days=1)
    assert (found.images, found.size, found.deleted) == (2, 4321 + 2**40, 1)
    repository.replace(with_current(three, "v3"), expected_revision=2)
    found = repository.totals(days=1)
    assert (found.images, found.size, found.deleted) == (3, 2 * 4321 + 2**40, 0)


def test_refused_changes_do_not_count(repository: Repository) -> None:
    image = an_image(a_version(size=10))
    repository.add(image)
    with pytest.raises(DuplicateImage):
        repository.add(image)
    with pytest.raises(VersionConflict):
        repository.replace(with_current(image, "v2"), expected_revision=7)
    with pytest.raises(VersionConflict):
        repository.replace(image, expected_revision=1)
    with pytest.raises(ImageNotFound):
        repository.replace(an_image(), expected_revision=1)
    found = repository.totals(days=1)
    assert (found.images, found.size, found.deleted) == (1, 10, 0)


def test_days_are_utc_and_go_back_from_today(repository: Repository) -> None:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if now - midnight > DAY - timedelta(minutes=2):  # so near to the next day, "today" is the one that comes
        midnight += DAY
        now = midnight
    for when in (now, midnight, midnight - timedelta(microseconds=1), midnight - DAY, midnight - 5 * DAY, CREATED):
        repository.add(an_image(a_version(size=3), created_at=when))
    today = midnight.date()
    expected = [DayTotal(today - 5 * DAY, 1, 3), DayTotal(today - DAY, 2, 6), DayTotal(today, 2, 6)]
    assert repository.totals(days=6).days == tuple(expected)
    assert repository.totals(days=5).days == tuple(expected[1:])
    assert repository.totals(days=1).days == tuple(expected[2:])
    assert repository.totals(days=100_000).days == (DayTotal(CREATED.date(), 1, 3), *expected)
    assert repository.totals(days=1).images == 6


def test_times_before_1970_have_days_too(repository: Repository) -> None:
    for when in (datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(1969, 12, 31), datetime(1, 1, 1)):  # noqa: DTZ001
        repository.add(an_image(a_version(size=1), created_at=when.replace(tzinfo=UTC)))
    days = {total.day.isoformat(): total.images for total in repository.totals(days=1_000_000).days}
    assert days == {"0001-01-01": 1, "1969-12-31": 2}


def test_a_day_without_visible_images_is_left_out(repository: Repository) -> None:
    image = an_image(created_at=datetime.now(UTC))
    repository.add(image)
    repository.replace(replace(image, current=a_marker()), expected_revision=1)
    assert repository.totals(days=3).days == ()


def test_writers_of_one_day_lose_no_count(repository: Repository) -> None:
    def add(_: int) -> None:
        for _ in range(5):
            image = an_image(a_version(size=7))
            repository.add(image)
            repository.replace(replace(image, current=a_version("v2", size=8)), expected_revision=1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    found = repository.totals(days=1)
    assert (found.images, found.size, found.deleted) == (40, 320, 0)
