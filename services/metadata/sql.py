"""The repository on SQLite and PostgreSQL: images and their versions, listings, totals, announced uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, select, update

from services.errors import (
    DuplicateImage,
    ImageNotFound,
    InvalidInput,
    VersionConflict,
)
from services.metadata.engine import Writer, make_engine
from services.metadata.failures import translated
from services.metadata.sql_pending import TAKE_PENDING, SqlPendingUploads
from services.metadata.sql_rows import (
    ADD_VERSION,
    IMAGE_COLUMNS,
    IMAGE_FIELDS,
    IS_CURRENT,
    VERSION_COLUMNS,
    image_of,
    image_row,
    insert_image,
    refile,
    version_row,
)
from services.metadata.sql_search import Search
from services.metadata.sql_terms import Filing
from services.metadata.sql_totals import read_totals
from services.metadata.sqlite_direct import SqliteDirect
from services.metadata.tables import STATUS_DELETED, image_versions, images
from services.models import Image, ImageQuery, ImageVersion, Page, Position, Totals
from utils.clock import Clock, utc_now

__all__ = ["SqlImageRepository", "make_engine"]

_BY_ID = images.c.image_id == bindparam("id")
_GET = select(*IMAGE_COLUMNS).join_from(images, image_versions, IS_CURRENT).where(_BY_ID)
_VERSIONS = (
    select(*VERSION_COLUMNS)
    .where(image_versions.c.image_id == bindparam("id"))
    .order_by(image_versions.c.sequence.desc())
)
_VERSION = select(*VERSION_COLUMNS).where(
    image_versions.c.image_id == bindparam("id"), image_versions.c.version_id == bindparam("version")
)
_CHECK = select(images.c.image_id).limit(1)
_LOCK = (
    select(
        images.c.revision,
        images.c.sequence,
        images.c.owner,
        images.c.title,
        images.c.tags,
        images.c.created_at,
        images.c.status == STATUS_DELETED,
    )
    .where(_BY_ID)
    .with_for_update()  # SQLite has no such words and needs none: every transaction has the write lock already
)


def _update(*names: str) -> Any:
    changes: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(images).where(_BY_ID).values(changes | {"revision": images.c.revision + 1})


_CURRENT = ("status", "version_id", "size")
_REPLACED = (*(name for name in IMAGE_FIELDS if name not in ("image_id", "revision")), *_CURRENT)
_DESCRIBED = ("title", "description", "tags", "visibility", "updated_at")
_REPLACE = _update(*_REPLACED, "sequence")
_DESCRIBE = _update(*_DESCRIBED)


class SqlImageRepository(SqlPendingUploads):
    """``services.ports.Repository`` on an engine of ``make_engine`` whose database ``migrate.upgrade`` prepared.

    Safe to share between threads. Each method takes one connection for one transaction and returns it. Raises
    ``BackendUnavailable``, ``BackendMisconfigured`` or ``StorageFull`` when the database does not do its part; after
    ``BackendUnavailable`` from a write it is open whether it was committed, as with every server that can vanish.
    """

    def __init__(self, engine: Engine, *, clock: Clock = utc_now) -> None:
        """Wire the repository.

        :param clock: says which day is today, for the totals.
        """
        super().__init__(engine, Writer(engine))
        sqlite = engine.dialect.name == "sqlite"
        self._direct = SqliteDirect(engine, self._writer, _GET) if sqlite else None
        self._search = Search(engine)
        self._clock = clock

    def add(self, image: Image) -> None:
        """Store a new image with its first version; raises ``DuplicateImage``."""
        with translated(integrity=DuplicateImage):
            if self._direct and not (image.tags or image.title):
                self._direct.add(image)
                return
            with self._writer.begin() as connection:
                insert_image(connection, image)

    def get(self, image_id: str) -> Image | None:
        """The image with its current version, also when that is a delete marker; None when there is none."""
        if self._direct is None:
            rows = self._read(_GET, {"id": image_id})
            return image_of(rows[0]) if rows else None
        try:
            with translated():
                return self._direct.get(image_id)
        except InvalidInput:
            return None  # as for _read

    def replace(self, image: Image, *, expected_revision: int) -> None:
        """Append ``image.current`` and make it, and ``image``'s other members, current.

        Raises ``VersionConflict``, changing nothing, unless the stored revision is ``expected_revision``, and
        ``ImageNotFound`` when there is no such image.
        """
        with translated(integrity=VersionConflict), self._writer.begin() as connection:
            sequence, old = _locked(connection, image.image_id, expected_revision)
            row = image_row(image) | {"sequence": sequence + 1}
            connection.execute(_REPLACE, _new(row, (*_REPLACED, "sequence")) | {"id": image.image_id})
            connection.execute(ADD_VERSION, version_row(image, sequence=sequence + 1))
            refile(connection, image.image_id, old, Filing.of(image))

    def describe(self, image: Image, *, expected_revision: int) -> None:
        """Store ``image``'s title, description, tags, visibility and ``updated_at``; errors as for ``replace``."""
        with translated(), self._writer.begin() as connection:
            _, old = _locked(connection, image.image_id, expected_revision)
            connection.execute(_DESCRIBE, _new(image_row(image), _DESCRIBED) | {"id": image.image_id})
            refile(connection, image.image_id, old, replace(old, title=image.title, tags=image.tags))

    def promote(self, image: Image) -> None:
        """Turn the pending upload with ``image``'s id into ``image``.

        Raises ``VersionConflict``, changing nothing, unless it is there with status ``PENDING``.
        """
        with translated(integrity=VersionConflict), self._writer.begin() as connection:
            if connection.execute(TAKE_PENDING, {"id": image.image_id}).rowcount == 0:
                raise VersionConflict
            insert_image(connection, image)

    def versions(self, image_id: str) -> list[ImageVersion]:
        """Every version and delete marker, newest first; empty for an unknown image."""
        return [ImageVersion(*row) for row in self._read(_VERSIONS, {"id": image_id})]

    def version(self, image_id: str, version_id: str) -> ImageVersion | None:
        """One version of an image, None when there is none."""
        rows = self._read(_VERSION, {"id": image_id, "version": version_id})
        return ImageVersion(*rows[0]) if rows else None

    def search(self, query: ImageQuery, *, limit: int, after: Position | None = None) -> Page:
        """The next ``limit`` images of a listing, behind ``after``; newest first, ties by ``image_id`` downwards.

        Its cost does not grow with the number of images that the query does not match, as long as it names at most
        one tag, two tags or one word; of more, it grows with the images of the rarest.
        """
        try:
            with translated():
                return self._search.page(query, limit=limit, after=after)
        except InvalidInput:
            return Page((), None)  # as for _read

    def totals(self, *, days: int) -> Totals:
        """What is stored, with one entry for each of the last ``days`` days (UTC, today counts) that has images."""
        with translated(), self._reader.connect() as connection:
            return read_totals(connection, days=days, today=self._clock().date())

    def check(self) -> None:
        """Raise a ``BackendError`` unless the database answers and has its tables. Takes at most a few seconds."""
        self._read(_CHECK, {})


def _locked(connection: Connection, image_id: str, expected_revision: int) -> tuple[int, Filing]:
    """The sequence of the current version and where the image is filed; nobody else changes them until the commit.

    Of racing transactions one finds the expected revision, and nobody else can take the sequence number after this.
    """
    row = connection.execute(_LOCK, {"id": image_id}).one_or_none()
    if row is None:
        raise ImageNotFound
    revision, sequence, *filing = row
    if revision != expected_revision:
        raise VersionConflict
    return sequence, Filing(*filing)


def _new(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {f"new_{name}": row[name] for name in names}
