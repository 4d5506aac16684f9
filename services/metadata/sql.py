"""The image repository on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Engine, bindparam, insert, select, update

from services.errors import (
    DuplicateImage,
    ImageNotFound,
    InvalidInput,
    VersionConflict,
)
from services.metadata.engine import Writer, make_engine, reading
from services.metadata.failures import translated
from services.metadata.tables import STATUS_READY, image_versions, images
from services.models import Image, ImageVersion

__all__ = ["SqlImageRepository", "make_engine"]

_IMAGE_FIELDS = tuple(each.name for each in fields(Image) if each.name != "current")
_VERSION_FIELDS = tuple(each.name for each in fields(ImageVersion))

# Built once. SQLAlchemy keeps their compiled form, which makes them as cheap as SQL text handed to the driver.
_BY_ID = images.c.image_id == bindparam("id")
_VERSION_COLUMNS = [image_versions.c[name] for name in _VERSION_FIELDS]
_GET = (
    select(*(images.c[name] for name in _IMAGE_FIELDS), *_VERSION_COLUMNS)
    .join_from(
        images,
        image_versions,
        (image_versions.c.image_id == images.c.image_id) & (image_versions.c.sequence == images.c.sequence),
    )
    .where(_BY_ID)
)
_VERSIONS = (
    select(*_VERSION_COLUMNS)
    .where(image_versions.c.image_id == bindparam("id"))
    .order_by(image_versions.c.sequence.desc())
)
_VERSION = select(*_VERSION_COLUMNS).where(
    image_versions.c.image_id == bindparam("id"), image_versions.c.version_id == bindparam("version")
)
_EXISTS = select(images.c.image_id).where(_BY_ID)
_CHECK = select(images.c.image_id).limit(1)
_ADD_IMAGE = insert(images)
_ADD_VERSION = insert(image_versions)
_REPLACE = (
    update(images)
    .where(_BY_ID, images.c.revision == bindparam("expected"))
    .values(
        {name: bindparam(f"new_{name}") for name in _IMAGE_FIELDS if name not in ("image_id", "revision")}
        | {
            "version_id": bindparam("new_version_id"),
            "sequence": images.c.sequence + 1,
            "revision": images.c.revision + 1,
        }
    )
    .returning(images.c.sequence)
)

_DESCRIBED = ("title", "description", "tags", "visibility", "updated_at")
_DESCRIBE = (
    update(images)
    .where(_BY_ID, images.c.revision == bindparam("expected"))
    .values({name: bindparam(f"new_{name}") for name in _DESCRIBED} | {"revision": images.c.revision + 1})
)


class SqlImageRepository:
    """``services.ports.ImageRepository`` on an engine of ``make_engine`` whose database ``migrate.upgrade`` prepared.

    Safe to share between threads. Each method takes one connection for one transaction and returns it. Raises
    ``BackendUnavailable``, ``BackendMisconfigured`` or ``StorageFull`` when the database does not do its part; after
    ``BackendUnavailable`` from a write it is open whether it was committed, as with every server that can vanish.
    """

    def __init__(self, engine: Engine) -> None:
        self._reader = reading(engine)
        self._writer = Writer(engine)

    def add(self, image: Image) -> None:
        """Store a new image with its first version; raises ``DuplicateImage``."""
        row = _image_row(image) | {"version_id": image.current.version_id, "sequence": 1, "status": STATUS_READY}
        with translated(integrity=DuplicateImage), self._writer.begin() as connection:
            connection.execute(_ADD_IMAGE, row)
            connection.execute(_ADD_VERSION, _version_row(image, sequence=1))

    def get(self, image_id: str) -> Image | None:
        """The image with its current version, also when that is a delete marker; None when there is none."""
        rows = self._read(_GET, {"id": image_id})
        if not rows:
            return None
        row = rows[0]
        current = ImageVersion(*row[len(_IMAGE_FIELDS) :])
        return Image(current=current, **dict(zip(_IMAGE_FIELDS, row, strict=False)))

    def replace(self, image: Image, *, expected_revision: int) -> None:
        """Append ``image.current`` and make it, and ``image``'s other members, current.

        Raises ``VersionConflict``, changing nothing, unless the stored revision is ``expected_revision``, and
        ``ImageNotFound`` when there is no such image.
        """
        values = {f"new_{name}": value for name, value in _image_row(image).items()}
        del values["new_image_id"], values["new_revision"]
        values |= {"new_version_id": image.current.version_id, "id": image.image_id, "expected": expected_revision}
        with translated(integrity=VersionConflict), self._writer.begin() as connection:
            # The UPDATE compares, sets and locks the row at once: of racing replacers one finds the expected version,
            # and nobody else can take the sequence number it returns before this transaction ends.
            sequence = connection.execute(_REPLACE, values).scalar_one_or_none()
            if sequence is None:
                known = connection.execute(_EXISTS, {"id": image.image_id}).first() is not None
                raise VersionConflict if known else ImageNotFound
            connection.execute(_ADD_VERSION, _version_row(image, sequence=sequence))

    def describe(self, image: Image, *, expected_revision: int) -> None:
        """Store ``image``'s title, description, tags, visibility and ``updated_at``; errors as for ``replace``."""
        values = {f"new_{name}": value for name, value in _image_row(image).items() if name in _DESCRIBED}
        values |= {"id": image.image_id, "expected": expected_revision}
        with translated(), self._writer.begin() as connection:
            if connection.execute(_DESCRIBE, values).rowcount == 0:
                known = connection.execute(_EXISTS, {"id": image.image_id}).first() is not None
                raise VersionConflict if known else ImageNotFound

    def versions(self, image_id: str) -> list[ImageVersion]:
        """Every version and delete marker, newest first; empty for an unknown image."""
        return [ImageVersion(*row) for row in self._read(_VERSIONS, {"id": image_id})]

    def version(self, image_id: str, version_id: str) -> ImageVersion | None:
        """One version of an image, None when there is none."""
        rows = self._read(_VERSION, {"id": image_id, "version": version_id})
        return ImageVersion(*rows[0]) if rows else None

    def check(self) -> None:
        """Raise a ``BackendError`` unless the database answers and has its tables. Takes at most a few seconds."""
        self._read(_CHECK, {})

    def _read(self, statement: Any, parameters: dict[str, str]) -> Sequence[Any]:
        try:
            with translated(), self._reader.connect() as connection:
                return connection.execute(statement, parameters).all()
        except InvalidInput:
            return ()  # an id that the database can not even store, such as one with a NUL, names nothing


def _image_row(image: Image) -> dict[str, Any]:
    return {name: getattr(image, name) for name in _IMAGE_FIELDS}


def _version_row(image: Image, *, sequence: int) -> dict[str, Any]:
    row = {name: getattr(image.current, name) for name in _VERSION_FIELDS}
    return row | {"image_id": image.image_id, "sequence": sequence}
