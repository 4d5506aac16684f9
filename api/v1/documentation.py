"""What is particular about surface 2 in answers and in the OpenAPI document: statuses, parameters, examples."""

from __future__ import annotations

from typing import Any

from api.dialects import Dialect
from api.members import BINARY, FORM_FIELDS, OWNER, form_body
from api.openapi import links
from api.representation import METADATA
from services.errors import ContentTypeMismatch, NotAnImage, TooManyPixels, UnsupportedType

DIALECT = Dialect(
    status={
        NotAnImage: 400,
        UnsupportedType: 400,
        # An image, and of a supported type, but over a limit or contradicted: as on every other surface.
        TooManyPixels: 422,
        ContentTypeMismatch: 415,
    },
    paths=("/api/v1/",),
)

CONDITIONS = ("If-Match", "If-Unmodified-Since")

USER: dict[str, Any] = {
    "in": "header",
    "name": "X-User-ID",
    "required": True,
    "description": "Who asks; must own the image that is changed. UTF-8.",
    "schema": {"type": "string", **OWNER},
    "example": "user-123",
}

IMAGE_ID: dict[str, Any] = {
    "in": "path",
    "name": "image_id",
    "description": "The id out of the upload's answer; an extension behind it is ignored.",
    "schema": {"type": "string"},
    "example": METADATA["image_id"],
}

UPLOADED: dict[str, Any] = {"message": "Image uploaded successfully", **METADATA}
LISTED: dict[str, Any] = {
    "count": 1,
    "filter": "user",
    "images": [{**METADATA, "url": "http://127.0.0.1:5000/objects/eyJrZXkiOiJpbWFnZXMifQ"}],
    "cursor": None,
    "next": None,
}
CHANGES: dict[str, Any] = {"title": "Updated Vacation Photo", "tags": ["updated", "vacation"]}
CHANGED: dict[str, Any] = {"message": "Metadata updated successfully"}
DELETED: dict[str, Any] = {"message": "Image deleted successfully"}
HEALTHY: dict[str, Any] = {"status": "healthy", "timestamp": METADATA["created_at"], "environment": "development"}

FORM_BODY: dict[str, Any] = form_body(
    {"title": "My Vacation", "tags": "vacation, beach, summer"},
    title={**FORM_FIELDS["title"], "default": "Untitled"},
)

UPLOADED_LINKS = links(
    {"image_id": "$response.body#/image_id", "X-User-ID": "$request.header.X-User-ID"},
    "readImageAsUser",
    "describeImageAsUser",
    "deleteImageAsUser",
)
"""What its owner can do with an image that has just been stored."""

IMAGE_BYTES: dict[str, Any] = {"description": "The bytes.", "content": {"image/*": {"schema": BINARY}}}
IMAGE_RANGE: dict[str, Any] = {"description": "A range of the bytes.", "content": {"image/*": {"schema": BINARY}}}
