"""What the core needs from the outside, as small Protocols. Adapters raise only ``services.errors``.

One contract suite (``tests/contract``) runs over every implementation. An optional power is a Protocol of its own and
is checked once, at wiring.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from services.models import (
    ByteRange,
    Image,
    ImageQuery,
    ImageVersion,
    ObjectAttributes,
    ObjectVersion,
    Page,
    PendingUpload,
    Position,
    Totals,
)


class ObjectWriter(Protocol):
    """One object version being written; nothing of it is visible before ``commit`` returns."""

    def write(self, data: bytes) -> None:
        """Take the next bytes; may block while earlier ones are sent."""

    def commit(self) -> str:
        """Make the bytes durable as the newest version of the object and return that version's id."""

    def abort(self) -> None:
        """Leave nothing behind: no version, no unfinished multipart upload. Harmless after ``commit`` or twice."""


class ObjectReader(Protocol):
    """The bytes of one object version (or a range of them), in order, in one pass."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None:
        """Release the connection or file; harmless twice."""


class ObjectStore(Protocol):
    """A versioned store of bytes by key."""

    def writer(self, key: str, attributes: ObjectAttributes) -> ObjectWriter:
        """Begin a new version of ``key``."""

    def read(self, key: str, version_id: str, byte_range: ByteRange | None = None) -> ObjectReader:
        """Open one version. Raises ``ObjectNotFound`` here, not while iterating, when there is no such version."""

    def copy_version(
        self, key: str, version_id: str, attributes: ObjectAttributes, *, target: str | None = None
    ) -> str:
        """Make the bytes of one version the newest one of ``target`` (default: ``key`` itself), inside the store.

        Returns the new version's id. Raises ``ObjectNotFound`` when there is no such version.
        """

    def newest(self, key: str) -> ObjectVersion | None:
        """The newest version of ``key`` as it is now; None when there is none, or a delete marker hides it."""

    def purge(self, key: str) -> None:
        """Remove every version and delete marker of ``key`` for good; for ``pending/`` objects only."""

    def mark_deleted(self, key: str) -> str:
        """Put a delete marker on top of ``key``; return its version id, on a marker perhaps that older one's."""

    def remove_version(self, key: str, version_id: str) -> None:
        """Remove one version, or one delete marker, for good. A version that is not there is no error."""

    def check(self) -> None:
        """Raise unless the store answers, exists and keeps versions. Takes at most a few seconds."""


@runtime_checkable
class AuditableStore(Protocol):
    """A store that can list what it holds: for tests and maintenance, never on a request path."""

    def list_versions(self, prefix: str) -> Iterator[ObjectVersion]:
        """Every version and delete marker whose key begins with ``prefix``, newest first within a key."""

    def list_unfinished(self, prefix: str) -> Iterator[str]:
        """The key of every unfinished multipart upload or half-written file whose key begins with ``prefix``."""


@runtime_checkable
class PresigningStore(Protocol):
    """A store that hands out URLs which work without credentials until they expire.

    A URL may be relative (``/objects/<token>``): then this service serves it, and the caller of this port resolves it
    against the service's own address.
    """

    def presign_get(self, key: str, version_id: str, *, expires_in: int, content_type: str, disposition: str) -> str:
        """A URL that fetches one version; ``expires_in`` in seconds, ``disposition`` a Content-Disposition value."""

    def presign_put(self, key: str, *, expires_in: int, content_type: str, max_size: int) -> str:
        """A URL that takes one PUT of exactly ``content_type``; a store that can not cap the size checks it later."""


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """What a presigned URL of the embedded store allows. ``version_id`` is empty for a PUT."""

    method: str
    key: str
    version_id: str
    content_type: str
    disposition: str
    max_size: int
    expires_at: datetime


@runtime_checkable
class SelfServingStore(Protocol):
    """A presigning store whose URLs this service must serve itself."""

    def redeem(self, token: str, method: str) -> AccessGrant:
        """Check a token of a presigned URL; raises ``AccessDenied`` when forged, expired or for another method."""

    def size_of(self, key: str, version_id: str) -> int:
        """The size in bytes of one version; raises ``ObjectNotFound``."""


class ImageRepository(Protocol):
    """The rows: images and their versions. Every method is one atomic step."""

    def add(self, image: Image) -> None:
        """Store a new image with its first version; raises ``DuplicateImage``."""

    def get(self, image_id: str) -> Image | None:
        """The image with its current version, also when that is a delete marker; None when there is none."""

    def replace(self, image: Image, *, expected_revision: int) -> None:
        """Append ``image.current`` to the versions and make it, and ``image``'s other members, current.

        The stored revision becomes ``expected_revision + 1``. Raises ``VersionConflict``, changing nothing, unless it
        was ``expected_revision`` and the version is a new one, and ``ImageNotFound`` when there is no such image.
        """

    def describe(self, image: Image, *, expected_revision: int) -> None:
        """Store ``image``'s title, description, tags, visibility and ``updated_at``; its versions stay.

        Revisions and errors as for ``replace``.
        """

    def versions(self, image_id: str) -> list[ImageVersion]:
        """Every version and delete marker, newest first; empty for an unknown image."""

    def version(self, image_id: str, version_id: str) -> ImageVersion | None:
        """One version of an image."""

    def search(self, query: ImageQuery, *, limit: int, after: Position | None = None) -> Page:
        """The next ``limit`` images of a listing, behind ``after``.

        Images that are added or removed between two pages move nothing: no image comes twice and none that was there
        all the time is left out. The cost does not grow with the number of images that the query does not match.
        """

    def totals(self, *, days: int) -> Totals:
        """What is stored, with one entry for each of the last ``days`` days that has images, oldest first."""

    def check(self) -> None:
        """Raise ``BackendUnavailable`` unless the database answers. Takes at most a few seconds."""


class PendingUploads(Protocol):
    """The rows of uploads that go straight to the store. Every method is one atomic step."""

    def add_pending(self, upload: PendingUpload) -> None:
        """Store an announced upload; raises ``DuplicateImage``."""

    def get_pending(self, image_id: str) -> PendingUpload | None:
        """The upload, pending or rejected; None when there is none."""

    def pending_of(self, owner: str | None, *, limit: int) -> list[PendingUpload]:
        """Uploads with status ``PENDING``, of one owner or of everybody, newest first."""

    def promote(self, image: Image) -> None:
        """Turn the pending upload with ``image``'s id into ``image``.

        Raises ``VersionConflict``, changing nothing, unless it is there with status ``PENDING``.
        """

    def reject(self, image_id: str, *, code: str, reason: str, expires_at: datetime) -> None:
        """Mark a pending upload as ``REJECTED``; raises ``VersionConflict`` unless it is ``PENDING``."""

    def expired(self, before: datetime, *, limit: int) -> list[PendingUpload]:
        """Uploads, pending or rejected, whose ``expires_at`` is before ``before``, oldest first."""

    def remove_pending(self, image_id: str) -> None:
        """Remove an upload's row; one that is not there is no error."""


class Repository(ImageRepository, PendingUploads, Protocol):
    """Everything that one database keeps for the service."""


@dataclass(frozen=True, slots=True)
class PostPolicy:
    """A browser form's target: ``fields`` go before the file, in any order."""

    url: str
    fields: dict[str, str]


@runtime_checkable
class PostingStore(Protocol):
    """A store that takes form uploads under a policy which caps their size."""

    def presign_post(self, key: str, *, expires_in: int, content_type: str, max_size: int) -> PostPolicy:
        """A policy for one ``key``, exactly ``content_type`` and 1 to ``max_size`` bytes."""


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One message of a queue; ``receipt`` is what deletes it."""

    body: str
    receipt: str


class MessageQueue(Protocol):
    """A queue that hands a message out again after a while unless it was deleted."""

    def receive(self, wait: int) -> list[QueueMessage]:
        """The next messages, at most ten; waits up to ``wait`` seconds (0 to 20) for the first."""

    def delete(self, message: QueueMessage) -> None:
        """Remove a message that was dealt with."""


class Verifier(Protocol):
    """A second opinion on the bytes, such as a full decode; raises ``NotAnImage``."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""

    def finish(self) -> None:
        """Judge the whole."""

    def close(self) -> None:
        """Release everything; harmless twice."""
