"""Images to store."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

from services.models import Image, ImageVersion, PendingUpload, UploadFields

CREATED = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)

EXPIRES = CREATED.replace(year=2126)
"""In a future that no run sees: DynamoDB Local removes rows of expired uploads whenever it likes, as DynamoDB does."""


def a_version(version_id: str = "v1", **changes) -> ImageVersion:
    version = ImageVersion(version_id, "image/jpeg", 4321, "ab" * 32, 640, 480, 1, 6, CREATED)
    return replace(version, **changes)


def a_marker(version_id: str = "marker") -> ImageVersion:
    return ImageVersion(version_id, "", 0, "", 0, 0, 0, 1, CREATED, deleted=True)


def an_image(current: ImageVersion | None = None, **changes) -> Image:
    image_id = str(uuid.uuid4())
    image = Image(
        image_id=image_id,
        owner="ada",
        object_key=f"images/{image_id}/cat.jpg",
        filename="cat.jpg",
        title="A cat",
        description="asleep",
        tags=("cat", "sleep"),
        created_at=CREATED,
        updated_at=CREATED,
        current=current or a_version(),
    )
    return replace(image, **changes)


def with_current(image: Image, version_id: str, **changes) -> Image:
    """The image after a write of another version."""
    return replace(image, current=a_version(version_id), **changes)


def a_pending(**changes) -> PendingUpload:
    """An upload that was announced and has not arrived."""
    image_id = str(uuid.uuid4())
    upload = PendingUpload(
        image_id=image_id,
        owner="ada",
        object_key=f"pending/{image_id}/cat.jpg",
        filename="cat.jpg",
        content_type="image/jpeg",
        max_size=10_485_760,
        fields=UploadFields(),
        created_at=CREATED,
        expires_at=EXPIRES,
    )
    return replace(upload, **changes)
