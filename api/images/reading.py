"""Reading what surface 1's requests say: who asks, what describes an image, which images are wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from api.context import caller, core
from services.errors import InvalidInput, NotAnImage
from services.models import PRIVATE, Caller, ImageFacts, ImageQuery, UploadFields
from services.names import (
    MAX_TITLE,
    clean_description,
    clean_owner,
    clean_tags,
    clean_text,
    clean_title,
    clean_visibility,
    split_tags,
)
from services.words import words_asked

_SIDEWAYS = 5
"""The first EXIF orientation that shows an image turned by a quarter."""


def named_caller(user_id: str | None) -> Caller:
    """Who asks: the request's ``X-User-ID`` or query, and the ``user_id`` of its body.

    :raises InvalidInput: when they name different users.
    """
    asks = caller()
    if user_id is None:
        return asks
    owner = clean_owner(user_id)
    if asks.name not in (None, owner):
        raise InvalidInput("X-User-ID and user_id name different users; send one.", code="invalid_field")
    return Caller(owner)


def described(members: Mapping[str, Any]) -> UploadFields:
    """The describing members of a body; None where absent or null."""
    given = {name: value for name, value in members.items() if value is not None}
    return UploadFields(
        title=clean_title(given["title"]) if "title" in given else None,
        description=clean_description(given["description"]) if "description" in given else None,
        tags=_tags(given["tags"]) if "tags" in given else None,
        visibility=clean_visibility(given["visibility"]) if "visibility" in given else None,
    )


def changes(members: Mapping[str, Any]) -> UploadFields:
    """What a PATCH changes: as ``described``, but null empties a member."""
    empty: dict[str, Any] = {"title": "", "description": "", "tags": [], "visibility": PRIVATE}
    return described({name: empty.get(name) if value is None else value for name, value in members.items()})


def expectation(width: int | None, height: int | None, declared_type: str | None) -> Callable[[ImageFacts], None]:
    """What compares the declared pixels, and when that is strict the declared type, with the bytes.

    Pixels may be declared as they are stored or, for an image that is shown turned, as they are shown.
    """
    limits = core().uploads.limits

    def compare(facts: ImageFacts) -> None:
        limits.refuse_declared(declared_type, facts.content_type)
        shapes = [(facts.width, facts.height)]
        if facts.orientation >= _SIDEWAYS:
            shapes.append((facts.height, facts.width))
        if not any(width in (None, wide) and height in (None, high) for wide, high in shapes):
            raise NotAnImage(
                f"The image has {facts.width} x {facts.height} pixels, not the declared width and height.",
                code="dimensions_mismatch",
            )

    return compare


def wanted(query: Mapping[str, Any]) -> ImageQuery | None:
    """The query of a listing; None when no image can match it."""
    words = words_asked(clean_text(query.get("title", ""), field="title", limit=MAX_TITLE))
    if query.get("title", "").strip() and not words:
        return None  # signs only, and titles are searched by words
    return ImageQuery(
        owner=clean_owner(query["user_id"]) if "user_id" in query else None,
        tags=clean_tags([*query.get("tag", ()), *split_tags(",".join(query.get("tags", ())))]),
        words=words,
        since=_moment("since", query["since"]) if "since" in query else None,
        until=_moment("until", query["until"]) if "until" in query else None,
    )


def cursor_of(last_key: str | None, *, empty: bool) -> str | None:
    """The cursor in ``last_key``: the JSON object of an earlier answer, or the cursor itself.

    :param empty: whether the query has no image, and so never had a second page.
    :raises InvalidInput: when it is neither.
    """
    if last_key is None:
        return None
    found: Any = last_key.strip()
    if found.startswith("{"):
        try:
            found = json.loads(found).get("cursor")
        except (ValueError, RecursionError):
            found = None
    if empty or not isinstance(found, str) or not found:
        raise InvalidInput(
            "last_key is not one that this service handed out; pass it on unchanged, or leave it out.",
            code="invalid_cursor",
        )
    return found


def _tags(value: str | list[str]) -> tuple[str, ...]:
    return split_tags(value) if isinstance(value, str) else clean_tags(value)


def _moment(name: str, text: str) -> datetime:
    """A date (its first moment) or a time in ISO 8601; UTC where it has no offset."""
    try:
        # A "+" that was not encoded arrives as a blank.
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"{name} is no date or time; send ISO 8601 such as 2026-11-21 or 2026-11-21T13:00:00Z.",
            code="invalid_field",
        ) from error
