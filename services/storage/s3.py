"""The S3 object store: AWS S3 and servers that speak its protocol, with versioning enabled on the bucket.

Bytes go by obstore (one PutObject, GetObject), everything else by boto3; both are configured in ``s3_clients``. No SDK
exception leaves this package: ``s3_errors`` turns each into a domain error.

Needed permissions: on the bucket s3:ListBucket, s3:ListBucketVersions, s3:ListBucketMultipartUploads and
s3:GetBucketVersioning; on its objects s3:PutObject, s3:GetObject, s3:GetObjectVersion, s3:DeleteObject,
s3:DeleteObjectVersion, s3:AbortMultipartUpload and s3:ListMultipartUploadParts; with SSE-KMS, kms:GenerateDataKey and
kms:Decrypt on the key. A lifecycle rule should end unfinished multipart uploads and markers without versions: the net
below what a killed process can not clean up.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import obstore

from services.errors import BackendMisconfigured, ObjectNotFound
from services.models import ByteRange, ObjectAttributes, ObjectVersion
from services.ports import ObjectReader, ObjectWriter, PostPolicy
from services.storage import s3_listing, s3_purge
from services.storage.keys import checked_key
from services.storage.s3_attempts import attempt
from services.storage.s3_clients import S3Clients, S3Options
from services.storage.s3_errors import SDK_ERRORS, check_error, diagnose, translated
from services.storage.s3_metadata import attributes_of, user_metadata
from services.storage.s3_reader import S3Reader
from services.storage.s3_traces import WriteTrace
from services.storage.s3_writer import S3Writer

__all__ = ["S3Options", "S3Store"]

logger = logging.getLogger(__name__)

_VERSION_ID = re.compile(r"(?!null$)[A-Za-z0-9._~-]{1,1024}")
_NEWEST = 20
_CLOCK_SKEW = timedelta(seconds=5)


class S3Store:
    """Implements ``ObjectStore``, ``AuditableStore``, ``PresigningStore`` and ``PostingStore`` on one bucket.

    Construction does no I/O and starts no thread, and ``check`` uses boto3 only: a gunicorn master may do both before
    it forks. Anything that moves bytes belongs to the workers (obstore's threads do not survive a fork).
    """

    def __init__(self, options: S3Options) -> None:
        self._bucket = options.bucket
        self._tries = options.max_attempts
        self._clients = S3Clients(options)

    def writer(self, key: str, attributes: ObjectAttributes) -> ObjectWriter:
        """Begin a new version of ``key``; nothing is sent until a part is full or ``commit`` is called."""
        return S3Writer(self._clients, checked_key(key), attributes)

    def read(self, key: str, version_id: str, byte_range: ByteRange | None = None) -> ObjectReader:
        """Open one version; raises ``ObjectNotFound``, and ``InvalidInput`` for a range behind its end."""
        checked_key(key)
        _check_version_id(version_id)
        with translated():
            if byte_range is None:
                return S3Reader(obstore.get(self._clients.downloads, key, options={"version": version_id}))
            span = (byte_range.start, byte_range.stop)
            return S3Reader(obstore.get(self._clients.downloads, key, options={"version": version_id, "range": span}))

    def describe(self, key: str, version_id: str) -> ObjectAttributes:
        """The attributes that were stored with one version; raises ``ObjectNotFound``."""
        checked_key(key)
        _check_version_id(version_id)
        head = attempt(
            lambda: self._clients.boto.head_object(Bucket=self._bucket, Key=key, VersionId=version_id),
            self._tries,
        )
        return attributes_of(head["ContentType"], head["Metadata"])

    def copy_version(
        self, key: str, version_id: str, attributes: ObjectAttributes, *, target: str | None = None
    ) -> str:
        """Make one version's bytes the newest of ``target``, inside S3; ``TooLarge`` over CopyObject's 5 GiB."""
        checked_key(key)
        _check_version_id(version_id)
        target = checked_key(target or key)
        trace = WriteTrace(self._clients, target, spare=version_id if target == key else "")

        def copy() -> str:
            return self._clients.boto.copy_object(
                Bucket=self._bucket,
                Key=target,
                CopySource={"Bucket": self._bucket, "Key": key, "VersionId": version_id},
                MetadataDirective="REPLACE",
                ContentType=attributes.content_type,
                Metadata=user_metadata(attributes, trace.write_id),
                **self._clients.options.sse_parameters,  # type: ignore[arg-type]
            ).get("VersionId", "")

        try:
            copied = self._with_id(trace.once(copy, self._tries))
        finally:
            trace.settle()
        # versitygw changes the newest version in place and returns its id; whoever undid that "copy" later would remove
        # the only bytes there are.
        return copied if target != key or copied != version_id else self._rewrite(key, version_id, attributes)

    def _rewrite(self, key: str, version_id: str, attributes: ObjectAttributes) -> str:
        """A version's bytes written once more, through this process."""
        writer = self.writer(key, attributes)
        try:
            for chunk in self.read(key, version_id):
                writer.write(chunk)
            return writer.commit()
        except BaseException:
            writer.abort()
            raise

    def newest(self, key: str) -> ObjectVersion | None:
        """The newest version of ``key`` as it is now; None when there is none, or a delete marker hides it."""
        try:
            with translated():
                found = obstore.head(self._clients.downloads, checked_key(key))
        except ObjectNotFound:
            return None
        return ObjectVersion(key, self._with_id(found["version"] or ""), found["size"], deleted=False, is_latest=True)

    def purge(self, key: str) -> None:
        """Remove every version and delete marker of ``key`` for good."""
        s3_purge.purge(self._clients, checked_key(key))

    def mark_deleted(self, key: str) -> str:
        """Put a delete marker on top of ``key`` and return its version id.

        Where there is nothing, AWS makes a marker all the same and others do not: those raise ``ObjectNotFound``. On a
        marker, MinIO returns that one's id and others put another on top.
        """
        checked_key(key)
        begun = datetime.now(UTC).replace(microsecond=0)

        def delete() -> str:
            return self._clients.boto.delete_object(Bucket=self._bucket, Key=key).get("VersionId", "")

        version_id = attempt(delete, self._tries, recover=lambda: self._marker_since(key, begun))
        if not version_id and all(version.key != key for version in self.list_versions(key)):
            raise ObjectNotFound(detail=f"there is no {key} to mark deleted")
        return self._with_id(version_id)

    def remove_version(self, key: str, version_id: str) -> None:
        """Remove one version or marker for good; one that is not there is no error."""
        checked_key(key)
        try:
            _check_version_id(version_id)
            attempt(
                lambda: self._clients.boto.delete_object(Bucket=self._bucket, Key=key, VersionId=version_id),
                self._tries,
            )
        except ObjectNotFound:
            return

    def check(self) -> None:
        """Raise ``BackendMisconfigured`` unless the bucket exists and keeps versions; gives up after about 3 s a step.

        Without s3:GetBucketVersioning the second question stays open: that is logged, and ``commit`` still refuses a
        bucket that gives no version ids.
        """
        probe = self._clients.brisk
        try:
            probe.head_bucket(Bucket=self._bucket)
        except SDK_ERRORS as error:
            raise check_error(diagnose(error), self._bucket) from None
        try:
            status = str(probe.get_bucket_versioning(Bucket=self._bucket).get("Status", "not set"))
        except SDK_ERRORS as error:
            failure = diagnose(error)
            if failure.status != 403:
                raise check_error(failure, self._bucket) from None
            logger.warning("Whether bucket %s keeps versions is unknown: %s", self._bucket, failure.text)
            return
        if status != "Enabled":
            raise BackendMisconfigured(detail=f"versioning of bucket {self._bucket} is {status}, not Enabled")

    def list_versions(self, prefix: str) -> Iterator[ObjectVersion]:
        """Every version and marker whose key begins with ``prefix``, newest first within a key."""
        return s3_listing.list_versions(self._clients, prefix)

    def list_unfinished(self, prefix: str) -> Iterator[str]:
        """The key of every unfinished multipart upload whose key begins with ``prefix``."""
        return s3_listing.list_unfinished(self._clients, prefix)

    def presign_get(self, key: str, version_id: str, *, expires_in: int, content_type: str, disposition: str) -> str:
        """A SigV4 URL that fetches one version. With temporary credentials it ends when they do, if that is earlier."""
        parameters = {
            "versionId": version_id,
            "response-content-type": content_type,
            "response-content-disposition": disposition,
        }
        with translated():
            return self._clients.presigner.sign(
                checked_key(key), parameters, expires_in=expires_in, now=datetime.now(UTC)
            )

    def presign_put(self, key: str, *, expires_in: int, content_type: str, max_size: int) -> str:
        """A SigV4 URL that takes a PUT of exactly ``content_type``. S3 can not cap its size: inspection does later."""
        parameters = {"Bucket": self._bucket, "Key": checked_key(key), "ContentType": content_type}
        with translated():
            return self._clients.boto.generate_presigned_url("put_object", Params=parameters, ExpiresIn=expires_in)

    def presign_post(self, key: str, *, expires_in: int, content_type: str, max_size: int) -> PostPolicy:
        """A form's policy for exactly ``key`` and ``content_type``, whose size S3 itself keeps to 1..``max_size``."""
        with translated():
            signed = self._clients.boto.generate_presigned_post(
                self._bucket,
                checked_key(key),
                Fields={"Content-Type": content_type},
                Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_size]],
                ExpiresIn=expires_in,
            )
        return PostPolicy(signed["url"], signed["fields"])

    def _marker_since(self, key: str, begun: datetime) -> str | None:
        """The delete marker on top of ``key`` if it is as young as our lost request for one."""
        try:
            listed = self._clients.brisk.list_object_versions(Bucket=self._bucket, Prefix=key, MaxKeys=_NEWEST)
        except SDK_ERRORS as error:
            logger.warning("A delete marker may exist: key=%s (%s)", key, diagnose(error).text)
            return None
        for marker in listed.get("DeleteMarkers", []):
            if marker["Key"] == key and marker["IsLatest"] and marker["LastModified"] >= begun - _CLOCK_SKEW:
                return marker["VersionId"]
        return None

    def _with_id(self, version_id: str) -> str:
        if version_id in {"", "null"}:
            raise BackendMisconfigured(detail=f"bucket {self._bucket} gave no version id: is its versioning enabled?")
        return version_id


def _check_version_id(version_id: str) -> None:
    """Refuse what is no version id: without one, S3 would act on the newest version, whichever that is."""
    if _VERSION_ID.fullmatch(version_id) is None or ".." in version_id:
        raise ObjectNotFound(detail=f"no version can have the id {version_id[:100]!r}")
