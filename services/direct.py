"""Uploads that go straight to the store: announced, checked when their bytes have arrived, and only then images.

    ticket = direct.begin(caller, content_type="image/png")    # a row with status pending, a URL for one PUT
    ...                                                        # the client sends its bytes to the store itself
    image = direct.settle(ticket.upload.image_id)              # None as long as nothing has arrived

Bytes land below ``pending/`` and pass the checks that a streamed upload passes (``services.arrivals``). What passes is
copied inside the store to its place below ``images/`` and the row turns into an image in one atomic step; what fails is
removed and the row says why. Anybody may settle an upload at any time and at the same time: a reader of the image, a
listing, ``flask ingest``. One of them wins, the others take back the copy that they made. Bytes that arrive when there
is nothing pending any more change nothing and are removed.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from services.arrivals import stored_type
from services.errors import BackendError, BackendUnavailable
from services.limits import UploadLimits
from services.looks import Looks
from services.models import PENDING, Caller, Image, PendingUpload, UploadFields
from services.names import clean_filename, object_name
from services.ports import AuditableStore, ObjectStore, PostingStore, PostPolicy, PresigningStore, Repository, Verifier
from services.settling import Settling, logged, surviving
from utils.clock import Clock, utc_now
from utils.ids import image_id_of, new_image_id

log = logging.getLogger(__name__)

PREFIX = "pending/"

UNDERWAY = timedelta(minutes=15)
"""How long after its URL expires a PUT may still be arriving: S3 looks at the time when the request begins."""
SWEEP_SECONDS = 60.0
SWEEP_FEW = 10
"""What ``begin`` removes at most, once in ``SWEEP_SECONDS``, where it sweeps."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a client needs to send its bytes: a PUT to ``url`` with exactly ``headers``, within ``expires_in`` seconds.

    ``post`` is the same as a form, where the store takes forms; it also keeps to the size limit.
    """

    upload: PendingUpload
    url: str
    headers: dict[str, str]
    expires_in: int
    post: PostPolicy | None


class DirectUploads:
    """The use cases of uploads that go straight to one store, with their rows in one repository."""

    def __init__(
        self,
        store: ObjectStore,
        urls: PresigningStore,
        repository: Repository,
        *,
        limits: UploadLimits,
        verifier: Callable[[], Verifier] | None = None,
        clock: Clock = utc_now,
        new_id: Callable[[], str] = new_image_id,
        expiration: int = 3600,
    ) -> None:
        """Wire the use cases.

        :param urls: signs the URLs; it also lists strays where it is an ``AuditableStore``.
        :param expiration: life in seconds of a URL for which the caller named none.
        """
        self._store = store
        self._urls = urls
        self._posts = urls if isinstance(urls, PostingStore) else None
        self._audited = urls if isinstance(urls, AuditableStore) else None
        self._repository = repository
        self._limits = limits
        self._settling = Settling(store, repository, limits=limits, verifier=verifier, clock=clock)
        self._clock = clock
        self._new_id = new_id
        self._expiration = expiration
        self._sweep_after = math.inf
        self._looks = Looks(repository, self.settle, clock)

    def sweep_when_begun(self) -> None:
        """From now on let ``begin`` remove a few expired uploads, for where no ``flask ingest`` runs."""
        self._sweep_after = 0.0

    def begin(
        self,
        caller: Caller,
        *,
        content_type: str,
        filename: str = "",
        size: int | None = None,
        fields: UploadFields | None = None,
        expires_in: int | None = None,
    ) -> Ticket:
        """Announce an upload that ``caller`` will own.

        :param content_type: what the client will send as ``Content-Type``, to the letter; the bytes must be that type.
        :param size: bytes, where the client knows.
        :param expires_in: life of the URL in seconds.
        :raises UnsupportedType: for a type that is not stored here.
        :raises TooLarge: for a size over the limit.
        :raises BackendUnavailable: when the store can not sign.
        """
        declared = content_type.strip()
        if size is not None:
            self._limits.refuse_size(size)
        name = object_name(clean := clean_filename(filename), stored_type(declared))
        image_id, now, life = self._new_id(), self._clock(), expires_in or self._expiration
        upload = PendingUpload(
            image_id=image_id,
            owner=caller.owner,
            object_key=f"{PREFIX}{image_id}/{name}",
            filename=clean,
            content_type=declared,
            max_size=self._limits.max_file_size,
            fields=fields or UploadFields(),
            created_at=now,
            expires_at=now + timedelta(seconds=life) + UNDERWAY,
        )
        # Signed before the row is there: a store that can not sign leaves nothing.
        ticket = self._ticket(upload, life)
        self._repository.add_pending(upload)
        if monotonic() >= self._sweep_after:
            self._sweep_after = monotonic() + SWEEP_SECONDS
            with logged(doing := "sweeping expired uploads"), surviving(doing):
                self._sweep_expired(SWEEP_FEW)
        return ticket

    def settle(self, image_id: str) -> Image | None:
        """Look whether an upload's bytes have arrived, and judge them if so.

        :returns: the image; None while nothing has arrived, for a rejected upload, and for an unknown id.
        :raises BackendError: when the store or the database fails; the upload stays pending.
        """
        return self._settling.settle(image_id)

    def settle_all(self, owner: str | None) -> None:
        """Settle what has arrived for ``owner`` (None: anybody); bounded, raises nothing. See ``services.looks``."""
        self._looks.settle_all(owner)

    def arrived(self, object_key: str) -> None:
        """What to do when the store says that ``object_key`` was written: settle its upload, or remove it as a stray.

        :raises BackendError: as for ``settle``; the caller should ask again later.
        """
        if not object_key.startswith(PREFIX):
            return
        if self._is_stray(object_key):
            log.info("removing %s: there is no pending upload for it", object_key)
            self._store.purge(object_key)
        else:
            self.settle(_image_id(object_key))

    def noticed(self, object_key: str) -> None:
        """``arrived`` for who can not ask again: a failing backend is logged, and a reader will settle the upload."""
        with logged(f"settling {object_key}"):
            self.arrived(object_key)

    def status(self, image_id: str) -> PendingUpload | None:
        """An upload that is pending or rejected; None when it is neither."""
        return self._repository.get_pending(image_id)

    def sweep(self, limit: int = 100) -> int:
        """Remove at most ``limit`` expired uploads with what they left, after a last look at each; and strays.

        :returns: how many were removed. Whatever fails for one is logged, and it stays for the next sweep.
        """
        removed = self._sweep_expired(limit)
        return removed + self._sweep_strays(limit - removed)

    def _sweep_expired(self, limit: int) -> int:
        removed = 0
        for upload in self._repository.expired(self._clock(), limit=limit):
            with logged(doing := f"expired upload {upload.image_id}"), surviving(doing):
                if self.settle(upload.image_id) is None:
                    # The object first: a row without an object is swept again, an object without a row must be found.
                    self._store.purge(upload.object_key)
                    self._repository.remove_pending(upload.image_id)
                    removed += 1
        return removed

    def _ticket(self, upload: PendingUpload, life: int) -> Ticket:
        key, kind, limit = upload.object_key, upload.content_type, upload.max_size
        post = None
        try:
            url = self._urls.presign_put(key, expires_in=life, content_type=kind, max_size=limit)
            if self._posts:
                post = self._posts.presign_post(key, expires_in=life, content_type=kind, max_size=limit)
        except BackendError as error:
            # Whatever the cause, clients are told one thing, and the log has the cause.
            raise BackendUnavailable(detail=f"presigning failed: {error.detail or error}") from error
        return Ticket(upload, url, {"Content-Type": kind}, life, post)

    def _is_stray(self, object_key: str) -> bool:
        image_id = _image_id(object_key)
        upload = self._repository.get_pending(image_id) if image_id else None
        return upload is None or upload.status != PENDING or upload.object_key != object_key

    def _sweep_strays(self, limit: int) -> int:
        """Remove objects below ``pending/`` for which no upload is pending: a URL takes more than one PUT."""
        if self._audited is None:
            return 0
        removed = 0
        with logged(doing := "looking for strays"), surviving(doing):
            for key in dict.fromkeys(version.key for version in self._audited.list_versions(PREFIX)):
                if removed >= limit:
                    break
                with surviving(f"stray {key}"):
                    if self._is_stray(key):
                        self._store.purge(key)
                        removed += 1
        return removed


def _image_id(object_key: str) -> str:
    """The id in ``pending/<id>/<name>``; empty where there is none."""
    return image_id_of(object_key.removeprefix(PREFIX).partition("/")[0]) or ""
