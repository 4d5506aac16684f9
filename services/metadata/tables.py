"""The rows, as SQLAlchemy Core tables. ``migrations/`` must produce exactly these; a test compares them.

A column carries the name of the field of ``services.models`` that it stores; ``services.metadata.sql`` relies on it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_to_json = json.JSONEncoder(ensure_ascii=False).encode
_from_json = json.JSONDecoder().decode

STATUS_READY = "ready"
"""``images.status`` of an image whose bytes were inspected and stored."""
STATUS_DELETED = "deleted"
"""``images.status`` of an image whose current version is a delete marker."""

SortedText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that an index is searched by: in the order of its code points, as on SQLite and in Python. The language of a
PostgreSQL database would sort ids without their hyphens, at a higher price, and differently after an upgrade.
"""


class UtcMicroseconds(TypeDecorator[datetime]):
    """An aware datetime as whole microseconds since 1970-01-01 UTC.

    One integer sorts, compares and round-trips the same on every database; SQLite has no time type, and text times of
    different precision do not sort.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime in, integer out; a naive one raises ValueError, since its zone would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime can not be stored")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Integer in, datetime in UTC out."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class StringTuple(TypeDecorator[tuple[str, ...]]):
    """An ordered tuple of strings as a JSON array in text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        """Tuple in, JSON text out; not escaped to ASCII, so that what is stored can be read and searched."""
        return None if value is None else _to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        """JSON text in, tuple out."""
        return None if value is None else tuple(_from_json(value))


metadata = MetaData(
    # Without names, a later migration can not drop or change a constraint on both databases alike.
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

images = Table(
    "images",
    metadata,
    Column("image_id", SortedText, primary_key=True),
    Column("owner", SortedText, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", StringTuple, nullable=False),
    Column("status", Text, nullable=False),
    Column("visibility", Text, nullable=False),
    Column("revision", Integer, nullable=False, comment="counts the changes of the row"),
    Column("version_id", Text, nullable=False, comment="the current version's"),
    Column("sequence", Integer, nullable=False, comment="the current version's"),
    Column("size", BigInteger, nullable=False, comment="the current version's, for the totals"),
    Column("created_at", UtcMicroseconds, nullable=False),
    Column("updated_at", UtcMicroseconds, nullable=False),
    # A listing walks one of these from its end: newest first, no sort, no row of another owner.
    Index("ix_images_status_owner", "status", "owner", "created_at", "image_id"),
    Index("ix_images_status_created_at", "status", "created_at", "image_id"),
)
"""One row per image, deleted ones included."""

image_versions = Table(
    "image_versions",
    metadata,
    Column("image_id", SortedText, ForeignKey(images.c.image_id), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("version_id", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("frames", Integer, nullable=False),
    Column("orientation", Integer, nullable=False),
    Column("created_at", UtcMicroseconds, nullable=False),
    Column("deleted", Boolean, nullable=False),
    UniqueConstraint("image_id", "version_id"),
    # Small rows that are only ever reached through an image: clustered by it, one B-tree less to write and to read.
    sqlite_with_rowid=False,
)
"""One row per write of an image, delete markers included; ``sequence`` counts 1, 2, 3 … within the image."""

image_terms = Table(
    "image_terms",
    metadata,
    Column("term", LargeBinary, primary_key=True, comment="a digest, see services.metadata.sql_terms"),
    Column("created_at", UtcMicroseconds, primary_key=True, comment="the image's"),
    Column("image_id", SortedText, primary_key=True),
    sqlite_with_rowid=False,
)
"""Under which terms (tags, pairs of tags, words of the title) an image is found, newest first within each term.

No foreign key: it would look up the image again for each of its terms, and only ``services.metadata.sql`` writes here.
"""

daily_totals = Table(
    "daily_totals",
    metadata,
    Column(
        "day", Integer, primary_key=True, autoincrement=False, comment="of created_at, in days since 1970-01-01 UTC"
    ),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("images", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("deleted", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What ``images`` holds, by day: visible ones with their size, and deleted ones. Triggers keep it (see the migration).

Several slots of a day add up to it. On PostgreSQL a row that two transactions change makes the second wait for the
first one's commit: with one row for each day, all uploads would queue. A slot's numbers alone mean nothing, they may be
negative.
"""

pending_uploads = Table(
    "pending_uploads",
    metadata,
    Column("image_id", SortedText, primary_key=True),
    Column("owner", SortedText, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("max_size", BigInteger, nullable=False),
    Column("title", Text),
    Column("description", Text),
    Column("tags", StringTuple),
    Column("visibility", Text),
    Column("created_at", UtcMicroseconds, nullable=False),
    Column("expires_at", UtcMicroseconds, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_pending_uploads_status_owner", "status", "owner", "created_at", "image_id"),
    Index("ix_pending_uploads_status_created_at", "status", "created_at", "image_id"),
    Index("ix_pending_uploads_expires_at", "expires_at", "image_id"),
)
"""One row per announced upload that is not an image: pending, or rejected. A field that the caller left out is NULL."""
