"""Announced uploads: ``services.ports.PendingUploads`` on SQL, all but ``promote``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Integer, bindparam, delete, insert, select, update

from services.errors import DuplicateImage, InvalidInput, VersionConflict
from services.metadata.engine import Writer, reading
from services.metadata.failures import translated
from services.metadata.tables import UtcMicroseconds, pending_uploads
from services.models import PENDING, REJECTED, PendingUpload, UploadFields

_OPTIONAL = tuple(each.name for each in fields(UploadFields))
_REQUIRED = tuple(each.name for each in fields(PendingUpload) if each.name != "fields")

_columns = pending_uploads.c
_ROWS = select(*(_columns[name] for name in (*_REQUIRED, *_OPTIONAL)))
_IS_PENDING = (_columns.image_id == bindparam("id"), _columns.status == PENDING)
_COUNT: Any = bindparam("count", type_=Integer, literal_execute=True)

_ADD = insert(pending_uploads)
_GET = _ROWS.where(_columns.image_id == bindparam("id"))
_EVERYBODYS = (
    _ROWS.where(_columns.status == PENDING).order_by(_columns.created_at.desc(), _columns.image_id.desc()).limit(_COUNT)
)
_OWNERS = _EVERYBODYS.where(_columns.owner == bindparam("owner"))
_EXPIRED = (
    _ROWS.where(_columns.expires_at < bindparam("before", type_=UtcMicroseconds))
    .order_by(_columns.expires_at, _columns.image_id)
    .limit(_COUNT)
)
_REJECT = (
    update(pending_uploads)
    .where(*_IS_PENDING)
    .values(
        status=REJECTED,
        reason_code=bindparam("code"),
        reason=bindparam("why"),
        expires_at=bindparam("until", type_=UtcMicroseconds),
    )
)
_REMOVE = delete(pending_uploads).where(_columns.image_id == bindparam("id"))
TAKE_PENDING = delete(pending_uploads).where(*_IS_PENDING)
"""Removes the upload ``id`` if it is pending: of several transactions that try, one counts a row."""


class SqlPendingUploads:
    """The rows of uploads that go straight to the store; a part of ``SqlImageRepository``."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._reader = reading(engine)
        self._writer = writer

    def add_pending(self, upload: PendingUpload) -> None:
        """Store an announced upload; raises ``DuplicateImage``."""
        row = {name: getattr(upload, name) for name in _REQUIRED}
        row |= {name: getattr(upload.fields, name) for name in _OPTIONAL}
        with translated(integrity=DuplicateImage), self._writer.begin() as connection:
            connection.execute(_ADD, row)

    def get_pending(self, image_id: str) -> PendingUpload | None:
        """The upload, pending or rejected; None when there is none."""
        rows = self._read(_GET, {"id": image_id})
        return _upload(rows[0]) if rows else None

    def pending_of(self, owner: str | None, *, limit: int) -> list[PendingUpload]:
        """Uploads with status ``PENDING``, of one owner or of everybody, newest first."""
        parameters = {"count": limit} if owner is None else {"count": limit, "owner": owner}
        return [_upload(row) for row in self._read(_EVERYBODYS if owner is None else _OWNERS, parameters)]

    def expired(self, before: datetime, *, limit: int) -> list[PendingUpload]:
        """Uploads, pending or rejected, whose ``expires_at`` is before ``before``, oldest first."""
        return [_upload(row) for row in self._read(_EXPIRED, {"before": before, "count": limit})]

    def reject(self, image_id: str, *, code: str, reason: str, expires_at: datetime) -> None:
        """Mark a pending upload as ``REJECTED``; raises ``VersionConflict`` unless it is ``PENDING``."""
        values = {"id": image_id, "code": code, "why": reason, "until": expires_at}
        with translated(), self._writer.begin() as connection:
            if connection.execute(_REJECT, values).rowcount == 0:
                raise VersionConflict

    def remove_pending(self, image_id: str) -> None:
        """Remove an upload's row; one that is not there is no error."""
        with translated(), self._writer.begin() as connection:
            connection.execute(_REMOVE, {"id": image_id})

    def _read(self, statement: Any, parameters: dict[str, Any]) -> Sequence[Any]:
        try:
            with translated(), self._reader.connect() as connection:
                return connection.execute(statement, parameters).all()
        except InvalidInput:
            return ()  # text that the database can not even store, such as one with a NUL, names nothing


def _upload(row: Any) -> PendingUpload:
    optional = dict(zip(_OPTIONAL, row[len(_REQUIRED) :], strict=True))
    required = dict(zip(_REQUIRED, row[: len(_REQUIRED)], strict=True))
    return PendingUpload(fields=UploadFields(**optional), **required)
