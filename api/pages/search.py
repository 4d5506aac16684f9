"""A search as operators type it, and what it finds: the same for the page and for its JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from api.representation import metadata
from services.errors import InvalidInput
from services.models import Image, ImageQuery
from services.names import clean_owner, clean_title, split_tags
from services.words import words_asked


def query_of(search: dict[str, Any]) -> ImageQuery:
    """The core's query for the loaded members of ``Search``.

    :raises InvalidInput: for text that is no owner, tag or title, and for a title without a word in it.
    """
    words = words_asked(clean_title(search["title"])) if search.get("title") else ()
    if search.get("title") and not words:
        raise InvalidInput("title has no word to search for; use letters or digits.", code="invalid_field")
    until = search.get("until")
    return ImageQuery(
        owner=clean_owner(search["owner"]) if search.get("owner") else None,
        tags=split_tags(search["tags"]) if search.get("tags") else (),
        words=words,
        since=_midnight(search.get("since")),
        until=_midnight(until + timedelta(days=1)) if until else None,
        deleted=search["deleted"],
    )


def found_members(image: Image) -> dict[str, Any]:
    """The metadata object, with what undoes a delete: ``restore_version_id`` is the newest version that has bytes, and
    is None where the image is not deleted.
    """
    if not image.deleted:
        return {**metadata(image), "deleted": False, "restore_version_id": None}
    bytes_of = image.restorable
    shown: dict[str, Any] = {"deleted": True, "restore_version_id": bytes_of.version_id if bytes_of else None}
    if bytes_of:
        facts = ("content_type", "size", "width", "height", "sha256")
        shown |= {fact: getattr(bytes_of, fact) for fact in facts}
    return {**metadata(image), **shown}


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
