"""The core as one value: what a surface may call. Built in ``app.py``, replaced whole in tests."""

from __future__ import annotations

from dataclasses import dataclass

from services.direct import DirectUploads
from services.health import Readiness
from services.images import Images
from services.listings import Listings
from services.ports import ObjectStore, SelfServingStore
from services.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Core:
    """The use cases, and the few settings that an answer shows.

    ``served_store`` and ``store`` are for the embedded store's own URLs only: ``served_store`` is None where the
    store's presigned URLs lead elsewhere (S3). ``presigned_expiration`` is in seconds.
    """

    images: Images
    uploads: Uploads
    listings: Listings
    direct: DirectUploads
    readiness: Readiness
    store: ObjectStore
    served_store: SelfServingStore | None
    presigned_expiration: int
    environment: str
    public_url: str | None = None
