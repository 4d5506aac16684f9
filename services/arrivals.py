"""Judging bytes that are in the store already by the checks of a streamed upload, in one pass and constant memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from services.errors import ContentTypeMismatch, TooLarge, UnsupportedType
from services.inspection import Inspector
from services.limits import SYNONYMS, UploadLimits
from services.models import EXTENSIONS, ImageFacts, ImageVersion, ObjectVersion, PendingUpload
from services.ports import ObjectStore, Verifier


@dataclass(frozen=True, slots=True)
class Arrival:
    """What examination found in one object version: ``size`` in bytes, ``sha256`` in lower-case hex."""

    version_id: str
    size: int
    sha256: str
    facts: ImageFacts

    def version(self, version_id: str, created_at: datetime) -> ImageVersion:
        """The image version that a copy of these bytes is."""
        return ImageVersion(
            version_id=version_id,
            content_type=self.facts.content_type,
            size=self.size,
            sha256=self.sha256,
            width=self.facts.width,
            height=self.facts.height,
            frames=self.facts.frames,
            orientation=self.facts.orientation,
            created_at=created_at,
        )


def stored_type(declared: str) -> str:
    """The registered name of the image type that ``declared`` names; ``UnsupportedType`` for any other."""
    media_type = declared.lower()
    media_type = SYNONYMS.get(media_type, media_type)
    if media_type not in EXTENSIONS:
        raise UnsupportedType
    return media_type


class Examiner:
    """Examines object versions of one store."""

    def __init__(
        self, store: ObjectStore, limits: UploadLimits, verifier: Callable[[], Verifier] | None = None
    ) -> None:
        """Wire the checks.

        :param verifier: a second opinion on the bytes, such as a full decode; one is made for each examination.
        """
        self._store = store
        self._limits = limits
        self._verifier = verifier

    def examine(self, upload: PendingUpload, arrived: ObjectVersion) -> Arrival:
        """Read ``arrived`` once and judge it as the bytes of ``upload``.

        :raises TooLarge: over the size that was announced as the limit; without reading anything.
        :raises NotAnImage, TooManyPixels, UnsupportedType: as for a streamed upload.
        :raises ContentTypeMismatch: when the bytes are not the type that the URL was signed for.
        :raises ObjectNotFound: when the version is gone.
        :raises BackendError, Overloaded: when the bytes can not be judged now.
        """
        # The limit of now counts too: it may have been lowered since.
        if arrived.size > upload.max_size:
            raise TooLarge(f"The file is larger than the limit of {upload.max_size} bytes.")
        self._limits.refuse_size(arrived.size)
        if self._verifier is None:
            return self._read(upload, arrived, None)
        with closing(self._verifier()) as verifier:
            return self._read(upload, arrived, verifier)

    def _read(self, upload: PendingUpload, arrived: ObjectVersion, verifier: Verifier | None) -> Arrival:
        inspector = Inspector(max_pixels=self._limits.max_pixels)
        digest = hashlib.sha256()
        signed = stored_type(upload.content_type)
        size = 0
        with closing(self._store.read(upload.object_key, arrived.version_id)) as reader:
            for chunk in reader:
                size += len(chunk)
                inspector.feed(chunk)
                _refuse_other(inspector.content_type, signed)
                digest.update(chunk)
                if verifier:
                    verifier.feed(chunk)
        facts = inspector.finish()
        _refuse_other(facts.content_type, signed)
        if verifier:
            verifier.finish()
        return Arrival(arrived.version_id, size, digest.hexdigest(), facts)


def _refuse_other(true: str | None, signed: str) -> None:
    if true is not None and true != signed:
        raise ContentTypeMismatch(f"The upload was announced as {signed}, and the bytes are {true}.")
