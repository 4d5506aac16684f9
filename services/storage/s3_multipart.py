"""One multipart upload, driven by us so that its id is known and exactly it can be aborted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from services.errors import ServiceError
from services.models import ObjectAttributes
from services.storage.s3_attempts import CLEANUP_BUDGET, attempt
from services.storage.s3_clients import S3Clients
from services.storage.s3_errors import SDK_ERRORS, diagnose
from services.storage.s3_metadata import user_metadata
from services.storage.s3_traces import WriteTrace

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

logger = logging.getLogger(__name__)

_ABORT_ROUNDS = 3

_ours: set[str] = set()
_ours_lock = threading.Lock()


class MultipartUpload:
    """Created on construction. ``send`` may run in several threads; ``abort`` only when none of them is running."""

    def __init__(self, clients: S3Clients, key: str, attributes: ObjectAttributes, trace: WriteTrace) -> None:
        self._clients = clients
        self._tries = clients.options.max_attempts
        self._bucket = clients.options.bucket
        self._key = key
        self._trace = trace
        self._etags: dict[int, str] = {}
        self._id = self._create(attributes)
        with _ours_lock:
            _ours.add(self._id)

    def _create(self, attributes: ObjectAttributes) -> str:
        def create() -> str:
            return self._clients.boto.create_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                ContentType=attributes.content_type,
                Metadata=user_metadata(attributes, self._trace.write_id),
                **self._clients.options.sse_parameters,  # type: ignore[arg-type]
            )["UploadId"]

        return attempt(create, self._tries, recover=self._abort_strays)

    def send(self, number: int, body: bytes) -> None:
        """Upload part ``number`` (from 1), retrying from memory; raises a domain error."""

        def send() -> str:
            return self._clients.boto.upload_part(
                Bucket=self._bucket, Key=self._key, UploadId=self._id, PartNumber=number, Body=body
            )["ETag"]

        self._etags[number] = attempt(send, self._tries)

    def complete(self) -> str:
        """Make the parts one version and return its id (empty if the server does not say)."""
        parts: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": self._etags[number]} for number in sorted(self._etags)
        ]

        def complete() -> str:
            answer = self._clients.boto.complete_multipart_upload(
                Bucket=self._bucket, Key=self._key, UploadId=self._id, MultipartUpload={"Parts": parts}
            )
            return answer.get("VersionId", "")

        version_id = self._trace.once(complete, self._tries)
        self._forget()
        return version_id

    def abort(self) -> None:
        """Abort and look again until the upload is gone: a part that arrived late can outlive one abort.

        If S3 does not let us, that is logged; the bucket's lifecycle rule for unfinished uploads is the last resort.
        """
        try:
            for _ in range(_ABORT_ROUNDS):
                self._abort_once(self._id)
                if self._is_gone():
                    break
            else:
                logger.warning("A multipart upload outlives its abort: key=%s upload=%s", self._key, self._id)
        except ServiceError as error:
            logger.warning(
                "A multipart upload could not be aborted: key=%s upload=%s write-id=%s (%s)",
                self._key,
                self._id,
                self._trace.write_id,
                error.detail,
            )
        self._forget()

    def _forget(self) -> None:
        with _ours_lock:
            _ours.discard(self._id)

    def _abort_once(self, upload_id: str) -> None:
        def abort() -> None:
            try:
                self._clients.brisk.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=upload_id)
            except self._clients.brisk.exceptions.NoSuchUpload:
                return

        attempt(abort, self._tries, budget=CLEANUP_BUDGET)

    def _is_gone(self) -> bool:
        def listed() -> bool:
            try:
                self._clients.brisk.list_parts(Bucket=self._bucket, Key=self._key, UploadId=self._id, MaxParts=1)
            except self._clients.brisk.exceptions.NoSuchUpload:
                return True
            return False

        return attempt(listed, self._tries, budget=CLEANUP_BUDGET)

    def _abort_strays(self) -> None:
        """Abort what a create with a lost answer may have made.

        S3 tells nothing about an upload that would name its maker. One that has parts, or that this process knows, is
        somebody else's; one without parts could belong to another process that sends its first part of the same key at
        this very moment: its caller would get an error, and nothing would be lost.
        """
        try:
            for upload_id in list(self._strays()):
                self._abort_once(upload_id)
        except SDK_ERRORS as error:
            self._warn_of_stray(diagnose(error).text)
        except ServiceError as error:
            self._warn_of_stray(error.detail)

    def _strays(self) -> Iterator[str]:
        boto = self._clients.brisk
        for upload in boto.list_multipart_uploads(Bucket=self._bucket, Prefix=self._key).get("Uploads", []):
            upload_id = upload["UploadId"]
            if upload["Key"] != self._key or upload_id in _ours:
                continue
            parts = boto.list_parts(Bucket=self._bucket, Key=self._key, UploadId=upload_id, MaxParts=1)
            if not parts.get("Parts"):
                yield upload_id

    def _warn_of_stray(self, why: str) -> None:
        logger.warning("A multipart upload that may exist could not be aborted: key=%s (%s)", self._key, why)
