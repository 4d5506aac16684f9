"""Finding what one write left in the bucket when its answer was lost.

Each write stores a value of its own, ``write-id``, with the object. Only versions with that value are ever touched, so
a concurrent write of the same key is safe.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from services.errors import ServiceError
from services.storage.s3_attempts import CLEANUP_BUDGET, attempt
from services.storage.s3_clients import S3Clients
from services.storage.s3_errors import SDK_ERRORS, diagnose

logger = logging.getLogger(__name__)

WRITE_ID = "write-id"
_NEWEST = 20
_TRIES = 2


class WriteTrace:
    """The identity of one write of ``key``; ``spare`` is a version that is never taken for the write's own.

    A copy needs that: some servers copy the newest version onto itself in place, and then the source has our write id.
    """

    def __init__(self, clients: S3Clients, key: str, *, spare: str = "") -> None:
        self._clients = clients
        self._key = key
        self._spare = spare
        self.write_id = secrets.token_hex(16)
        self._in_doubt = False

    def once(self, call: Callable[[], str], tries: int) -> str:
        """Run a call that makes one version and return the version's id, also if only its answer was lost."""
        calls = 0

        def counted() -> str:
            nonlocal calls
            calls += 1
            return call()

        try:
            version_id = attempt(counted, tries, recover=self._find_in_doubt)
        except ServiceError:
            raise
        except BaseException:  # a signal: how far the request got is unknown
            self._in_doubt = True
            raise
        if calls > 1:
            self.remove(keep=version_id)  # an earlier try may have been stored after it was given up
        self._in_doubt = False
        return version_id

    def settle(self) -> None:
        """After a failed ``once``: remove what it may have made after all. Asks nobody if the failure was clear."""
        if self._in_doubt:
            self.remove()
        self._in_doubt = False

    def _find_in_doubt(self) -> str | None:
        self._in_doubt = True
        return self.find()

    def find(self) -> str | None:
        """The version that this write made, or None. A bucket that can not be asked is logged and counts as None."""
        try:
            return next(self._versions(), None)
        except SDK_ERRORS as error:
            self._warn("could not be looked for", diagnose(error).text)
        return None

    def remove(self, keep: str = "") -> None:
        """Remove every version of this write but ``keep``; a failure is logged, not raised."""
        bucket = self._clients.options.bucket
        try:
            for version_id in list(self._versions()):
                if version_id != keep:
                    self._delete(bucket, version_id)
        except SDK_ERRORS as error:
            self._warn("could not be removed", diagnose(error).text)
        except ServiceError as error:
            self._warn("could not be removed", error.detail)

    def _delete(self, bucket: str, version_id: str) -> None:
        boto = self._clients.brisk
        attempt(
            lambda: boto.delete_object(Bucket=bucket, Key=self._key, VersionId=version_id),
            tries=_TRIES,
            budget=CLEANUP_BUDGET,
        )

    def _versions(self) -> Iterator[str]:
        bucket, boto = self._clients.options.bucket, self._clients.brisk
        listed = boto.list_object_versions(Bucket=bucket, Prefix=self._key, MaxKeys=_NEWEST)
        for version in listed.get("Versions", []):
            if version["Key"] != self._key or version["VersionId"] == self._spare:
                continue
            try:
                head = boto.head_object(Bucket=bucket, Key=self._key, **_named(version["VersionId"]))  # type: ignore[arg-type]
            except ClientError as error:
                if diagnose(error).status in {404, 405}:  # removed meanwhile: not ours to look at
                    continue
                raise
            if head["Metadata"].get(WRITE_ID) == self.write_id:
                yield version["VersionId"]

    def _warn(self, what: str, why: str) -> None:
        logger.warning("A version that may exist %s: key=%s write-id=%s (%s)", what, self._key, self.write_id, why)


def _named(version_id: str) -> dict[str, str]:
    """The version as a parameter; not every server knows ``null``, the only version where versioning is off."""
    return {} if version_id == "null" else {"VersionId": version_id}
