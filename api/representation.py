"""What several surfaces say about a stored image: its metadata as JSON members, and a URL that reads its bytes."""

from __future__ import annotations

from typing import Any

from api.context import absolute, core
from api.downloads import disposition
from services.models import READY, Image
from services.names import download_name
from utils.clock import iso8601


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
