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
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_to_json = json.JSONEncoder(ensure_ascii=False).encode

STATUS_READY = "ready"
"""``images.status`` of an image whose bytes were inspected and stored."""


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
        return None if value is None else tuple(json.loads(value))


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
    Column("image_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
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
    Column("created_at", UtcMicroseconds, nullable=False),
    Column("updated_at", UtcMicroseconds, nullable=False),
)
"""One row per image, deleted ones included. Indexes for listing belong to the listing queries and come with them."""

image_versions = Table(
    "image_versions",
    metadata,
    Column("image_id", Text, ForeignKey(images.c.image_id), primary_key=True),
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
