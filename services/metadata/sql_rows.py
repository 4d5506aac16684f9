"""Images as rows: what is selected, what is written, and the statements that file an image under its terms."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, LargeBinary, Text, bindparam, delete, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY

from services.metadata.sql_terms import Filing
from services.metadata.tables import STATUS_DELETED, STATUS_READY, UtcMicroseconds, image_terms, image_versions, images
from services.models import Image, ImageVersion

IMAGE_FIELDS = tuple(each.name for each in fields(Image) if each.name not in ("current", "restorable"))
VERSION_FIELDS = tuple(each.name for each in fields(ImageVersion))

# Built once. SQLAlchemy keeps their compiled form, which makes them as cheap as SQL text handed to the driver.
VERSION_COLUMNS = [image_versions.c[name] for name in VERSION_FIELDS]
IMAGE_COLUMNS = [*(images.c[name] for name in IMAGE_FIELDS), *VERSION_COLUMNS]
"""What ``image_of`` reads: an image, then its current version."""
IS_CURRENT = (image_versions.c.image_id == images.c.image_id) & (image_versions.c.sequence == images.c.sequence)

ADD_IMAGE = insert(images)
ADD_VERSION = insert(image_versions)
_FILE = insert(image_terms)
_UNFILE = delete(image_terms).where(
    image_terms.c.term == bindparam("old_term"),
    image_terms.c.created_at == bindparam("at"),
    image_terms.c.image_id == bindparam("id"),
)

# PostgreSQL takes all terms of an image as one array: a third of the time of a row each.
_TERMS = bindparam("terms", type_=ARRAY(LargeBinary))
_ID_AND_TIME = (bindparam("id", type_=Text), bindparam("at", type_=UtcMicroseconds))
_FILE_ALL = insert(image_terms).from_select(
    ["term", "image_id", "created_at"], select(func.unnest(_TERMS), *_ID_AND_TIME)
)
_UNFILE_ALL = delete(image_terms).where(
    image_terms.c.term == func.any(_TERMS),
    image_terms.c.created_at == bindparam("at"),
    image_terms.c.image_id == bindparam("id"),
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
    connection.execute(ADD_IMAGE, image_row(image) | {"sequence": 1})
    connection.execute(ADD_VERSION, version_row(image, sequence=1))
    if image.tags or image.title:
        _file(connection, image.image_id, image.created_at, Filing.of(image).terms())


def refile(connection: Connection, image_id: str, old: Filing, new: Filing) -> None:
    """Make the image found as ``new`` and no more as ``old``; touches only what differs."""
    if old == new:
        return
    before, after = old.terms(), new.terms()
    same = before & after if old.created_at == new.created_at else frozenset()
    _unfile(connection, image_id, old.created_at, before - same)
    _file(connection, image_id, new.created_at, after - same)


def _file(connection: Connection, image_id: str, at: datetime, terms: Set[bytes]) -> None:
    # Sorted: one walk over the index, and the same order in all transactions.
    if terms and connection.dialect.name == "postgresql":
        connection.execute(_FILE_ALL, {"terms": sorted(terms), "id": image_id, "at": at})
    elif terms:
        rows = [{"term": term, "created_at": at, "image_id": image_id} for term in sorted(terms)]
        connection.execute(_FILE, rows)


def _unfile(connection: Connection, image_id: str, at: datetime, terms: Set[bytes]) -> None:
    if terms and connection.dialect.name == "postgresql":
        connection.execute(_UNFILE_ALL, {"terms": sorted(terms), "id": image_id, "at": at})
    elif terms:
        connection.execute(_UNFILE, [{"old_term": term, "at": at, "id": image_id} for term in sorted(terms)])
