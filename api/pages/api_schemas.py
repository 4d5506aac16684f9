"""What the JSON half of surface 3 is asked and answers, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from api.arguments import WholeNumber
from api.dialects import Dialect
from api.members import form_body
from api.openapi import Answer, links
from api.representation import METADATA, ImageMembers
from services.listings import MAX_LIMIT

DIALECT = Dialect(members={"success": False}, paths=("/upload/", "/api/url/", "/api/images/"))


class LabelQuery(Schema):
    """Query arguments of ``GET /api/images/<image_id>``."""

    class Meta:
        """Unknown arguments (cache busters, tracking) are ignored."""

        unknown = EXCLUDE

    limit = WholeNumber(
        validate=validate.Range(1, MAX_LIMIT), metadata={"description": "Most images; without it, all that there are."}
    )
    cursor = fields.String(metadata={"description": "From the answer before: the next page."})


class LabelImage(ImageMembers):
    """An image under a label."""

    image_id = fields.String(required=True, metadata={"description": "The label; the image's own id is in `key`."})
    s3_url = fields.String(
        required=True, metadata={"description": "Fetches the bytes without credentials for a while."}
    )
    file_size = fields.Integer(required=True, metadata={"description": "Bytes."})
    uploaded_at = fields.String(required=True)


class LabelLatest(LabelImage):
    """The newest image of a label."""

    success = fields.Boolean(required=True)


class LabelUploaded(LabelLatest):
    """What an upload answers."""

    message = fields.String(required=True)


class LabelListed(Answer):
    """The images of a label."""

    success = fields.Boolean(required=True)
    image_id = fields.String(required=True, metadata={"description": "The label."})
    count = fields.Integer(required=True, metadata={"description": "How many images this answer has."})
    images = fields.List(fields.Nested(LabelImage), required=True)
    cursor = fields.String(required=True, allow_none=True, metadata={"description": "Where the next page begins."})
    next = fields.String(required=True, allow_none=True, metadata={"description": "The next page's URL."})


LABEL: dict[str, Any] = {
    "in": "path",
    "name": "image_id",
    "description": "The caller's own label for a set of uploads.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "example": "user123",
}

_IMAGE: dict[str, Any] = {
    **METADATA,
    "image_id": "user123",
    "user_id": "user123",
    "s3_url": "http://127.0.0.1:5000/objects/eyJrZXkiOiJpbWFnZXMifQ",
    "file_size": METADATA["size"],
    "uploaded_at": METADATA["created_at"],
}
LATEST: dict[str, Any] = {"success": True, **_IMAGE}
STORED: dict[str, Any] = {"message": "Image uploaded successfully", **LATEST}
OF_LABEL: dict[str, Any] = {
    "success": True,
    "image_id": "user123",
    "count": 1,
    "images": [_IMAGE],
    "cursor": None,
    "next": None,
}

FORM_BODY: dict[str, Any] = form_body({})

STORED_LINKS = {
    **links({"image_id": "$response.body#/image_id"}, "latestOfLabel", "listLabel"),
    **links({"key": "$response.body#/key"}, "readImage", "listVersions"),
}
"""Where an image that has just been stored is found."""
