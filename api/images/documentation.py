"""What is particular about surface 1 in the OpenAPI document: bodies, parameters, examples."""

from __future__ import annotations

from typing import Any

from api.images.schemas import JsonUpload
from api.members import OWNER, VISIBILITY_FIELD, form_body
from api.openapi import links
from api.representation import METADATA

_URL = "http://127.0.0.1:5000/objects/eyJrZXkiOiJpbWFnZXMifQ"

IMAGE_ID: dict[str, Any] = {
    "in": "path",
    "name": "image_id",
    "description": "The id out of an answer; an extension behind it is ignored.",
    "schema": {"type": "string"},
    "example": METADATA["image_id"],
}

BEGIN: dict[str, Any] = {
    "user_id": "user-123",
    "content_type": "image/jpeg",
    "tags": ["profile", "mobile"],
    "description": "Sample image",
}
TICKET: dict[str, Any] = {
    "image_id": METADATA["image_id"],
    "upload_url": _URL,
    "expires_in": 3600,
    "headers": {"Content-Type": "image/jpeg"},
}
PAGE: dict[str, Any] = {
    "images": [METADATA],
    "count": 1,
    "last_key": {"cursor": "WyI2MWE5IiwxNzk1MjY2MDAwMDAwMDAwLCI1NTBlODQwMCJd.2sM0Qw"},
}
WITH_URL: dict[str, Any] = {**METADATA, "url": _URL, "expires_in": 3600}
DOWNLOAD: dict[str, Any] = {"download_url": _URL, "expires_in": 3600}
CHANGES: dict[str, Any] = {"title": "The beach", "tags": ["beach"]}
DELETED: dict[str, Any] = {"message": "Image deleted successfully", "image_id": METADATA["image_id"]}
STATUS: dict[str, Any] = {
    "image_id": METADATA["image_id"],
    "status": "rejected",
    "code": "not_an_image",
    "reason": "The file ends within its header; send a whole JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF file.",
}

# Fields of forms may be empty, except for the user's name.
_PIXELS: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "const": ""}],
    "description": "Pixels; 422 when the bytes say otherwise.",
}
_FORM = form_body(
    {"user_id": "user-123", "tags": "beach, summer"},
    user_id={"type": "string", **OWNER},
    visibility=VISIBILITY_FIELD,
    width=_PIXELS,
    height=_PIXELS,
)
# One pixel of GIF.
_GIF = "R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="

UPLOAD_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        **_FORM["content"],
        "application/json": {
            "schema": JsonUpload,
            "example": {"image": _GIF, "filename": "dot.gif", "user_id": "user-123", "tags": ["dots"]},
        },
    },
}

_CREATED = {"image_id": "$response.body#/image_id"}
CREATED_LINKS = {
    **links(_CREATED, "describeImage", "downloadImage", "readUploadStatus"),
    **links({**_CREATED, "X-User-ID": "$response.body#/user_id"}, "changeImage", "removeImage"),
}
"""What can be done with an image that has just been stored."""
BEGUN_LINKS = links(_CREATED, "readUploadStatus", "describeImage")
"""What can be asked about an upload that goes straight to the store."""
