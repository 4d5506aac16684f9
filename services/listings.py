"""Listing and searching images, page by page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from services.cursors import Cursors
from services.errors import ImageNotFound
from services.models import Caller, Image, ImageQuery, Totals
from services.ports import ImageRepository

MAX_LIMIT = 100


class Arrivals(Protocol):
    """Looks after uploads that went straight to the store."""

    def settle_all(self, owner: str | None) -> None:
        """Make what has arrived for ``owner`` (None: for anybody) visible; bounded, and it raises nothing."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One page; ``cursor`` leads to the next one and is None on the last."""

    images: tuple[Image, ...]
    cursor: str | None


class Listings:
    """The listings of one repository."""

    def __init__(self, repository: ImageRepository, arrivals: Arrivals, cursors: Cursors) -> None:
        self._repository = repository
        self._arrivals = arrivals
        self._cursors = cursors

    def page(self, query: ImageQuery, caller: Caller, *, limit: int, cursor: str | None = None) -> Listing:
        """The images of ``query`` that ``caller`` may see, newest first, at most ``limit`` (1 to 100).

        :param cursor: from an earlier page of the same query.
        :raises InvalidInput: for a cursor that is not one of this query.
        :raises ImageNotFound: when the query names an owner whose images the caller may not see.
        """
        if not caller.sees_all:
            if query.owner not in (None, caller.owner):
                raise ImageNotFound
            query = replace(query, owner=caller.owner)
        after = self._cursors.read(query, cursor) if cursor else None
        if after is None and not query.deleted:
            # On the first page only: later ones go on from where the reader was, where nothing new appears.
            self._arrivals.settle_all(query.owner)
        page = self._repository.search(query, limit=min(limit, MAX_LIMIT), after=after)
        return Listing(page.images, self._cursors.write(query, page.after) if page.after else None)

    def totals(self, *, days: int) -> Totals:
        """What is stored, and what was uploaded on each of the last ``days`` days."""
        return self._repository.totals(days=days)
