"""A repository's listings and totals written without a thought of speed: what the real ones must equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from services.models import DayTotal, Image, ImageQuery, Page, Position, Totals
from services.ports import ImageRepository, Repository
from services.words import words_of


def place(image: Image) -> Position:
    return Position(image.created_at, image.image_id)


def matches(query: ImageQuery, image: Image) -> bool:
    return (
        image.deleted == query.deleted
        and query.owner in (None, image.owner)
        and set(query.tags) <= set(image.tags)
        and set(query.words) <= set(words_of(image.title))
        and (query.since is None or query.since <= image.created_at)
        and (query.until is None or image.created_at < query.until)
    )


def listed(images: Iterable[Image], query: ImageQuery, after: Position | None = None) -> list[Image]:
    """Everything that the query matches behind ``after``, in the order of the listing."""
    found = [each for each in images if matches(query, each) and (after is None or place(each) < after)]
    return sorted(found, key=place, reverse=True)


def assert_next_page(
    page: Page, images: Iterable[Image], query: ImageQuery, limit: int, after: Position | None
) -> None:
    """The page has what comes next, and goes on where it ends. A page may end early only if another follows."""
    expected = listed(images, query, after)
    count = len(page.images)
    assert count <= limit
    assert list(page.images) == expected[:count]
    if page.after is None:
        assert count == len(expected)
    else:
        assert after is None or page.after < after, "every page gets further"
        assert all(place(image) < page.after for image in expected[count:]), "nothing is skipped"
        assert count < len(expected) or count < limit, "no empty page behind a full one"


def walk(repository: ImageRepository, query: ImageQuery, limit: int) -> list[Image]:
    """Every image of a listing, page by page."""
    found: list[Image] = []
    after = None
    while True:
        page = repository.search(query, limit=limit, after=after)
        found += page.images
        if page.after is None:
            return found
        after = page.after


def totals(images: Iterable[Image], *, days: int, today: date) -> Totals:
    images = list(images)
    visible = [each for each in images if not each.deleted]
    by_day: dict[date, list[int]] = defaultdict(list)
    for each in visible:
        by_day[each.created_at.date()].append(each.current.size)
    recent = sorted(day for day in by_day if day > today - timedelta(days=days))
    return Totals(
        images=len(visible),
        size=sum(each.current.size for each in visible),
        deleted=len(images) - len(visible),
        days=tuple(DayTotal(day, len(by_day[day]), sum(by_day[day])) for day in recent),
    )


def store(repository: Repository, images: Iterable[Image]) -> list[Image]:
    """Add them all."""
    stored = list(images)
    for image in stored:
        repository.add(image)
    return stored


def found(repository: Repository, **query) -> set[str]:
    """The ids of all that a query finds."""
    return {image.image_id for image in walk(repository, ImageQuery(**query), 100)}
