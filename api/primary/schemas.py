"""The primary surface's requests and answers, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

MAX_PRESIGN_SECONDS = 604800


class ImageQuery(Schema):
    """Query arguments of ``GET /image/<key>``."""

    class Meta:
        """Unknown arguments (cache busters, tracking) are ignored."""

        unknown = EXCLUDE

    version = fields.String(validate=validate.Length(1, 1024), metadata={"description": "An earlier version's id."})
    download = fields.Boolean(load_default=False, metadata={"description": "Serve as an attachment."})
    presign = fields.Boolean(load_default=False, metadata={"description": "Answer with a presigned URL instead."})
    expires_in = fields.Integer(
        validate=validate.Range(1, MAX_PRESIGN_SECONDS),
        metadata={"description": "Life of the presigned URL, in seconds."},
    )


class RestoreRequest(Schema):
    """Body of ``POST /image/<key>/restore``."""

    version_id = fields.String(required=True, validate=validate.Length(1, 1024))


class StoredImage(Schema):
    """What an upload, a replace or a restore answers."""

    key = fields.String(required=True, metadata={"example": "550e8400-e29b-41d4-a716-446655440000.jpg"})
    image_id = fields.UUID(required=True)
    url = fields.Url(required=True, require_tld=False, metadata={"description": "Where the image is read."})
    content_type = fields.String(required=True, metadata={"example": "image/jpeg"})
    size = fields.Integer(required=True, metadata={"description": "Bytes."})
    width = fields.Integer(required=True, metadata={"description": "Pixels, as stored."})
    height = fields.Integer(required=True, metadata={"description": "Pixels, as stored."})
    frames = fields.Integer(required=True)
    orientation = fields.Integer(required=True, metadata={"description": "EXIF orientation, 1 to 8."})
    sha256 = fields.String(required=True)
    etag = fields.String(required=True, metadata={"description": "The ETag, with its quotes, as If-Match takes it."})
    version_id = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    tags = fields.List(fields.String(), required=True)
    original_filename = fields.String(required=True)
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)


class Deleted(Schema):
    """What a delete answers."""

    key = fields.String(required=True)
    deleted = fields.Boolean(required=True)


class Version(Schema):
    """One version of an image."""

    version_id = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True, allow_none=True)
    content_type = fields.String(required=True, allow_none=True)
    created_at = fields.String(required=True)
    is_latest = fields.Boolean(required=True)
    deleted = fields.Boolean(required=True, metadata={"description": "A delete marker."})


class Versions(Schema):
    """What ``GET /image/<key>/versions`` answers."""

    versions = fields.List(fields.Nested(Version), required=True)


class PresignedUrl(Schema):
    """A URL that works without credentials until it expires."""

    url = fields.Url(required=True, require_tld=False)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})


BINARY: dict[str, Any] = {"type": "string", "format": "binary"}

FORM_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {**BINARY, "description": "The image."},
                    "title": {"type": "string", "maxLength": 255},
                    "description": {"type": "string", "maxLength": 4000},
                    "tags": {"type": "string", "description": "Comma-separated.", "example": "beach, summer"},
                },
            }
        }
    },
}

FORM_OR_RAW_BODY: dict[str, Any] = {
    "required": True,
    "content": {**FORM_BODY["content"], "image/*": {"schema": BINARY}},
}

IMAGE_BYTES: dict[str, Any] = {
    "description": "The bytes (or with `presign=1` a JSON object with `url` and `expires_in`).",
    "content": {
        "image/*": {"schema": BINARY},
        "application/json": {"schema": PresignedUrl},
    },
}
