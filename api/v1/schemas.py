"""Surface 2's requests and answers, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from api.arguments import Flag, WholeNumber
from api.members import DESCRIPTION, JOINED_TAGS, OWNER, TAGS, TITLE
from api.openapi import Answer
from api.representation import ImageMetadata
from services.listings import MAX_LIMIT

FILTERS = ("user", "tags", "title")
DEFAULT_LIMIT = 10


class ListQuery(Schema):
    """Query arguments of ``GET /api/v1/images``."""

    class Meta:
        """Unknown arguments (cache busters, tracking) are ignored."""

        unknown = EXCLUDE

    filter_by = fields.String(
        load_default="user",
        validate=validate.OneOf(FILTERS),
        metadata={"description": "What to list by: an owner, tags, or words of the title."},
    )
    user_id = fields.String(
        metadata={**OWNER, "description": "Whose images; with `filter_by=user` by default the caller's own."}
    )
    tags = fields.String(
        metadata={**JOINED_TAGS, "description": "Comma-separated, all must match; required with `filter_by=tags`."}
    )
    title = fields.String(
        metadata={**TITLE, "description": "Whole words, in any case; required with `filter_by=title`."}
    )
    limit = WholeNumber(
        load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT), metadata={"description": "Most images."}
    )
    cursor = fields.String(metadata={"description": "From the answer to the same query: the next page."})


class ReadQuery(Schema):
    """Query arguments of ``GET /api/v1/images/<image_id>``."""

    class Meta:
        """Unknown arguments (cache busters, tracking) are ignored."""

        unknown = EXCLUDE

    download = Flag("Serve as an attachment.")


def _tags(value: Any) -> None:
    """Refuse what is neither a text nor a list of texts."""
    if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(tag, str) for tag in value)):
        raise ValidationError("Not a list of strings, nor a comma-separated string.")


class Changes(Schema):
    """Body of ``PUT /api/v1/images/<image_id>``; every member is optional."""

    class Meta:
        """A client may send back the whole object that it read."""

        unknown = EXCLUDE

    title = fields.String(allow_none=True, metadata={**TITLE, "description": "Null: unchanged."})
    description = fields.String(allow_none=True, metadata={**DESCRIPTION, "description": "Null: unchanged."})
    tags = fields.Raw(
        allow_none=True,
        validate=_tags,
        metadata={
            "description": "A list, or a comma-separated string. Null: unchanged.",
            "oneOf": [*TAGS, {"type": "null"}],
        },
    )


class Message(Answer):
    """What a change answers."""

    message = fields.String(required=True)


class Uploaded(ImageMetadata):
    """What an upload answers."""

    message = fields.String(required=True)


class ListedImage(ImageMetadata):
    """One image of a listing."""

    url = fields.String(required=True, metadata={"description": "Fetches the bytes without credentials for a while."})


class Listed(Answer):
    """One page of a listing."""

    count = fields.Integer(required=True, metadata={"description": "How many images this page has."})
    filter = fields.String(required=True, validate=validate.OneOf(FILTERS))
    images = fields.List(fields.Nested(ListedImage), required=True)
    cursor = fields.String(required=True, allow_none=True, metadata={"description": "Where the next page begins."})
    next = fields.String(required=True, allow_none=True, metadata={"description": "The next page's URL."})


class ApiHealth(Answer):
    """The process is up."""

    status = fields.String(required=True)
    timestamp = fields.String(required=True)
    environment = fields.String(required=True)
