"""What is particular about surface 2 in answers and in the OpenAPI document: statuses, parameters, examples."""

from __future__ import annotations

from typing import Any

from api.dialects import Dialect
from api.openapi import BINARY
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
    "description": "Who asks; must own the image that is changed.",
    "schema": {"type": "string"},
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

FORM_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {**BINARY, "description": "The image."},
                    "title": {"type": "string", "maxLength": 255, "default": "Untitled"},
                    "description": {"type": "string", "maxLength": 4000},
                    "tags": {"type": "string", "description": "Comma-separated.", "example": "vacation, beach"},
                },
            },
            "example": {"file": "(the bytes)", "title": "My Vacation", "tags": "vacation, beach, summer"},
        }
    },
}

IMAGE_BYTES: dict[str, Any] = {"description": "The bytes.", "content": {"image/*": {"schema": BINARY}}}
IMAGE_RANGE: dict[str, Any] = {"description": "A range of the bytes.", "content": {"image/*": {"schema": BINARY}}}
