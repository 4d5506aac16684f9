"""Uploads that go straight to the store, in DynamoDB."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from services.errors import DuplicateImage, VersionConflict
from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import ConditionFailed, DynamoTable
from services.metadata.dynamo_filing import Filing, write_new
from services.metadata.dynamo_items import Item, number, pending_item, read_pending, text
from services.metadata.dynamo_table import EVERYONE, TTL
from services.metadata.dynamo_writes import ALWAYS, IF_ABSENT, Changes, if_equal, patiently
from services.models import PENDING, REJECTED, Image, PendingUpload

GRACE = timedelta(days=7)
"""DynamoDB drops a row by itself only so long after it expired: until then it is what leads to the bytes in the store,
and clearing it away is the sweeper's work.
"""


class DynamoPendingUploads:
    """``services.ports.PendingUploads`` on a table as ``dynamo_table`` defines it."""

    def __init__(self, table: DynamoTable) -> None:
        self.table = table

    def add_pending(self, upload: PendingUpload) -> None:
        """Store an announced upload; raises ``DuplicateImage``."""

        def step() -> None:
            changes = Changes()
            changes.require(keys.image_pk(upload.image_id), keys.IMAGE, IF_ABSENT)
            item = _with_ttl(upload)
            changes.put(keys.pending_pk(upload.image_id), keys.PENDING, item, condition=IF_ABSENT)
            _put_expiry(changes, upload, item)
            if upload.status == PENDING:
                changes.put(*_of_owner(upload), item, label=keys.PENDING, condition=ALWAYS)
            self.commit(changes, DuplicateImage)

        patiently(step)

    def get_pending(self, image_id: str) -> PendingUpload | None:
        """The upload, pending or rejected; None when there is none."""
        try:
            item = self.table.get(keys.pending_pk(image_id), keys.PENDING)
        except UnicodeEncodeError:
            return None  # an id that no database can store names nothing
        return read_pending(item) if item else None

    def pending_of(self, owner: str | None, *, limit: int) -> list[PendingUpload]:
        """Uploads with status ``PENDING``, of one owner or of everybody, newest first."""
        try:
            attribute, partition = ("g1pk", keys.PENDING) if owner is None else ("pk", keys.pending_owner_pk(owner))
        except UnicodeEncodeError:
            return []
        answer = self.table.query(
            KeyConditionExpression=f"{attribute} = :pk",
            ExpressionAttributeValues={":pk": text(partition)},
            ScanIndexForward=False,
            Limit=limit,
            **({"IndexName": EVERYONE} if owner is None else {"ConsistentRead": True}),
        )
        return [read_pending(item) for item in answer["Items"]]

    def promote(self, image: Image) -> None:
        """Turn the pending upload with ``image``'s id into ``image``.

        Raises ``VersionConflict``, changing nothing, unless it is there with status ``PENDING``.
        """

        def step() -> Filing:
            upload = self._settleable(image.image_id)
            changes = Changes()
            _remove(changes, upload)
            filing = write_new(changes, image)
            self.commit(changes, VersionConflict)
            return filing

        patiently(step).finish(self.table, 1)

    def reject(self, image_id: str, *, code: str, reason: str, expires_at: datetime) -> None:
        """Mark a pending upload as ``REJECTED``; raises ``VersionConflict`` unless it is ``PENDING``."""

        def step() -> None:
            upload = self._settleable(image_id)
            rejected = replace(upload, status=REJECTED, reason_code=code, reason=reason, expires_at=expires_at)
            changes = Changes()
            item = _with_ttl(rejected)
            changes.put(keys.pending_pk(image_id), keys.PENDING, item, condition=_unchanged(upload))
            changes.delete(*_of_owner(upload), ALWAYS)
            _put_expiry(changes, rejected, item)
            if _expiry(rejected) != _expiry(upload):
                changes.delete(keys.EXPIRES, _expiry(upload), ALWAYS)
            self.commit(changes, VersionConflict)

        patiently(step)

    def expired(self, before: datetime, *, limit: int) -> list[PendingUpload]:
        """Uploads, pending or rejected, whose ``expires_at`` is before ``before``, oldest first."""
        answer = self.table.query(
            KeyConditionExpression="pk = :pk AND sk < :before",
            ExpressionAttributeValues={":pk": text(keys.EXPIRES), ":before": text(keys.moment(before))},
            ConsistentRead=True,
            Limit=limit,
        )
        return [read_pending(item) for item in answer["Items"]]

    def remove_pending(self, image_id: str) -> None:
        """Remove an upload's row; one that is not there is no error."""

        def step() -> bool:
            upload = self.get_pending(image_id)
            if upload is None:
                return True
            changes = Changes()
            _remove(changes, upload)
            try:
                self.table.transact(changes.actions)
            except ConditionFailed:
                return False  # it was rejected, promoted or removed in between: look again
            return True

        while not patiently(step):
            continue

    def _settleable(self, image_id: str) -> PendingUpload:
        upload = self.get_pending(image_id)
        if upload is None or upload.status != PENDING:
            raise VersionConflict(detail=f"upload {image_id} is not pending")
        return upload

    def commit(self, changes: Changes, refused: type[Exception]) -> None:
        """Write all changes or none; ``refused`` is raised when a condition does not hold."""
        try:
            self.table.transact(changes.actions)
        except ConditionFailed as error:
            raise refused from error


def _remove(changes: Changes, upload: PendingUpload) -> None:
    changes.delete(keys.pending_pk(upload.image_id), keys.PENDING, _unchanged(upload))
    changes.delete(keys.EXPIRES, _expiry(upload), ALWAYS)
    if upload.status == PENDING:
        changes.delete(*_of_owner(upload), ALWAYS)


def _unchanged(upload: PendingUpload) -> dict[str, object]:
    return if_equal(status=text(upload.status))


def _put_expiry(changes: Changes, upload: PendingUpload, item: Item) -> None:
    changes.put(keys.EXPIRES, _expiry(upload), item, condition=ALWAYS)


def _expiry(upload: PendingUpload) -> str:
    return keys.entry(upload.expires_at, upload.image_id)


def _of_owner(upload: PendingUpload) -> tuple[str, str]:
    return keys.pending_owner_pk(upload.owner), keys.entry(upload.created_at, upload.image_id)


def _with_ttl(upload: PendingUpload) -> Item:
    return pending_item(upload) | {TTL: number(int((upload.expires_at + GRACE).timestamp()))}
