"""One upload: bytes are counted, hashed, inspected and handed to the store in one pass; it is committed or it never
was.

    with uploads.new(caller, filename="a.jpg") as upload:     # or uploads.replacement(image, ...)
        for chunk in body:
            upload.write(chunk)                               # refuses as soon as a refusal is known
        image = upload.commit(fields)

Leaving the ``with`` block in any way but a finished ``commit`` undoes everything: the unfinished multipart upload is
aborted, and a version that was written already is removed, so that the previous one is current again. Nothing but
at most two parts' bytes (and what a TIFF's inspection must keep), and no database connection or lock, is held while
bytes arrive.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from services.commits import add_image, replace_current
from services.errors import (
    ImageNotFound,
    NotAnImage,
    Overloaded,
    PreconditionFailed,
    ServiceError,
)
from services.inspection import Inspector
from services.limits import UploadLimits
from services.models import EXTENSIONS, PRIVATE, Caller, Image, ImageFacts, ImageVersion, ObjectAttributes, UploadFields
from services.names import clean_filename, object_name
from services.ports import ImageRepository, ObjectStore, ObjectWriter, Verifier
from utils.budget import MemoryBudget
from utils.clock import Clock, utc_now
from utils.ids import new_image_id

log = logging.getLogger(__name__)

FREE_BYTES = 256 * 1024
"""What every upload may hold without asking: a slow client that sent little must not keep others waiting."""
STEP_BYTES = 512 * 1024
PART_BYTES = 8 * 1024 * 1024
RESERVATION_TIMEOUT = 20.0


class Uploads:
    """Begins uploads; holds what they share."""

    def __init__(
        self,
        store: ObjectStore,
        images: ImageRepository,
        *,
        limits: UploadLimits,
        budget: MemoryBudget,
        verifier: Callable[[], Verifier] | None = None,
        clock: Clock = utc_now,
        new_id: Callable[[], str] = new_image_id,
    ) -> None:
        self.store = store
        self.images = images
        self.limits = limits
        self.budget = budget
        self.verifier = verifier
        self.clock = clock
        self.new_id = new_id

    def new(self, caller: Caller, *, filename: str = "", declared_type: str | None = None) -> Upload:
        """Begin the upload of a new image that ``caller`` will own.

        :param filename: as the caller gave it; cleaned here.
        :param declared_type: the part's Content-Type; compared with the bytes only when the limits are strict.
        """
        return Upload(self, None, caller, clean_filename(filename), declared_type, None)

    def replacement(
        self,
        image: Image,
        *,
        filename: str = "",
        declared_type: str | None = None,
        accepts: Callable[[Image], bool] | None = None,
    ) -> Upload:
        """Begin the upload of new bytes for ``image``.

        :param accepts: the caller's precondition (``If-Match``); asked of the image's state at the moment of the
            change. Without it the last commit wins.
        """
        owner = Caller(image.owner)
        return Upload(self, image, owner, clean_filename(filename), declared_type, accepts)


class Upload:
    """One upload in progress; see the module's docstring. Not shared between threads."""

    def __init__(
        self,
        shared: Uploads,
        target: Image | None,
        caller: Caller,
        filename: str,
        declared_type: str | None,
        accepts: Callable[[Image], bool] | None,
    ) -> None:
        self._shared = shared
        self._target = target
        self._owner = caller.owner
        self._filename = filename or (target.filename if target else "")
        self._declared_type = declared_type
        self._accepts = accepts
        self._image_id = target.image_id if target else shared.new_id()
        self._object_key = target.object_key if target else ""
        self._inspector = Inspector(max_pixels=shared.limits.max_pixels)
        self._verifier = shared.verifier() if shared.verifier else None
        self._digest = hashlib.sha256()
        self._size = 0
        self._share = shared.budget.share()
        self._expects: Callable[[ImageFacts], None] | None = None
        self._patient = False
        self._waiting: list[bytes] = []
        self._writer: ObjectWriter | None = None
        self._version_id = ""
        self._committed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._committed:
                self._undo()
        finally:
            self._waiting.clear()
            if self._verifier:
                self._verifier.close()
            self._share.release()

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return self._size

    def wait_for_names(self) -> None:
        """Begin the object only at the commit, or when a part is full: its owner and file name may still be told."""
        self._patient = True

    def learn(
        self,
        *,
        owner: str | None = None,
        filename: str | None = None,
        expects: Callable[[ImageFacts], None] | None = None,
    ) -> None:
        """Take what the request told about the file, before or after its bytes; None leaves what is known.

        :param expects: compares what the caller declared with what the bytes are; it refuses the commit by raising.
        """
        self._owner = self._owner if owner is None else owner
        self._filename = self._filename if filename is None else clean_filename(filename)
        self._expects = expects or self._expects

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the file.

        :raises TooLarge: as soon as the limit is passed.
        :raises UnsupportedType, NotAnImage, TooManyPixels, ContentTypeMismatch: as soon as the bytes show it.
        :raises Overloaded: when the process holds too many upload bytes for too long.
        :raises BackendError: when the store fails.
        """
        self._size += len(chunk)
        self._shared.limits.refuse_size(self._size)
        self._inspector.feed(chunk)
        self._digest.update(chunk)
        if self._verifier:
            self._verifier.feed(chunk)
        self._reserve()
        if self._writer is None:
            self._waiting.append(chunk)
            if (self._inspector.facts is not None and not self._patient) or self._size > PART_BYTES:
                self._open_writer()
        else:
            self._writer.write(chunk)

    def commit(self, fields: UploadFields | None = None) -> Image:
        """Judge the whole file, make its bytes durable, then its row. Returns the image as it now is.

        :raises NotAnImage: for an empty, truncated or header-only file.
        :raises ImageNotFound, PreconditionFailed: for a replacement whose image was deleted or changed meanwhile.
        :raises BackendError: when the store or the database fails; nothing is left then.
        """
        facts = self._inspector.finish()
        self._shared.limits.refuse_declared(self._declared_type, facts.content_type)
        if self._expects:
            self._expects(facts)
        if self._verifier:
            self._verifier.finish()
        if self._writer is None:
            self._open_writer()
        if self._writer is None:
            raise NotAnImage
        self._version_id = self._writer.commit()
        version = self._version(facts)
        image = self._replace(version, fields) if self._target else self._add(version, fields or UploadFields())
        self._committed = True
        return image

    def _reserve(self) -> None:
        """Take from the budget what is held by now, so that a slow client holds what it has sent and no more.

        Twice the pieces: they, and the copy of them that is on its way to the store; two parts at most.
        """
        missing = 2 * min(self._size, PART_BYTES) - FREE_BYTES - self._share.held
        if missing > 0 and not self._share.grow(max(missing, STEP_BYTES), RESERVATION_TIMEOUT):
            raise Overloaded

    def _open_writer(self) -> None:
        content_type = self._inspector.content_type
        if content_type is None:
            raise NotAnImage
        self._shared.limits.refuse_declared(self._declared_type, content_type)
        if not self._object_key:
            self._object_key = f"images/{self._image_id}/{object_name(self._filename, content_type)}"
        self._writer = self._shared.store.writer(
            self._object_key, ObjectAttributes(content_type, self._owner, self._filename)
        )
        for chunk in self._waiting:
            self._writer.write(chunk)
        self._waiting.clear()

    def _version(self, facts: ImageFacts) -> ImageVersion:
        return ImageVersion(
            version_id=self._version_id,
            content_type=facts.content_type,
            size=self._size,
            sha256=self._digest.hexdigest(),
            width=facts.width,
            height=facts.height,
            frames=facts.frames,
            orientation=facts.orientation,
            created_at=self._shared.clock(),
        )

    def _add(self, version: ImageVersion, fields: UploadFields) -> Image:
        image = Image(
            image_id=self._image_id,
            owner=self._owner,
            object_key=self._object_key,
            filename=self._filename or "image" + EXTENSIONS[version.content_type],
            title=fields.title or "",
            description=fields.description or "",
            tags=fields.tags or (),
            visibility=fields.visibility or PRIVATE,
            created_at=version.created_at,
            updated_at=version.created_at,
            current=version,
        )
        return add_image(self._shared.images, image)

    def _replace(self, version: ImageVersion, fields: UploadFields | None) -> Image:
        def changed(base: Image) -> Image:
            if base.deleted:
                raise ImageNotFound
            if self._accepts and not self._accepts(base):
                raise PreconditionFailed
            return _changed(base, version, self._filename, fields or UploadFields())

        return replace_current(self._shared.images, self._image_id, changed)

    def _undo(self) -> None:
        """Leave nothing; a failure to clean up is logged, never raised over the error that led here."""
        try:
            if self._version_id:
                self._shared.store.remove_version(self._object_key, self._version_id)
            elif self._writer:
                self._writer.abort()
        except ServiceError as error:
            log.warning(
                "could not undo an upload: object %s version %s may remain: %s",
                self._object_key, self._version_id or "(unfinished)", error.detail or error,
            )  # fmt: skip


def _changed(base: Image, version: ImageVersion, filename: str, fields: UploadFields) -> Image:
    return replace(
        base,
        filename=filename or base.filename,
        title=base.title if fields.title is None else fields.title,
        description=base.description if fields.description is None else fields.description,
        tags=base.tags if fields.tags is None else fields.tags,
        visibility=fields.visibility or base.visibility,
        updated_at=version.created_at,
        current=version,
    )
