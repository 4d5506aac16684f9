"""The primary surface's requests and answers, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from api.arguments import Flag, WholeNumber
from api.members import BINARY, VERSION, form_body
from api.openapi import Answer, links

MAX_PRESIGN_SECONDS = 604800


class ImageQuery(Schema):
    """Query arguments of ``GET /image/<key>``."""

    class Meta:
        """Unknown arguments (cache busters, tracking) are ignored."""

        unknown = EXCLUDE

    version = fields.String(
        validate=validate.Length(1, 1024), metadata={**VERSION, "description": "An earlier version's id."}
    )
    download = Flag("Serve as an attachment.")
    presign = Flag("Answer with a presigned URL instead.")
    expires_in = WholeNumber(
        validate=validate.Range(1, MAX_PRESIGN_SECONDS),
        metadata={"description": "Life of the presigned URL, in seconds."},
    )


class RestoreRequest(Schema):
    """Body of ``POST /image/<key>/restore``."""

    version_id = fields.String(required=True, validate=validate.Length(1, 1024), metadata=VERSION)


class StoredImage(Answer):
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


class Deleted(Answer):
    """What a delete answers."""

    key = fields.String(required=True)
    deleted = fields.Boolean(required=True)


class Version(Answer):
    """One version of an image."""

    version_id = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True, allow_none=True)
    content_type = fields.String(required=True, allow_none=True)
    created_at = fields.String(required=True)
    is_latest = fields.Boolean(required=True)
    deleted = fields.Boolean(required=True, metadata={"description": "A delete marker."})


class Versions(Answer):
    """What ``GET /image/<key>/versions`` answers."""

    versions = fields.List(fields.Nested(Version), required=True)


class PresignedUrl(Answer):
    """A URL that works without credentials until it expires."""

    url = fields.Url(required=True, require_tld=False)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds."})


KEY = "550e8400-e29b-41d4-a716-446655440000.jpg"
VERSION_ID = "3sL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY-MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
CREATED = "2026-11-21T13:00:00.000000Z"

STORED_IMAGE: dict[str, Any] = {
    "key": KEY,
    "image_id": "550e8400-e29b-41d4-a716-446655440000",
    "url": f"http://127.0.0.1:5000/image/{KEY}",
    "content_type": "image/jpeg",
    "size": 112525,
    "width": 640,
    "height": 427,
    "frames": 1,
    "orientation": 1,
    "sha256": SHA256,
    "etag": f'"{SHA256}"',
    "version_id": VERSION_ID,
    "title": "The beach",
    "description": "Low tide.",
    "tags": ["beach", "summer"],
    "original_filename": "beach.jpg",
    "created_at": CREATED,
    "updated_at": CREATED,
}

DELETED: dict[str, Any] = {"key": KEY, "deleted": True}

VERSIONS: dict[str, Any] = {
    "versions": [
        {
            "version_id": VERSION_ID,
            "size": 112525,
            "sha256": SHA256,
            "content_type": "image/jpeg",
            "created_at": CREATED,
            "is_latest": True,
            "deleted": False,
        }
    ]
}

PRESIGNED_URL: dict[str, Any] = {"url": "http://127.0.0.1:5000/objects/eyJrZXkiOiJpbWFnZXMifQ", "expires_in": 3600}

RESTORE: dict[str, Any] = {"version_id": VERSION_ID}

KEY_PARAMETER: dict[str, Any] = {
    "in": "path",
    "name": "key",
    "description": "The `key` out of an answer; its extension is decoration, any or none finds the image.",
    "schema": {"type": "string"},
    "example": KEY,
}

STORED_LINKS: dict[str, Any] = {
    **links({"key": "$response.body#/key"}, "readImage", "replaceImage", "deleteImage", "listVersions"),
    "restoreVersion": {
        "operationId": "restoreVersion",
        "parameters": {"key": "$response.body#/key"},
        "requestBody": {"version_id": "$response.body#/version_id"},
    },
}
"""What can be done with an image that has just been stored."""

VERSIONS_LINKS: dict[str, Any] = {
    **links({"key": "$request.path.key", "version": "$response.body#/versions/0/version_id"}, "readImage"),
    "restoreVersion": {
        "operationId": "restoreVersion",
        "parameters": {"key": "$request.path.key"},
        "requestBody": {"version_id": "$response.body#/versions/0/version_id"},
    },
}
"""What can be done with the newest version."""

FORM_BODY: dict[str, Any] = form_body({"title": "The beach", "tags": "beach, summer"})

FORM_OR_RAW_BODY: dict[str, Any] = {
    "required": True,
    "content": {**FORM_BODY["content"], "image/*": {"schema": BINARY}},
}

IMAGE_RANGE: dict[str, Any] = {
    "description": "A range of the bytes.",
    "content": {"image/*": {"schema": BINARY}},
}

IMAGE_BYTES: dict[str, Any] = {
    "description": "The bytes (or with `presign=1` a JSON object with `url` and `expires_in`).",
    "content": {
        "image/*": {"schema": BINARY},
        "application/json": {"schema": PresignedUrl, "example": PRESIGNED_URL},
    },
}
