"""The values that the core passes around: frozen, without behaviour that needs I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

ANONYMOUS = "anonymous"
"""Owner of an image whose caller named nobody."""

PRIVATE = "private"
PUBLIC = "public"
VISIBILITIES = (PRIVATE, PUBLIC)
"""Whom an image is for: its owner, or every caller that proved who it is. With authentication off nothing is secret."""

EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
    "image/avif": ".avif",
}
"""Every format the service stores, and the extension that its keys carry."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What inspection read from the bytes.

    ``width`` and ``height`` are the stored raster's, in pixels, before any rotation; ``orientation`` is the EXIF value
    1..8 that a viewer applies (for AVIF derived from ``irot``/``imir``); ``frames`` counts animation frames or pages.
    """

    content_type: str
    width: int
    height: int
    frames: int = 1
    orientation: int = 1


@dataclass(frozen=True, slots=True)
class ObjectAttributes:
    """What is stored beside an object's bytes: the true content type, the owner and the sanitised file name."""

    content_type: str
    owner: str = ANONYMOUS
    filename: str = ""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A non-empty half-open range of bytes: ``start`` included, ``stop`` excluded."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of one object as its store lists it; ``deleted`` marks a delete marker (size 0)."""

    key: str
    version_id: str
    size: int
    deleted: bool
    is_latest: bool


@dataclass(frozen=True, slots=True)
class ImageVersion:
    """One write of an image, or the delete marker that hides it.

    ``version_id`` is the object store's; ``size`` is in bytes, ``sha256`` in lower-case hex. A delete marker has
    ``deleted=True``, size 0, no digest and no pixels.
    """

    version_id: str
    content_type: str
    size: int
    sha256: str
    width: int
    height: int
    frames: int
    orientation: int
    created_at: datetime
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """An image and its current version. Times are UTC and aware.

    ``revision`` counts the changes of the row, replacements and descriptions alike; ``restorable`` is, of a
    deleted image in a listing, its newest version that has bytes. Both are the repository's, and two images that differ
    in nothing else are equal.
    """

    image_id: str
    owner: str
    object_key: str
    filename: str
    title: str
    description: str
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    current: ImageVersion
    visibility: str = PRIVATE
    revision: int = field(default=1, compare=False)
    restorable: ImageVersion | None = field(default=None, compare=False)

    @property
    def key(self) -> str:
        """The public key: the id plus the extension of the current type."""
        return self.image_id + EXTENSIONS.get(self.current.content_type, "")

    @property
    def deleted(self) -> bool:
        """Whether a delete marker is the current version."""
        return self.current.deleted


@dataclass(frozen=True, slots=True)
class UploadFields:
    """The optional form fields of an upload, already validated (see ``services.names``); None where not given."""

    title: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    visibility: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``name`` is None for a request that names nobody; with authentication off that caller may do
    anything.
    """

    name: str | None = None

    @property
    def owner(self) -> str:
        """The owner of what this caller makes."""
        return self.name or ANONYMOUS

    def may_change(self, image: Image) -> bool:
        """Whether this caller may change ``image``: a caller with a name must be its owner."""
        return self.name is None or self.name == image.owner

    @property
    def sees_all(self) -> bool:
        """Whether this caller may list and read what others own: with authentication off, everybody may."""
        return True


PENDING = "pending"
READY = "ready"
REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """An upload that goes straight to the store: announced, not yet an image.

    Its bytes arrive at ``object_key``, below ``pending/``, and must be of ``content_type`` and at most ``max_size``
    bytes. ``status`` is ``PENDING`` until they were looked at; an upload whose bytes failed stays as ``REJECTED``, with
    the error's code and message in ``reason_code`` and ``reason``, until ``expires_at``.
    """

    image_id: str
    owner: str
    object_key: str
    filename: str
    content_type: str
    max_size: int
    fields: UploadFields
    created_at: datetime
    expires_at: datetime
    status: str = PENDING
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """Which images a listing shows; every condition that is given must hold.

    ``owner`` None means everybody's. An image must have all ``tags`` (exactly as stored) and all ``words`` among the
    words of its title (see ``services.words``). ``since`` is included, ``until`` is not; both are compared with
    ``created_at``. ``deleted`` lists the deleted images instead of the visible ones.
    """

    owner: str | None = None
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a listing, which goes from the newest ``created_at`` to the oldest, then by ``image_id`` downwards."""

    created_at: datetime
    image_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """Images in the order of the listing; ``after`` is the place to go on from, None on the last page."""

    images: tuple[Image, ...]
    after: Position | None


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What was uploaded on one day (UTC) and is visible now; ``size`` in bytes."""

    day: date
    images: int
    size: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What the repository holds: visible images, the bytes of their current versions, and deleted images."""

    images: int
    size: int
    deleted: int
    days: tuple[DayTotal, ...]
