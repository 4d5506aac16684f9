"""What watches over uploads that go straight to the store, beside the web workers: ``flask ingest``.

Bucket notifications ("s3:ObjectCreated:*") come from a queue and name what was written; each upload is settled before
its message is deleted, so that a process that dies or a store that fails only delays it. What can not be read stays in
the queue, whose redrive policy moves it to a dead-letter queue. In between, expired uploads and strays are swept; that
works without a queue too.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any, Protocol
from urllib.parse import unquote_plus

from services.direct import PREFIX
from services.errors import BackendError, ServiceError
from services.ports import MessageQueue, QueueMessage

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
SWEEP_LIMIT = 1000
POLL_SECONDS = 8
"""How long one question to the queue waits for a message: below the ten seconds that containers get to stop."""
RETRY_SECONDS = 5.0


class MalformedNotification(ValueError):
    """A message that is no S3 event notification; the text says what is wrong with it."""


class Uploads(Protocol):
    """Uploads that go straight to the store; see ``services.direct.DirectUploads``."""

    def arrived(self, object_key: str) -> None:
        """Settle the upload of an object that was written."""

    def sweep(self, limit: int) -> int:
        """Remove expired uploads; returns how many."""


class Ingest:
    """Settles what notifications name, and sweeps."""

    def __init__(self, uploads: Uploads, queue: MessageQueue | None, *, bucket: str | None = None) -> None:
        """Wire the loop.

        :param queue: where notifications arrive; None only sweeps.
        :param bucket: whose notifications count, for a queue that serves several.
        """
        self._uploads = uploads
        self._queue = queue
        self._bucket = bucket

    def drain(self) -> int:
        """Deal with the messages that are there now, then sweep; returns how many messages were dealt with."""
        settled = 0
        while (count := self._poll(wait=1)) is not None:
            settled += count
        self._sweep()
        return settled

    def run(self, stop: threading.Event) -> None:
        """Deal with messages as they come and sweep every minute, until ``stop`` is set."""
        swept = -SWEEP_SECONDS
        while not stop.is_set():
            if monotonic() - swept >= SWEEP_SECONDS:
                self._sweep()
                swept = monotonic()
            if self._queue is None:
                stop.wait(SWEEP_SECONDS)
                continue
            try:
                self._poll(wait=POLL_SECONDS)
            except BackendError as error:
                log.error("the queue can not be read: %s", error.detail or error)
                stop.wait(RETRY_SECONDS)
            except Exception:
                log.exception("the queue can not be read")
                stop.wait(RETRY_SECONDS)

    def _poll(self, wait: int) -> int | None:
        """Deal with one batch; how many messages were deleted, None when there were none."""
        messages = self._queue.receive(wait) if self._queue else []
        if not messages:
            return None
        return sum(self._take(message) for message in messages)

    def _take(self, message: QueueMessage) -> bool:
        """Settle what one message names and delete it; whatever fails leaves it in the queue."""
        try:
            for key in written_keys(message.body, self._bucket):
                self._uploads.arrived(key)
        except MalformedNotification as error:
            log.error("a message is left for the dead-letter queue: %s", error)
            return False
        except ServiceError as error:
            log.error("a message is left for another try: %s", error.detail or error)
            return False
        except Exception:
            # One upload that meets a bug must not end the settling of all others.
            log.exception("a message is left for another try")
            return False
        if self._queue:
            self._queue.delete(message)
        return True

    def _sweep(self) -> None:
        try:
            if removed := self._uploads.sweep(SWEEP_LIMIT):
                log.info("swept %d uploads", removed)
        except ServiceError as error:
            log.error("sweeping failed: %s", error.detail or error)
        except Exception:
            # Raised, it would end the command, and again after each restart, for as long as its cause is there.
            log.exception("sweeping failed")


def written_keys(body: str, bucket: str | None = None) -> Iterator[str]:
    """The keys below ``pending/`` that an S3 event notification says were written (Amazon S3 User Guide, "Event message
    structure"). The test event that S3 sends when notifications are set up names none.

    :raises MalformedNotification: when it is not one; then nothing has been yielded.
    """
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedNotification(f"it is not JSON: {error}") from error
    if isinstance(event, dict) and event.get("Event") == "s3:TestEvent":
        return
    if not isinstance(event, dict) or not isinstance(event.get("Records"), list):
        raise MalformedNotification("it has no Records")
    for name, of_bucket, key in [_record(record) for record in event["Records"]]:
        if name.startswith("ObjectCreated:") and key.startswith(PREFIX) and bucket in (None, of_bucket):
            yield key


def _record(record: Any) -> tuple[str, str, str]:
    try:
        name, subject = record["eventName"], record["s3"]
        # S3 writes a blank as "+" and every other special character percent-encoded.
        key = unquote_plus(subject["object"]["key"])
        return name.removeprefix("s3:"), str(subject["bucket"]["name"]), key
    except (TypeError, KeyError, AttributeError) as error:
        raise MalformedNotification(f"a record lacks {error}") from error
