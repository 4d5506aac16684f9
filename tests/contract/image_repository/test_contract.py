from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.errors import DuplicateImage, ImageNotFound, VersionConflict
from services.models import Image
from services.ports import Repository
from tests.contract.image_repository.backends import Backend
from tests.contract.image_repository.samples import CREATED, a_marker, a_version, an_image, with_current

HOSTILE = [
    "😀 👩‍👩‍👧 é 中文 \u202egnp.exe",
    "'; DROP TABLE images; --",
    '"%_\\ * ? [a-z] $1 :id %(id)s {x}',
    "",
    " leading and trailing ",
    "x" * 10_000,
]

storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


def test_an_added_image_is_read_back_equal(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    assert repository.get(image.image_id) == image
    assert repository.versions(image.image_id) == [image.current]
    assert repository.version(image.image_id, "v1") == image.current


def test_unknown_ids_find_nothing(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    assert repository.get("unknown") is None
    assert repository.versions("unknown") == []
    assert repository.version("unknown", "v1") is None
    assert repository.version(image.image_id, "unknown") is None


@pytest.mark.parametrize("name", ["", "%", "_", "v%", "a\0b", "\ud800", "x" * 100_000, "' OR '1'='1"])
def test_ids_that_nobody_could_have_stored_find_nothing(repository: Repository, name: str) -> None:
    image = an_image()
    repository.add(image)
    assert repository.get(name) is None
    assert repository.versions(name) == []
    assert repository.version(image.image_id, name) is None


def test_an_id_is_added_once(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    other = replace(with_current(image, "v2"), title="another")
    with pytest.raises(DuplicateImage):
        repository.add(other)
    assert repository.get(image.image_id) == image
    assert repository.versions(image.image_id) == [image.current]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_data(repository: Repository, text: str) -> None:
    image = an_image(owner=text, filename=text, title=text, description=text, tags=(text, "b", text), object_key=text)
    image = replace(image, current=a_version(f"v{text}"))
    repository.add(image)
    assert repository.get(image.image_id) == image
    assert repository.version(image.image_id, f"v{text}") == image.current


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=storable, tags=st.lists(storable, max_size=5), when=st.datetimes(timezones=st.just(UTC)))
def test_any_text_and_time_round_trips(
    backend: Backend, address: str, repository: Repository, title: str, tags: list[str], when: datetime
) -> None:
    backend.clear(address)  # moto copies its whole table for every write
    image = an_image(title=title, tags=tuple(tags), created_at=when, updated_at=when)
    image = replace(image, current=a_version(created_at=when))
    repository.add(image)
    assert repository.get(image.image_id) == image


def test_times_come_back_aware_in_utc_to_the_microsecond(repository: Repository) -> None:
    local = datetime(2026, 3, 29, 3, 0, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    image = an_image(created_at=local, updated_at=local + timedelta(microseconds=1))
    repository.add(image)
    found = repository.get(image.image_id)
    assert found is not None
    assert found.created_at == local
    assert found.created_at.tzinfo is UTC
    assert found.updated_at - found.created_at == timedelta(microseconds=1)


@pytest.mark.parametrize("size", [0, 2**31, 2**32 + 1, 5 * 1024**4])
def test_sizes_beyond_32_bits(repository: Repository, size: int) -> None:
    image = an_image(a_version(size=size))
    repository.add(image)
    found = repository.get(image.image_id)
    assert found is not None
    assert found.current.size == size


def test_replace_appends_and_makes_current(repository: Repository) -> None:
    first = an_image()
    repository.add(first)
    second = replace(
        first,
        owner="grace",
        object_key="images/elsewhere",
        filename="dog.png",
        title="A dog",
        description="awake",
        tags=(),
        updated_at=CREATED + timedelta(seconds=1),
        current=a_version("v2", content_type="image/png", size=1, sha256="cd" * 32, width=1, height=2, frames=3),
    )
    repository.replace(second, expected_revision=1)
    assert repository.get(first.image_id) == second
    assert repository.versions(first.image_id) == [second.current, first.current]
    assert repository.version(first.image_id, "v1") == first.current


def test_replace_leaves_other_images_alone(repository: Repository) -> None:
    image, other = an_image(), an_image()
    repository.add(image)
    repository.add(other)
    repository.replace(with_current(image, "v2", title="changed"), expected_revision=1)
    assert repository.get(other.image_id) == other
    assert repository.versions(other.image_id) == [other.current]


def test_replace_of_a_stale_version_changes_nothing(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    second = with_current(image, "v2")
    repository.replace(second, expected_revision=1)
    for stale in (1, 0, -1, 3):
        with pytest.raises(VersionConflict):
            repository.replace(with_current(image, "v3", title="lost"), expected_revision=stale)
    assert repository.get(image.image_id) == second
    assert len(repository.versions(image.image_id)) == 2


def test_replace_with_a_version_that_is_recorded_changes_nothing(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    second = with_current(image, "v2")
    repository.replace(second, expected_revision=1)
    with pytest.raises(VersionConflict):
        repository.replace(with_current(image, "v1", title="again"), expected_revision=2)
    assert repository.get(image.image_id) == second
    assert len(repository.versions(image.image_id)) == 2


def test_replace_of_an_unknown_image(repository: Repository) -> None:
    image = an_image()
    with pytest.raises(ImageNotFound):
        repository.replace(image, expected_revision=1)
    assert repository.get(image.image_id) is None
    assert repository.versions(image.image_id) == []


def test_a_delete_marker_is_a_version_like_others(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    deleted = replace(image, current=a_marker())
    repository.replace(deleted, expected_revision=1)
    found = repository.get(image.image_id)
    assert found == deleted
    assert found is not None
    assert found.deleted
    restored = with_current(image, "v3")
    repository.replace(restored, expected_revision=2)
    assert repository.get(image.image_id) == restored
    listed = [(each.version_id, each.deleted) for each in repository.versions(image.image_id)]
    assert listed == [("v3", False), ("marker", True), ("v1", False)]


def test_versions_are_in_the_order_of_writing_not_of_their_clocks(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    before: Image = image
    for number in range(2, 13):
        changed = replace(before, current=a_version(f"v{number}", created_at=CREATED - timedelta(days=number)))
        repository.replace(changed, expected_revision=number - 1)
        before = changed
    names = [each.version_id for each in repository.versions(image.image_id)]
    assert names == [f"v{number}" for number in range(12, 0, -1)]


def test_two_images_may_have_versions_of_one_name(repository: Repository) -> None:
    """Object stores number versions per key."""
    one, two = an_image(a_version("1", size=1)), an_image(a_version("1", size=2))
    repository.add(one)
    repository.add(two)
    assert repository.version(one.image_id, "1") == one.current
    assert repository.version(two.image_id, "1") == two.current


def test_check_passes(repository: Repository) -> None:
    repository.check()
