"""Turning one pending upload into an image, or into a refusal, once its bytes are in the store.

Order of steps, so that a crash between them harms nobody: copy the bytes, then the row, then remove what was pending.
The row decides: of several that settle one upload at the same time one wins, and each other takes back the copy that
it made itself and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from services.arrivals import Arrival, Examiner
from services.commits import promote_image
from services.errors import (
    BackendUnavailable,
    NotAnImage,
    ObjectNotFound,
    ServiceError,
    TooLarge,
    UnsupportedType,
    VersionConflict,
)
from services.limits import UploadLimits
from services.models import EXTENSIONS, PENDING, PRIVATE, Image, ObjectAttributes, PendingUpload
from services.names import object_name
from services.ports import ObjectStore, Repository, Verifier
from utils.clock import Clock

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=1)
"""How long a rejected upload says why."""
_ATTEMPTS = 5


class Settling:
    """Settles the pending uploads of one store and one repository; shared between threads."""

    def __init__(
        self,
        store: ObjectStore,
        repository: Repository,
        *,
        limits: UploadLimits,
        verifier: Callable[[], Verifier] | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._repository = repository
        self._examiner = Examiner(store, limits, verifier)
        self._clock = clock

    def settle(self, image_id: str) -> Image | None:
        """See ``services.direct.DirectUploads.settle``."""
        for _ in range(_ATTEMPTS):
            upload = self._repository.get_pending(image_id)
            if upload is None:
                # Somebody else may have promoted it since the caller looked.
                return self._repository.get(image_id)
            if upload.status != PENDING:
                return None
            try:
                return self._settle(upload)
            except (ObjectNotFound, VersionConflict):
                continue  # somebody else settled it in between: look again
        raise BackendUnavailable(detail=f"gave up on pending upload {image_id}: others keep changing it")

    def _settle(self, upload: PendingUpload) -> Image | None:
        newest = self._store.newest(upload.object_key)
        if newest is None:
            return None
        try:
            arrival = self._examiner.examine(upload, newest)
        except (NotAnImage, UnsupportedType, TooLarge) as refusal:
            self._reject(upload, refusal)
            return None
        return self._promote(upload, arrival)

    def _reject(self, upload: PendingUpload, refusal: ServiceError) -> None:
        """First the row, so that one of several at once decides; an object that stays then is a stray."""
        expires = max(upload.expires_at, self._clock() + REMEMBERED)
        self._repository.reject(upload.image_id, code=refusal.code, reason=refusal.message, expires_at=expires)
        log.info("rejected upload %s: %s", upload.image_id, refusal.code)
        self._forget(upload.object_key)

    def _promote(self, upload: PendingUpload, arrival: Arrival) -> Image:
        key = f"images/{upload.image_id}/{object_name(upload.filename, arrival.facts.content_type)}"
        attributes = ObjectAttributes(arrival.facts.content_type, upload.owner, upload.filename)
        copied = self._store.copy_version(upload.object_key, arrival.version_id, attributes, target=key)
        image = self._image(upload, arrival, key, copied)
        try:
            promote_image(self._repository, image)
        except BaseException:
            self._undo(image)
            raise
        self._forget(upload.object_key)
        return image

    def _image(self, upload: PendingUpload, arrival: Arrival, key: str, version_id: str) -> Image:
        now = self._clock()
        return Image(
            image_id=upload.image_id,
            owner=upload.owner,
            object_key=key,
            filename=upload.filename or "image" + EXTENSIONS[arrival.facts.content_type],
            title=upload.fields.title or "",
            description=upload.fields.description or "",
            tags=upload.fields.tags or (),
            visibility=upload.fields.visibility or PRIVATE,
            created_at=now,
            updated_at=now,
            current=arrival.version(version_id, now),
        )

    def _undo(self, image: Image) -> None:
        """Remove our own copy, unless a row names it: the promotion may have happened without an answer."""
        version_id = image.current.version_id
        with logged(f"undoing object {image.object_key} version {version_id}, which may remain"):
            if self._repository.version(image.image_id, version_id) is None:
                self._store.remove_version(image.object_key, version_id)

    def _forget(self, object_key: str) -> None:
        """Remove what is pending no more; what stays is a stray, found by the next sweep."""
        with logged(f"removing {object_key}"):
            self._store.purge(object_key)


@contextmanager
def logged(doing: str) -> Iterator[None]:
    """Log a domain error of the block instead of raising it: what was to be done is tried again by a sweep."""
    try:
        yield
    except ServiceError as error:
        log.warning("failed: %s: %s", doing, error.detail or error)


@contextmanager
def surviving(doing: str) -> Iterator[None]:
    """Log a bug that the block meets instead of raising it, so that one row or object does not end the work on all
    others; a domain error passes.
    """
    try:
        yield
    except ServiceError:
        raise
    except Exception:
        log.exception("failed: %s", doing)
