"""The image repository on one DynamoDB table; ``dynamo_keys`` describes its items.

A change and all that listings and counters need of it are one transaction, so no reader of the table sees half of it;
where listings need more than fits, ``dynamo_filing`` sees to that.
The index by which everybody's images are listed follows a moment later.
"""

from __future__ import annotations

from dataclasses import replace

from services.errors import DuplicateImage, ImageNotFound, VersionConflict
from services.metadata import dynamo_keys as keys
from services.metadata.dynamo_client import DynamoOptions, DynamoTable
from services.metadata.dynamo_filing import Filing, write_new
from services.metadata.dynamo_items import Item, image_item, number, read_image, read_number, read_version, text
from services.metadata.dynamo_pending import DynamoPendingUploads
from services.metadata.dynamo_search import Search
from services.metadata.dynamo_totals import totals
from services.metadata.dynamo_writes import (
    Changes,
    if_equal,
    patiently,
    write_counters,
    write_version,
)
from services.models import Image, ImageQuery, ImageVersion, Page, Position, Totals
from utils.clock import Clock, utc_now

__all__ = ["DynamoOptions", "DynamoRepository", "DynamoTable"]


class DynamoRepository(DynamoPendingUploads):
    """``services.ports.Repository`` on a table that ``dynamo_table`` defines.

    Safe to share between threads; opens no connection before its first call. Raises ``BackendUnavailable`` (throttled,
    down, too much contention) or ``BackendMisconfigured`` (no such table, no permission, bad credentials) when DynamoDB
    does not do its part; after ``BackendUnavailable`` from a write it is open whether it was committed.
    """

    def __init__(self, table: DynamoTable, *, clock: Clock = utc_now) -> None:
        super().__init__(table)
        self._clock = clock

    def add(self, image: Image) -> None:
        """Store a new image with its first version; raises ``DuplicateImage``."""

        def step() -> Filing:
            changes = Changes()
            filing = write_new(changes, image)
            self.commit(changes, DuplicateImage)
            return filing

        patiently(step).finish(self.table, 1)

    def get(self, image_id: str) -> Image | None:
        """The image with its current version, also when that is a delete marker; None when there is none."""
        item = self._item(image_id)
        return read_image(item) if item else None

    def replace(self, image: Image, *, expected_revision: int) -> None:
        """Append ``image.current`` and make it, and ``image``'s other members, current.

        Raises ``VersionConflict``, changing nothing, unless the stored revision is ``expected_revision`` and the
        version is a new one, and ``ImageNotFound`` when there is no such image.
        """
        self._change(image, expected_revision, new_version=True)

    def describe(self, image: Image, *, expected_revision: int) -> None:
        """Store ``image``'s title, description, tags, visibility and ``updated_at``; errors as for ``replace``."""
        self._change(image, expected_revision, new_version=False)

    def versions(self, image_id: str) -> list[ImageVersion]:
        """Every version and delete marker, newest first; empty for an unknown image."""
        try:
            pk = keys.image_pk(image_id)
        except UnicodeEncodeError:
            return []
        items: list[Item] = []
        start: Item | None = None
        while True:
            answer = self.table.query(
                KeyConditionExpression="pk = :pk AND begins_with(sk, :versions)",
                ExpressionAttributeValues={":pk": text(pk), ":versions": text(keys.VERSIONS)},
                ConsistentRead=True,
                **({"ExclusiveStartKey": start} if start else {}),
            )
            items += answer["Items"]
            start = answer.get("LastEvaluatedKey")
            if start is None:
                break
        items.sort(key=lambda item: read_number(item, "sequence"), reverse=True)
        return [read_version(item) for item in items]

    def version(self, image_id: str, version_id: str) -> ImageVersion | None:
        """One version of an image, None when there is none."""
        try:
            item = self.table.get(keys.image_pk(image_id), keys.version_sk(version_id))
        except UnicodeEncodeError:
            return None
        return read_version(item) if item else None

    def search(self, query: ImageQuery, *, limit: int, after: Position | None = None) -> Page:
        """The next ``limit`` images of a listing, behind ``after``.

        An owner's listing is consistent, everybody's follows writes within a moment. A page of a query that combines
        more than one label can say (see ``dynamo_search``) may hold fewer than ``limit`` images before the last page.
        """
        try:
            "\0".join((query.owner or "", *query.tags, *query.words)).encode()
        except UnicodeEncodeError:
            return Page((), None)  # what can not be stored matches nothing
        return Search(self.table, query, limit, after).page()

    def totals(self, *, days: int) -> Totals:
        """What is stored, with one entry for each of the last ``days`` days that has images, oldest first."""
        return totals(self.table, days=days, now=self._clock())

    def check(self) -> None:
        """Raise a ``BackendError`` unless the table answers and is made as it should. Takes at most a few seconds."""
        self.table.check()

    def _item(self, image_id: str) -> Item | None:
        try:
            return self.table.get(keys.image_pk(image_id), keys.IMAGE)
        except UnicodeEncodeError:
            return None  # an id that no database can store names nothing

    def _change(self, image: Image, expected: int, *, new_version: bool) -> None:
        filing = patiently(lambda: self._change_once(image, expected, new_version=new_version))
        filing.finish(self.table, expected + 1)

    def _change_once(self, image: Image, expected: int, *, new_version: bool) -> Filing:
        stored = self._item(image.image_id)
        if stored is None:
            raise ImageNotFound
        before = read_image(stored)
        if before.revision != expected:
            raise VersionConflict
        after = image if new_version else _described(before, image)
        # Kept where it is listed: to look for it then would be a query for each deleted image of a page.
        after = replace(after, restorable=before.restorable if before.deleted else before.current)
        sequence = read_number(stored, "sequence") + (1 if new_version else 0)
        changes = Changes()
        item = image_item(after, revision=expected + 1)
        filing = Filing(before, stored, after, item)
        # The labels that are removed are those of the revision just read, and the condition holds the write to it.
        changes.put(
            keys.image_pk(image.image_id),
            keys.IMAGE,
            item | {"sequence": number(sequence)} | filing.remembered(),
            condition=if_equal(revision=number(expected)),
        )
        if new_version:
            write_version(changes, after, sequence=sequence)
        filing.add_to(changes)
        write_counters(changes, before, after)
        self.commit(changes, VersionConflict)
        return filing


def _described(before: Image, image: Image) -> Image:
    return replace(
        before,
        title=image.title,
        description=image.description,
        tags=image.tags,
        visibility=image.visibility,
        updated_at=image.updated_at,
    )
