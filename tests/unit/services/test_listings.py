"""Who sees which listing, and when uploads that went straight to the store are looked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.cursors import Cursors
from services.errors import ImageNotFound, InvalidInput
from services.listings import Listings
from services.models import Caller, Image, ImageQuery, ImageVersion, Page, Position, Totals

NOON = datetime(2026, 2, 28, 12, tzinfo=UTC)
ANYBODY = Caller()


class Shy(Caller):
    """A caller who sees only what is their own, as with authentication on."""

    @property
    def sees_all(self) -> bool:
        return False


def image(number: int) -> Image:
    version = ImageVersion("v", "image/png", 3, "00", 1, 1, 1, 1, NOON)
    when = NOON - timedelta(seconds=number)
    return Image(f"id{number}", "ada", "images/a", "a.png", "", "", (), when, when, version)


@dataclass
class Rows:
    """A repository of five images that notes what it is asked."""

    asked: list[tuple[ImageQuery, int, Position | None]] = field(default_factory=list)

    def search(self, query: ImageQuery, *, limit: int, after: Position | None = None) -> Page:
        self.asked.append((query, limit, after))
        behind = [each for each in map(image, range(5)) if after is None or each.created_at < after.created_at]
        shown = tuple(behind[:limit])
        more = len(behind) > limit
        return Page(shown, Position(shown[-1].created_at, shown[-1].image_id) if more else None)

    def totals(self, *, days: int) -> Totals:
        return Totals(days, 0, 0, ())


@dataclass
class Arrivals:
    rows: Rows
    settled: list[str | None] = field(default_factory=list)

    def settle_all(self, owner: str | None) -> None:
        assert not self.rows.asked, "what has arrived belongs to the page that follows"
        self.settled.append(owner)


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def arrivals(rows: Rows) -> Arrivals:
    return Arrivals(rows)


@pytest.fixture
def listings(rows: Any, arrivals: Arrivals) -> Listings:
    return Listings(rows, arrivals, Cursors("secret"))


def test_pages_follow_each_other(listings: Listings) -> None:
    seen: list[str] = []
    cursor = None
    for expected in (2, 2, 1):
        page = listings.page(ImageQuery(), ANYBODY, limit=2, cursor=cursor)
        assert len(page.images) == expected
        seen += [each.image_id for each in page.images]
        cursor = page.cursor
    assert cursor is None
    assert seen == ["id0", "id1", "id2", "id3", "id4"]


def test_no_more_than_a_hundred_are_read(listings: Listings, rows: Rows) -> None:
    listings.page(ImageQuery(), ANYBODY, limit=1_000_000)
    assert rows.asked[0][1] == 100


def test_a_caller_who_sees_all_may_name_anybody_or_nobody(listings: Listings, rows: Rows) -> None:
    for owner in (None, "grace"):
        listings.page(ImageQuery(owner=owner), Caller("ada"), limit=5, cursor=None)
        assert rows.asked.pop()[0].owner == owner


def test_others_see_their_own(listings: Listings, rows: Rows, arrivals: Arrivals) -> None:
    for owner in (None, "ada"):
        listings.page(ImageQuery(owner=owner, tags=("x",)), Shy("ada"), limit=5)
        assert rows.asked.pop()[0] == ImageQuery(owner="ada", tags=("x",))
    assert arrivals.settled == ["ada", "ada"]
    with pytest.raises(ImageNotFound):
        listings.page(ImageQuery(owner="grace"), Shy("ada"), limit=5)
    assert rows.asked == []
    assert arrivals.settled == ["ada", "ada"]


def test_a_cursor_of_another_caller_is_refused(listings: Listings) -> None:
    cursor = listings.page(ImageQuery(), Shy("ada"), limit=2).cursor
    assert cursor is not None
    assert listings.page(ImageQuery(), Shy("ada"), limit=2, cursor=cursor).images
    with pytest.raises(InvalidInput):
        listings.page(ImageQuery(), Shy("grace"), limit=2, cursor=cursor)


def test_a_cursor_of_another_query_is_refused_before_anything_is_read(
    listings: Listings, rows: Rows, arrivals: Arrivals
) -> None:
    cursor = listings.page(ImageQuery(tags=("x",)), ANYBODY, limit=2).cursor
    rows.asked.clear()
    arrivals.settled.clear()
    for other in (ImageQuery(), ImageQuery(owner="ada", tags=("x",)), ImageQuery(tags=("y",))):
        with pytest.raises(InvalidInput):
            listings.page(other, ANYBODY, limit=2, cursor=cursor)
    assert (rows.asked, arrivals.settled) == ([], [])


def test_arrivals_are_looked_for_on_the_first_page_of_visible_images_only(
    listings: Listings, rows: Rows, arrivals: Arrivals
) -> None:
    query = ImageQuery(owner="grace")
    cursor = listings.page(query, ANYBODY, limit=2).cursor
    assert arrivals.settled == ["grace"]
    listings.page(query, ANYBODY, limit=2, cursor=cursor)
    listings.page(replace(query, deleted=True), ANYBODY, limit=2)
    assert arrivals.settled == ["grace"]
    assert len(rows.asked) == 3


def test_totals_are_the_repositorys(listings: Listings) -> None:
    assert listings.totals(days=7) == Totals(7, 0, 0, ())
