"""Removing all of one object: every version and delete marker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.errors import BackendUnavailable
from services.storage import s3_listing
from services.storage.s3_attempts import attempt
from services.storage.s3_clients import S3Clients

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_BATCH = 1000  # DeleteObjects takes at most 1,000 (Amazon S3 API Reference)


def purge(clients: S3Clients, key: str, batch_size: int = _BATCH) -> None:
    """Remove every version and delete marker of ``key``, and of no key that begins like it.

    A URL that takes a PUT takes many: what somebody wrote a thousand times goes in one request.
    """
    # The listing is read to its end first: removing entries while paging through them could skip some.
    found: list[ObjectIdentifierTypeDef] = [
        {"Key": key, "VersionId": version.version_id}
        for version in s3_listing.list_versions(clients, key)
        if version.key == key
    ]
    for start in range(0, len(found), batch_size):
        _remove(clients, key, found[start : start + batch_size])


def _remove(clients: S3Clients, key: str, batch: list[ObjectIdentifierTypeDef]) -> None:
    bucket, tries = clients.options.bucket, clients.options.max_attempts
    if len(batch) == 1:
        # One is the usual number, and every dialect of S3 knows the plain request.
        version_id = batch[0].get("VersionId", "")
        attempt(lambda: clients.boto.delete_object(Bucket=bucket, Key=key, VersionId=version_id), tries)
        return
    answer = attempt(
        lambda: clients.boto.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True}),
        tries,
    )
    if errors := answer.get("Errors"):
        first = errors[0]
        raise BackendUnavailable(
            detail=f"{len(errors)} of {len(batch)} versions of {key} stayed: {first.get('Code')} {first.get('Message')}"
        )
