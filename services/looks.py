"""What a listing spends on uploads that may have arrived: a bounded look at those that are pending.

Every upload that can still arrive is looked at, those first that waited longest for a look. Two things keep listings
fast: where nothing was a moment ago nobody looks again at once, and a store that did not answer in time is left alone
for a while. Both are kept in this process only.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import timedelta
from time import monotonic

from services.errors import ServiceError
from services.models import Image, PendingUpload
from services.ports import Repository
from services.settling import logged
from utils.clock import Clock

log = logging.getLogger(__name__)

MAX_PENDING = 100
"""Pending uploads, the newest, that one listing considers."""
SECONDS = 2.0
"""What a listing may spend before it answers; the rest is found by the next one, or by the ingest."""
LOOKERS = 8
"""Uploads that listings of this process look at side by side."""
FRESH = timedelta(minutes=1)
"""Uploads announced since are looked at each time: who sends bytes and then lists should see the image."""
EMPTY_SECONDS = 1.0
"""How long an older upload of which nothing was there is not looked at again."""
REST_SECONDS = 5.0
"""How long no listing looks after one ran out of time, so that a store that hangs delays one in so many seconds."""
REMEMBERED = 10_000
"""Uploads of which the last look is remembered."""


class Looks:
    """Looks at pending uploads for the listings of one process; shared between threads."""

    def __init__(self, repository: Repository, settle: Callable[[str], Image | None], clock: Clock) -> None:
        """Wire it.

        :param settle: judges one upload; None says that there is nothing to show.
        """
        self._repository = repository
        self._settle = settle
        self._clock = clock
        self._lookers = ThreadPoolExecutor(LOOKERS, thread_name_prefix="settle")
        self._lock = threading.Lock()
        self._empty: dict[str, float] = {}
        self._rest_until = 0.0

    def settle_all(self, owner: str | None) -> None:
        """Settle what has arrived for ``owner`` (None: for anybody); bounded, and it raises nothing."""
        if monotonic() < self._rest_until:
            return
        with logged("looking at pending uploads"):
            # In threads of their own, because only so a store that hangs does not hold up who lists the rows.
            looks = [self._lookers.submit(copy_context().run, self._look_at, each) for each in self._worthwhile(owner)]
            _, late = wait(looks, timeout=SECONDS)
            if late:
                self._rest_until = monotonic() + REST_SECONDS
                log.warning("failed: looking at pending uploads: %d of %d took too long", len(late), len(looks))
            for look in late:
                look.cancel()  # those that run go on in their threads, and what they settle stays settled

    def close(self) -> None:
        """Wait for the looks that still run; no others can follow."""
        self._lookers.shutdown()

    def _worthwhile(self, owner: str | None) -> list[PendingUpload]:
        """What can have arrived since the last look: the longest not looked at first, of those the newest."""
        now, ticks = self._clock(), monotonic()
        uploads = [each for each in self._repository.pending_of(owner, limit=MAX_PENDING) if each.expires_at > now]
        with self._lock:
            looked = {each.image_id: self._empty.get(each.image_id, 0.0) for each in uploads}
        uploads.sort(key=lambda each: looked[each.image_id])
        return [
            each
            for each in uploads
            if now - each.created_at < FRESH
            or ticks - looked[each.image_id] >= EMPTY_SECONDS
            or not looked[each.image_id]
        ]

    def _look_at(self, upload: PendingUpload) -> None:
        started = monotonic()  # what arrives while the store is asked may be missed
        try:
            if self._settle(upload.image_id) is None:
                self._remember(upload.image_id, started)
        except ServiceError as error:
            log.warning("failed: settling %s: %s", upload.image_id, error.detail or error)
        except Exception:
            log.exception("settling %s failed", upload.image_id)  # nobody reads the future

    def _remember(self, image_id: str, when: float) -> None:
        with self._lock:
            self._empty.pop(image_id, None)  # so that the dict's order is that of the looks
            self._empty[image_id] = when
            while len(self._empty) > REMEMBERED:
                del self._empty[next(iter(self._empty))]
