"""What several surfaces say about a stored image: its metadata as JSON members, and a URL that reads its bytes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from flask import request
from marshmallow import fields

from api.context import absolute, core
from api.downloads import disposition
from api.openapi import Answer
from services.models import READY, Image
from services.names import download_name
from utils.clock import iso8601

_ID = "550e8400-e29b-41d4-a716-446655440000"
_TIME = "2026-11-21T13:00:00.000000Z"
METADATA: dict[str, Any] = {
    "image_id": _ID,
    "user_id": "user-123",
    "s3_key": f"images/{_ID}/image.jpg",
    "key": f"{_ID}.jpg",
    "content_type": "image/jpeg",
    "size": 112525,
    "width": 640,
    "height": 427,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "title": "My Vacation",
    "description": "Beach photo from summer",
    "tags": ["vacation", "beach", "summer"],
    "upload_time": _TIME,
    "created_at": _TIME,
    "updated_at": _TIME,
    "version_id": "3sL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY-MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
    "status": "ready",
    "original_filename": "image.jpg",
    "visibility": "private",
}
"""An example of the metadata object."""


class ImageMembers(Answer):
    """The metadata object without ``image_id``, which means something else in one of the published APIs."""

    user_id = fields.String(required=True, metadata={"description": "The owner."})
    s3_key = fields.String(required=True, metadata={"description": "The object's key in the bucket."})
    key = fields.String(required=True, metadata={"description": "The id with the extension of the type."})
    content_type = fields.String(required=True)
    size = fields.Integer(required=True, metadata={"description": "Bytes."})
    width = fields.Integer(required=True, metadata={"description": "Pixels, as stored."})
    height = fields.Integer(required=True, metadata={"description": "Pixels, as stored."})
    sha256 = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    tags = fields.List(fields.String(), required=True)
    upload_time = fields.String(required=True)
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)
    version_id = fields.String(required=True)
    status = fields.String(required=True)
    original_filename = fields.String(required=True)
    visibility = fields.String(required=True)


class ImageMetadata(ImageMembers):
    """The metadata object."""

    image_id = fields.UUID(required=True)


def metadata(image: Image) -> dict[str, Any]:
    """The metadata object: every member is JSON already. ``size`` in bytes, ``width`` and ``height`` in pixels as
    stored, times ISO 8601 in UTC.
    """
    version = image.current
    created = iso8601(image.created_at)
    return {
        "image_id": image.image_id,
        "user_id": image.owner,
        "s3_key": image.object_key,
        "key": image.key,
        "content_type": version.content_type,
        "size": version.size,
        "width": version.width,
        "height": version.height,
        "sha256": version.sha256,
        "title": image.title,
        "description": image.description,
        "tags": list(image.tags),
        "upload_time": created,
        "created_at": created,
        "updated_at": iso8601(image.updated_at),
        "version_id": version.version_id,
        "status": READY,
        "original_filename": image.filename,
        "visibility": image.visibility,
    }


def presigned(image: Image, *, expires_in: int | None = None, attachment: bool = False) -> str:
    """A whole URL that fetches the image's current bytes without credentials.

    :param expires_in: its life in seconds; by default the one of the settings.
    :param attachment: make the browser save the bytes instead of showing them.
    :raises services.errors.BackendError: when the store can not sign; never a made-up URL.
    """
    version = image.current
    url = core().images.presign(
        image,
        version,
        expires_in=core().presigned_expiration if expires_in is None else expires_in,
        disposition=disposition(download_name(image.filename, version.content_type), attachment=attachment),
    )
    return absolute(url)


def next_page(cursor: str | None, parameter: str = "cursor") -> str | None:
    """The whole URL of the page behind ``cursor`` in the running request's listing; None without one.

    :param parameter: the query argument that carries the cursor.
    """
    if cursor is None:
        return None
    arguments = [(name, value) for name, value in request.args.items(multi=True) if name != parameter]
    return absolute(f"{quote(request.path)}?{urlencode([*arguments, (parameter, cursor)])}")
