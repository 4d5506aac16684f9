"""What can be done with a stored image: read, list its versions, delete, restore, presign.

Order of steps, chosen so that a crash between them harms nobody: the object store first, the row second; the row
decides what is current, and a read fetches exactly the version that the row names. When the row's step fails, the
store's is undone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from services.commits import describe_current, replace_current
from services.errors import (
    BackendMisconfigured,
    ImageNotFound,
    InvalidInput,
    PreconditionFailed,
    ServiceError,
    VersionNotFound,
)
from services.models import ByteRange, Caller, Image, ImageVersion, ObjectAttributes, UploadFields
from services.ports import ImageRepository, ObjectReader, ObjectStore, PresigningStore
from utils.clock import Clock, utc_now

log = logging.getLogger(__name__)

_DESCRIBED = ("title", "description", "tags", "visibility")


class Images:
    """The use cases of stored images over one object store and one repository."""

    def __init__(
        self,
        store: ObjectStore,
        repository: ImageRepository,
        urls: PresigningStore,
        clock: Clock = utc_now,
        arrivals: Callable[[str], Image | None] | None = None,
    ) -> None:
        """Wire the use cases.

        :param arrivals: looks whether the bytes of a pending upload have arrived, and makes it an image if so.
        """
        self._store = store
        self._repository = repository
        self._urls = urls
        self._clock = clock
        self._arrivals = arrivals

    def get(self, image_id: str | None) -> Image:
        """The image, unless it is unknown or deleted (``ImageNotFound``)."""
        image = self._any(image_id)
        if image.deleted:
            raise ImageNotFound
        return image

    def for_change(self, image_id: str | None, caller: Caller) -> Image:
        """The image, if ``caller`` may change it; a foreign one is as unknown as none (``ImageNotFound``)."""
        image = self.get(image_id)
        if not caller.may_change(image):
            raise ImageNotFound
        return image

    def version(self, image_id: str | None, version_id: str) -> tuple[Image, ImageVersion]:
        """An image, deleted or not, and one of its versions (``VersionNotFound`` for a delete marker)."""
        image = self._any(image_id)
        version = self._repository.version(image.image_id, version_id)
        if version is None or version.deleted:
            raise VersionNotFound
        return image, version

    def versions(self, image_id: str | None) -> list[ImageVersion]:
        """Every version and delete marker of an image, deleted or not, newest first."""
        image = self._any(image_id)
        return self._repository.versions(image.image_id)

    def open(self, image: Image, version: ImageVersion, byte_range: ByteRange | None = None) -> ObjectReader:
        """The bytes of one version, or a range of them; the caller closes the reader."""
        return self._store.read(image.object_key, version.version_id, byte_range)

    def presign(self, image: Image, version: ImageVersion, *, expires_in: int, disposition: str) -> str:
        """A URL that fetches one version without credentials for ``expires_in`` seconds; may be relative."""
        return self._urls.presign_get(
            image.object_key,
            version.version_id,
            expires_in=expires_in,
            content_type=version.content_type,
            disposition=disposition,
        )

    def describe(
        self,
        image_id: str | None,
        caller: Caller,
        fields: UploadFields,
        accepts: Callable[[Image], bool] | None = None,
    ) -> Image:
        """Change what ``fields`` gives (title, description, tags, visibility) and leave the rest; returns the image.

        :param accepts: the caller's precondition, asked before anything is done and again at the change.
        """
        image = self.for_change(image_id, caller)
        _require(accepts, image)

        def described(base: Image) -> Image:
            if base.deleted or not caller.may_change(base):
                raise ImageNotFound
            _require(accepts, base)
            given = {name: value for name in _DESCRIBED if (value := getattr(fields, name)) is not None}
            return replace(base, updated_at=self._clock(), **given)

        return describe_current(self._repository, image.image_id, described)

    def delete(self, image_id: str | None, caller: Caller, accepts: Callable[[Image], bool] | None = None) -> Image:
        """Hide an image behind a delete marker; its versions stay. Returns it as it was.

        :param accepts: the caller's precondition, asked before anything is done and again at the change.
        """
        image = self.for_change(image_id, caller)
        _require(accepts, image)
        marker_id = self._store.mark_deleted(image.object_key)

        def hidden(base: Image) -> Image:
            if base.deleted or not caller.may_change(base):
                raise ImageNotFound
            _require(accepts, base)
            if self._repository.version(base.image_id, marker_id) is not None:
                # MinIO answers a delete on top of a marker with that marker's id: another delete's, long recorded, and
                # a restore in between made the image visible again. Recording it twice would conflict for ever.
                raise ImageNotFound
            now = self._clock()
            marker = ImageVersion(marker_id, "", 0, "", 0, 0, 0, 1, now, deleted=True)
            return replace(base, updated_at=now, current=marker)

        self._commit(image, marker_id, hidden)
        return image

    def restore(
        self, image_id: str | None, version_id: str, caller: Caller, accepts: Callable[[Image], bool] | None = None
    ) -> Image:
        """Make an earlier version's bytes the newest version, also of a deleted image; returns the image as it now is.

        :param accepts: the caller's precondition, asked before anything is done and again at the change.
        """
        image = self._any(image_id)
        if not caller.may_change(image):
            raise ImageNotFound
        _require(accepts, image)
        source = self._repository.version(image.image_id, version_id)
        if source is None:
            raise VersionNotFound
        if source.deleted:
            raise InvalidInput(
                "This version is a delete marker and has no bytes; restore the version before it.",
                code="version_is_delete_marker",
            )
        attributes = ObjectAttributes(source.content_type, image.owner, image.filename)
        copy_id = self._store.copy_version(image.object_key, version_id, attributes)
        if copy_id == version_id:
            # Undoing such a "copy" would remove the only bytes there are.
            raise BackendMisconfigured(detail=f"the store copied {image.object_key} onto itself in place")

        def restored(base: Image) -> Image:
            _require(accepts, base)
            now = self._clock()
            return replace(base, updated_at=now, current=replace(source, version_id=copy_id, created_at=now))

        return self._commit(image, copy_id, restored)

    def _any(self, image_id: str | None) -> Image:
        image = self._repository.get(image_id) if image_id else None
        if image is None and image_id and self._arrivals:
            image = self._arrivals(image_id)
        if image is None:
            raise ImageNotFound
        return image

    def _commit(self, image: Image, written: str, change: Callable[[Image], Image]) -> Image:
        """Make the row follow the store's new version ``written``; remove that version again if the row refuses.

        Never one that a row names: a store may hand out the id of a version that another request made.
        """
        try:
            return replace_current(self._repository, image.image_id, change)
        except BaseException:
            self._undo(image, written)
            raise

    def _undo(self, image: Image, written: str) -> None:
        try:
            # Also asked when the row's step failed without an answer: it may have been done all the same.
            if self._repository.version(image.image_id, written) is None:
                self._store.remove_version(image.object_key, written)
        except ServiceError as error:
            log.warning(
                "could not undo: object %s version %s may remain: %s", image.object_key, written, error.detail or error
            )


def _require(accepts: Callable[[Image], bool] | None, image: Image) -> None:
    if accepts and not accepts(image):
        raise PreconditionFailed
