"""What a page reads: few calls, few items, and an end where a filter finds too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.metadata import dynamo_search
from services.metadata.dynamo_keys import PAIRED_VALUES
from services.metadata.dynamodb import DynamoRepository
from services.models import Image, ImageQuery, Position
from tests.contract.image_repository import dynamo
from tests.contract.image_repository.samples import CREATED, an_image


@dataclass
class Reads:
    """The queries that a repository sends: their partitions, and how many items they looked at."""

    partitions: list[str] = field(default_factory=list)
    looked_at: int = 0

    def ask(self, params: dict[str, Any], **_: object) -> None:
        self.partitions.append(params["ExpressionAttributeValues"][":pk"]["S"])

    def count(self, parsed: dict[str, Any], **_: object) -> None:
        self.looked_at += parsed["ScannedCount"]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[DynamoRepository]:
    with dynamo.empty_on_moto(tmp_path) as address, dynamo.connect(address) as connected:
        yield connected


@pytest.fixture
def reads(repository: DynamoRepository) -> Reads:
    seen = Reads()
    repository.table.client.meta.events.register("provide-client-params.dynamodb.Query", seen.ask)
    repository.table.client.meta.events.register("after-call.dynamodb.Query", seen.count)
    return seen


def stored(repository: DynamoRepository, count: int, **changes: Any) -> list[Image]:
    """Images a second apart, newest first."""
    images = [an_image(created_at=CREATED - timedelta(seconds=number), **changes) for number in range(count)]
    for image in images:
        repository.add(image)
    return images


def walk(repository: DynamoRepository, query: ImageQuery, limit: int) -> tuple[list[str], int]:
    """The ids of every page, and how many pages there were."""
    ids: list[str] = []
    after: Position | None = None
    for pages in range(1, 100):
        page = repository.search(query, limit=limit, after=after)
        assert len(page.images) <= limit
        ids += [image.image_id for image in page.images]
        after = page.after
        if after is None:
            return ids, pages
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        (ImageQuery(), 1),
        (ImageQuery(owner="ada"), 1),
        (ImageQuery(tags=("cat",)), 3),
        (ImageQuery(tags=("cat", "sleep")), 3),
        (ImageQuery(owner="ada", words=("cat",)), 3),
        (ImageQuery(owner="ada", words=("cat", "a")), 3),
        (ImageQuery(tags=("sleep",), words=("cat",)), 3),
        (ImageQuery(owner="ada", since=CREATED - timedelta(seconds=4)), 1),
    ],
)
def test_a_page_looks_at_one_image_more_than_it_has(
    repository: DynamoRepository, reads: Reads, query: ImageQuery, calls: int
) -> None:
    stored(repository, 12)
    assert len(repository.search(query, limit=4).images) == 4
    assert len(reads.partitions) == calls
    assert reads.looked_at == 5


def test_two_tags_that_seldom_meet_are_not_searched_for(repository: DynamoRepository, reads: Reads) -> None:
    stored(repository, 8, tags=("left",))
    stored(repository, 8, tags=("right",))
    (both,) = stored(repository, 1, tags=("right", "left"))
    assert repository.search(ImageQuery(tags=("left", "right")), limit=5).images == (both,)
    assert reads.looked_at == 1


def test_images_with_too_many_tags_or_words_for_pairs_are_found_by_them(repository: DynamoRepository) -> None:
    few = stored(repository, 3, tags=("a", "b"), title="red sea")
    many_tags = ("a", "b", *(f"t{number}" for number in range(18)))
    many_words = "red sea " + " ".join(f"w{number}" for number in range(PAIRED_VALUES - 21))
    assert len(many_tags) + len(many_words.split()) == PAIRED_VALUES + 1
    many = stored(repository, 7, tags=many_tags, title=many_words)
    stored(repository, 2, tags=("a",), title="red")
    stored(repository, 2, tags=many_tags[2:], title=many_words[7:])
    expected = {image.image_id for image in few + many}
    for query in (
        ImageQuery(tags=("b", "a")),
        ImageQuery(words=("sea", "red")),
        ImageQuery("ada", tags=("a", "b")),
        ImageQuery("ada", tags=("a",), words=("sea",)),
        ImageQuery(tags=("a", "b"), words=("sea", "red")),
    ):
        ids, _ = walk(repository, query, limit=4)
        assert len(ids) == len(expected)
        assert set(ids) == expected


def test_a_tag_and_a_word_that_seldom_meet_are_not_searched_for(repository: DynamoRepository, reads: Reads) -> None:
    stored(repository, 20, tags=("common",), title="one")
    stored(repository, 20, tags=("other",), title="rare")
    rare = stored(repository, 2, tags=("common",), title="rare")
    assert set(repository.search(ImageQuery(tags=("common",), words=("rare",)), limit=5).images) == set(rare)
    assert reads.looked_at == 2


def test_of_three_values_the_two_that_meet_least_are_read(repository: DynamoRepository, reads: Reads) -> None:
    stored(repository, 20, tags=("a", "b"), title="")
    stored(repository, 20, tags=("b", "c"), title="")
    stored(repository, 2, tags=("a", "c"), title="")
    all_three = stored(repository, 1, tags=("a", "b", "c"), title="")
    assert list(repository.search(ImageQuery(tags=("a", "b", "c")), limit=5).images) == all_three
    # Five of each that is common, and what is read of the rare one is not read again.
    assert reads.looked_at <= 5 + 3
    assert len(reads.partitions) <= 4


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_a_filter_that_finds_too_little_ends_the_page_and_the_next_goes_on(
    repository: DynamoRepository, reads: Reads, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(dynamo_search, "MAX_QUERIES", most)
    tags = [("a", "b", "c") if number % 9 == 0 else ("a", "b") for number in range(40)]
    images = [an_image(created_at=CREATED - timedelta(seconds=n), tags=each) for n, each in enumerate(tags)]
    for image in images:
        repository.add(image)
    query = ImageQuery(tags=("c", "b", "a"), words=("cat",))
    ids, pages = walk(repository, query, limit=2)
    assert ids == [image.image_id for image in images if "c" in image.tags]
    assert len(reads.partitions) <= pages * (most + 6), "a page samples every label once and reads each at least once"


def test_crossed_ends_of_a_range_find_nothing(repository: DynamoRepository, reads: Reads) -> None:
    stored(repository, 2)
    page = repository.search(ImageQuery(since=CREATED, until=CREATED - timedelta(days=1)), limit=2)
    assert (page.images, page.after) == ((), None)
    assert reads.partitions == []
