"""Images as rows: what is selected, what is written, and the statements that file an image under its terms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert

from services.metadata.sql_terms import Filing
from services.metadata.tables import STATUS_DELETED, STATUS_READY, image_terms, image_versions, images
from services.models import Image, ImageVersion

IMAGE_FIELDS = tuple(each.name for each in fields(Image) if each.name != "current")
VERSION_FIELDS = tuple(each.name for each in fields(ImageVersion))

# Built once. SQLAlchemy keeps their compiled form, which makes them as cheap as SQL text handed to the driver.
VERSION_COLUMNS = [image_versions.c[name] for name in VERSION_FIELDS]
IMAGE_COLUMNS = [*(images.c[name] for name in IMAGE_FIELDS), *VERSION_COLUMNS]
"""What ``image_of`` reads: an image, then its current version."""
IS_CURRENT = (image_versions.c.image_id == images.c.image_id) & (image_versions.c.sequence == images.c.sequence)

ADD_VERSION = insert(image_versions)
_ADD_IMAGE = insert(images)
_FILE = insert(image_terms)
_UNFILE = delete(image_terms).where(
    image_terms.c.term == bindparam("old_term"),
    image_terms.c.created_at == bindparam("old_created_at"),
    image_terms.c.image_id == bindparam("old_image_id"),
)


def image_of(row: Any) -> Image:
    """The image of a row of ``IMAGE_COLUMNS``."""
    current = ImageVersion(*row[len(IMAGE_FIELDS) :])
    return Image(current=current, **dict(zip(IMAGE_FIELDS, row, strict=False)))


def image_row(image: Image) -> dict[str, Any]:
    """The columns of ``images`` but ``sequence``."""
    row = {name: getattr(image, name) for name in IMAGE_FIELDS}
    current = image.current
    status = STATUS_DELETED if current.deleted else STATUS_READY
    return row | {"version_id": current.version_id, "size": current.size, "status": status}


def version_row(image: Image, *, sequence: int) -> dict[str, Any]:
    """The columns of ``image_versions`` for the current version."""
    row = {name: getattr(image.current, name) for name in VERSION_FIELDS}
    return row | {"image_id": image.image_id, "sequence": sequence}


def insert_image(connection: Connection, image: Image) -> None:
    """Add a new image with its first version; an image without tags and title costs these two statements only."""
    connection.execute(_ADD_IMAGE, image_row(image) | {"sequence": 1})
    connection.execute(ADD_VERSION, version_row(image, sequence=1))
    if image.tags or image.title:
        _file(connection, image.image_id, Filing.of(image).entries())


def refile(connection: Connection, image_id: str, old: Filing, new: Filing) -> None:
    """Make the image found as ``new`` and no more as ``old``; touches only what differs."""
    if old == new:
        return
    before, after = old.entries(), new.entries()
    if gone := before - after:
        connection.execute(
            _UNFILE,
            [{"old_term": term, "old_created_at": when, "old_image_id": image_id} for term, when in sorted(gone)],
        )
    _file(connection, image_id, after - before)


def _file(connection: Connection, image_id: str, entries: Iterable[tuple[bytes, datetime]]) -> None:
    # Sorted: one walk over the index, and the same order in all transactions.
    if rows := [{"term": term, "created_at": when, "image_id": image_id} for term, when in sorted(entries)]:
        connection.execute(_FILE, rows)
