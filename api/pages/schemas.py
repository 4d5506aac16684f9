"""What operators ask and what they are answered, as the OpenAPI document shows it."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, pre_load, validate

from api.arguments import WholeNumber
from api.members import JOINED_TAGS, OWNER, TITLE
from api.openapi import Answer

PAGE_SIZE = 24
LAST_DAY = date(9998, 12, 31)
"""A day that still has a next one."""


class Search(Schema):
    """Query arguments of the search; what is empty is not asked for, since forms send their empty fields too."""

    class Meta:
        """Unknown arguments are ignored."""

        unknown = EXCLUDE

    owner = fields.String(metadata={**OWNER, "description": "Whose images."})
    tags = fields.String(metadata={**JOINED_TAGS, "description": "Comma-separated; an image must have all of them."})
    title = fields.String(metadata={**TITLE, "description": "Words that the title must have, whatever their case."})
    since = fields.Date(metadata={"description": "First day of upload (UTC)."}, validate=validate.Range(max=LAST_DAY))
    until = fields.Date(metadata={"description": "Last day of upload (UTC)."}, validate=validate.Range(max=LAST_DAY))
    deleted = fields.Boolean(load_default=False, metadata={"description": "The deleted images instead."})
    limit = WholeNumber(load_default=PAGE_SIZE, validate=validate.Range(1, 100))
    cursor = fields.String(metadata={"description": "From the answer before."})

    @pre_load
    def drop_empty(self, given: Any, **_: Any) -> Any:
        """Without the arguments that are empty."""
        return {name: value for name, value in given.items() if value != ""}


class DayOfTotals(Answer):
    """One day (UTC)."""

    day = fields.Date(required=True)
    images = fields.Integer(required=True)
    size = fields.Integer(required=True, metadata={"description": "Bytes."})


class StoredTotals(Answer):
    """What is stored."""

    images = fields.Integer(required=True, metadata={"description": "Images that are not deleted."})
    size = fields.Integer(required=True, metadata={"description": "Bytes of their current versions."})
    deleted = fields.Integer(required=True, metadata={"description": "Deleted images."})
    days = fields.List(fields.Nested(DayOfTotals), required=True)


class FoundImage(Answer):
    """An image as the search shows it."""

    image_id = fields.UUID(required=True)
    user_id = fields.String(required=True)
    key = fields.String(required=True)
    content_type = fields.String(required=True)
    size = fields.Integer(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)
    title = fields.String(required=True)
    tags = fields.List(fields.String(), required=True)
    original_filename = fields.String(required=True)
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)
    version_id = fields.String(required=True)
    deleted = fields.Boolean(required=True)
    restore_version_id = fields.String(
        required=True, allow_none=True, metadata={"description": "What to restore to undo the delete."}
    )


class Found(Answer):
    """One page of a search."""

    images = fields.List(fields.Nested(FoundImage), required=True)
    count = fields.Integer(required=True, metadata={"description": "Images on this page."})
    cursor = fields.String(required=True, allow_none=True, metadata={"description": "The next page; null on the last."})


TOTALS: dict[str, Any] = {
    "images": 1204,
    "size": 3251447712,
    "deleted": 31,
    "days": [{"day": "2026-11-20", "images": 12, "size": 25165824}, {"day": "2026-11-21", "images": 7, "size": 900112}],
}

FOUND: dict[str, Any] = {
    "images": [
        {
            "image_id": "550e8400-e29b-41d4-a716-446655440000",
            "user_id": "alice",
            "key": "550e8400-e29b-41d4-a716-446655440000.jpg",
            "content_type": "image/jpeg",
            "size": 112525,
            "width": 640,
            "height": 427,
            "title": "The beach",
            "tags": ["beach", "summer"],
            "original_filename": "beach.jpg",
            "created_at": "2026-11-21T13:00:00.000000Z",
            "updated_at": "2026-11-21T13:00:00.000000Z",
            "version_id": "3sL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY-MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
            "deleted": False,
            "restore_version_id": None,
        }
    ],
    "count": 1,
    "cursor": None,
}
