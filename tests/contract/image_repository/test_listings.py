"""What a listing shows, in which order, page by page."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.errors import ImageNotFound, VersionConflict
from services.models import ImageQuery
from services.ports import Repository
from services.words import words_of
from tests.contract.image_repository.model import assert_next_page, found, listed, place, store, walk
from tests.contract.image_repository.samples import CREATED, a_marker, a_version, an_image, with_current

SECOND = timedelta(seconds=1)
LONG = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(3_000))  # 9 kB that does not compress
HOSTILE = [
    "😀👩‍👩‍👧",
    "\u202egnp.exe\u202c",
    "'; DROP TABLE images; --",
    '"%_\\*?[a-z]$1:id%(id)s{x}',
    "%",
    "_",
    "a#b",
    "red,blue",
    '["red"]',
    "null",
    LONG,
]


def test_nothing_stored_is_one_empty_page(repository: Repository) -> None:
    page = repository.search(ImageQuery(), limit=20)
    assert (page.images, page.after) == ((), None)


def test_newest_first_in_pages(repository: Repository) -> None:
    images = store(repository, (an_image(created_at=CREATED + number * SECOND) for number in (3, 1, 4, 0, 2)))
    expected = sorted(images, key=lambda image: image.created_at, reverse=True)
    first = repository.search(ImageQuery(), limit=2)
    assert list(first.images) == expected[:2]
    second = repository.search(ImageQuery(), limit=2, after=first.after)
    assert list(second.images) == expected[2:4]
    third = repository.search(ImageQuery(), limit=2, after=second.after)
    assert list(third.images) == expected[4:]
    assert third.after is None


def test_a_last_page_that_is_full_says_so(repository: Repository) -> None:
    store(repository, (an_image(tags=("a", "b"), title="x y") for _ in range(4)))
    for query in (
        ImageQuery(),
        ImageQuery(owner="ada"),
        ImageQuery(tags=("a",)),
        ImageQuery(tags=("a", "b")),
        ImageQuery(words=("x", "y")),
    ):
        page = repository.search(query, limit=4)
        assert len(page.images) == 4
        assert page.after is None


def test_images_of_one_moment_are_in_order_of_their_ids(repository: Repository) -> None:
    """Compared by code points: hyphens and case count, whatever the language of the database."""
    ids = ["a-b", "ab", "a", "B", "b", "a-", "Z9", "z9", "é", "e\u0301", "～", "𝒳"]
    images = store(repository, (an_image(image_id=each) for each in ids))
    for query in (ImageQuery(), ImageQuery(owner="ada"), ImageQuery(tags=("cat",)), ImageQuery(words=("a", "cat"))):
        for limit in (1, 5, 100):
            walked = [image.image_id for image in walk(repository, query, limit)]
            assert walked == sorted(ids, reverse=True)
    assert [each.image_id for each in listed(images, ImageQuery())] == sorted(ids, reverse=True)


def test_owners_are_exact(repository: Repository) -> None:
    ada, adam, upper = store(repository, (an_image(owner=owner) for owner in ("ada", "adam", "Ada")))
    assert found(repository, owner="ada") == {ada.image_id}
    assert found(repository, owner="Ada") == {upper.image_id}
    assert found(repository, owner="ad") == set()
    assert found(repository, owner="ad%") == set()
    assert found(repository, owner="") == set()
    assert found(repository) == {ada.image_id, adam.image_id, upper.image_id}


def test_tags_are_exact(repository: Repository) -> None:
    image = an_image(tags=("cat", "black cat", "Été"), title="dog")
    repository.add(image)
    for tags in (("cat",), ("black cat",), ("Été",), ("cat", "Été"), ("Été", "black cat", "cat"), ("cat", "cat")):
        assert found(repository, tags=tags) == {image.image_id}, tags
        assert found(repository, tags=tags, owner="ada") == {image.image_id}, tags
        assert found(repository, tags=tags, owner="grace") == set(), tags
    for tags in (
        ("ca",),
        ("cats",),
        ("CAT",),
        ("black",),
        ("e\u0301te\u0301",),
        ("",),
        ("dog",),
        ("cat", "dog"),
        ("c%",),
    ):
        assert found(repository, tags=tags) == set(), tags


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_is_data_in_searches_too(repository: Repository, text: str) -> None:
    text = text[:253]  # titles are no longer
    tagged = an_image(owner="o'%_\"", title=f"{text} x", tags=(text, "b"))
    store(repository, (tagged, an_image(title="other", tags=("other", "b"))))
    assert found(repository, tags=(text,)) == {tagged.image_id}
    assert found(repository, tags=(text, "b")) == {tagged.image_id}
    assert found(repository, owner="o'%_\"", tags=(text,)) == {tagged.image_id}
    assert found(repository, words=words_of(f"{text} X")) == {tagged.image_id}


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 100_000, LONG])
def test_what_nobody_could_have_stored_finds_nothing(repository: Repository, text: str) -> None:
    repository.add(an_image())
    for query in ({"owner": text}, {"tags": (text,)}, {"tags": (text, "cat")}, {"words": (text,)}):
        assert found(repository, **query) == set()


def test_since_is_included_and_until_is_not(repository: Repository) -> None:
    images = store(repository, (an_image(created_at=CREATED + number * SECOND) for number in range(5)))
    microsecond = timedelta(microseconds=1)
    for kind in ({}, {"owner": "ada"}, {"tags": ("cat",)}, {"words": ("a", "cat")}):
        for since, until in (
            (CREATED + SECOND, None),
            (None, CREATED + 3 * SECOND),
            (CREATED + SECOND, CREATED + 3 * SECOND),
            (CREATED + SECOND + microsecond, CREATED + 3 * SECOND + microsecond),
            (CREATED + 3 * SECOND, CREATED + SECOND),
            (CREATED, CREATED),
            (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        ):
            query = ImageQuery(since=since, until=until, **kind)
            assert walk(repository, query, 1) == listed(images, query), query
            assert walk(repository, query, 50) == listed(images, query), query


def test_a_page_behind_the_range_is_empty(repository: Repository) -> None:
    images = store(repository, (an_image(created_at=CREATED + number * SECOND) for number in range(3)))
    query = ImageQuery(since=CREATED + SECOND)
    page = repository.search(query, limit=5, after=place(images[1]))
    assert (page.images, page.after) == ((), None)


def test_deleted_images_are_listed_apart_and_come_back(repository: Repository) -> None:
    kept, gone = store(repository, (an_image(), an_image()))
    deleted = replace(gone, current=a_marker())
    repository.replace(deleted, expected_revision=1)
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"owner": "ada"},
        {"tags": ("cat",)},
        {"tags": ("cat", "sleep")},
        {"words": ("cat",)},
    )
    for kind in (*kinds, {"words": ("cat", "a")}):
        assert found(repository, **kind) == {kept.image_id}, kind
        assert found(repository, **kind, deleted=True) == {gone.image_id}, kind
    assert repository.search(ImageQuery(deleted=True), limit=5).images == (deleted,)
    repository.replace(with_current(deleted, "v3"), expected_revision=2)
    for kind in kinds:
        assert found(repository, **kind) == {kept.image_id, gone.image_id}, kind
        assert found(repository, **kind, deleted=True) == set(), kind


def test_a_page_has_whole_and_current_images(repository: Repository) -> None:
    image = an_image(title="one two", tags=("x", "y", "z"))
    repository.add(image)
    changed = replace(image, title="two three", current=a_version("v2", size=9, frames=3), revision=2)
    repository.replace(changed, expected_revision=1)
    for query in (ImageQuery(), ImageQuery(tags=("x",)), ImageQuery(tags=("x", "y", "z"), words=("three",))):
        (only,) = repository.search(query, limit=2).images
        assert (only, only.revision) == (changed, 2)


def test_describing_changes_what_finds_an_image(repository: Repository) -> None:
    image = an_image(title="old title", tags=("old", "both"))
    repository.add(image)
    described = replace(
        image, title="new title", tags=("both", "new"), description="words", visibility="public",
        updated_at=CREATED + SECOND,
    )  # fmt: skip
    repository.describe(replace(described, filename="not.changed"), expected_revision=1)
    stored = repository.get(image.image_id)
    assert stored == described
    assert stored is not None
    assert stored.revision == 2
    assert repository.versions(image.image_id) == [image.current]
    for query in ({"tags": ("old",)}, {"tags": ("old", "both")}, {"words": ("old",)}):
        assert found(repository, **query) == set()
    for query in ({"tags": ("new",)}, {"tags": ("new", "both")}, {"words": ("new",)}, {"words": ("title",)}):
        assert found(repository, **query) == {image.image_id}


def test_describing_needs_the_expected_revision(repository: Repository) -> None:
    image = an_image()
    with pytest.raises(ImageNotFound):
        repository.describe(image, expected_revision=1)
    repository.add(image)
    for stale in (0, 2):
        with pytest.raises(VersionConflict):
            repository.describe(replace(image, tags=("lost",)), expected_revision=stale)
    assert repository.get(image.image_id) == image
    assert found(repository, tags=("lost",)) == set()
    assert found(repository, tags=("cat",)) == {image.image_id}


def test_a_refused_replace_changes_no_listing(repository: Repository) -> None:
    image = an_image()
    repository.add(image)
    with pytest.raises(VersionConflict):
        repository.replace(with_current(image, "v1", tags=("lost",)), expected_revision=1)
    assert found(repository, tags=("lost",)) == set()
    assert found(repository, tags=("cat",)) == {image.image_id}


def test_conditions_that_seldom_meet(repository: Repository) -> None:
    """Lists that are walked in several pieces: hundreds of images have one condition, few have all."""
    images = store(
        repository,
        (
            an_image(
                created_at=CREATED + number * SECOND,
                tags=("all", "left" if number % 2 else "right", *(("both",) if number % 60 == 7 else ())),
                title="even" if number % 2 == 0 else "odd",
            )
            for number in range(240)
        ),
    )
    for query in (
        ImageQuery(tags=("left", "all", "both")),
        ImageQuery(tags=("all", "both"), words=("odd",)),
        ImageQuery(owner="ada", tags=("left",), words=("even",)),
        ImageQuery(owner="ada", tags=("all", "right"), words=("even",), until=CREATED + 100 * SECOND),
    ):
        after = None
        for _ in range(100):
            page = repository.search(query, limit=3, after=after)
            assert_next_page(page, images, query, 3, after)
            after = page.after
            if after is None:
                break
        assert after is None
        assert walk(repository, query, 100) == listed(images, query)


def test_a_walk_while_others_add_and_delete(repository: Repository) -> None:
    stay = store(repository, (an_image(created_at=CREATED + 2 * number * SECOND) for number in range(30)))
    done = threading.Event()

    def disturb(parity: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            image = an_image(created_at=CREATED + (2 * (number % 30) + parity) * SECOND)
            repository.add(image)
            repository.replace(replace(image, current=a_marker()), expected_revision=1)

    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(disturb, parity) for parity in (0, 1)]
        try:
            for kind in ({}, {"owner": "ada"}, {"tags": ("cat", "sleep")}, {"tags": ("cat",), "words": ("a",)}):
                seen = [image.image_id for image in walk(repository, ImageQuery(**kind), 4)]
                assert len(seen) == len(set(seen))
                assert {image.image_id for image in stay} <= set(seen)
        finally:
            done.set()
        for other in others:
            other.result()
