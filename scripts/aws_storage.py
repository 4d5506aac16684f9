"""The bucket and the table, made if they are missing and corrected if they differ; called by ``deploy`` and
``prepare_storage``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from scripts.deploy_plan import DeployError
from services.metadata.dynamo_table import create_table, definition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

Report = Callable[[str, str], None]
"""Told what each thing is, and what was done to it: created, updated, unchanged."""

BLOCKED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}
# What a killed process could not clean up, and uploads that never came. Earlier versions are history: they stay.
LIFECYCLE: list[dict[str, Any]] = [
    {
        "ID": "image-service-unfinished",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
    },
    {
        "ID": "image-service-pending",
        "Status": "Enabled",
        "Filter": {"Prefix": "pending/"},
        "Expiration": {"Days": 14},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    },
]
_NOT_THERE = {"404", "NoSuchBucket", "NotFound"}
_NOT_SET = {
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchLifecycleConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
}


def ensure_versioned_bucket(client: S3Client, bucket: str, region: str) -> str:
    """Make the bucket unless it is there, and switch versioning on; returns created, updated or unchanged.

    :raises DeployError: when the name belongs to somebody else.
    """
    created = _ensure_bucket(client, bucket, region)
    if client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled":
        return "created" if created else "unchanged"
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return "created" if created else "updated"


def secure_bucket(client: Any, bucket: str) -> str:
    """Block public access, encrypt by default, clean up what was left; returns updated or unchanged."""
    changed = False
    if _asked(lambda: client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]) != BLOCKED:
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=BLOCKED)
        changed = True
    found = _asked(lambda: client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"])
    if found is None:  # somebody's own choice of a KMS key stays
        client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=ENCRYPTED)
        changed = True
    rules = _asked(lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]) or []
    ours = {rule["ID"] for rule in LIFECYCLE}
    if [_plain(rule) for rule in rules if rule.get("ID") in ours] != LIFECYCLE:
        wanted = [*(rule for rule in rules if rule.get("ID") not in ours), *LIFECYCLE]
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": wanted})
        changed = True
    return "updated" if changed else "unchanged"


def ensure_table(client: DynamoDBClient, name: str) -> str:
    """Make the table unless it is there; returns created or unchanged.

    :raises DeployError: when it is there with other keys: it holds something else.
    """
    try:
        found: Any = client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        create_table(client, name)
        return "created"
    wanted = definition(name)["KeySchema"]
    if found["KeySchema"] != wanted:
        raise DeployError(f"table {name} exists with the keys {found['KeySchema']}: choose another TABLE_NAME")
    create_table(client, name)  # its time to live, which an interrupted deployment may not have come to
    return "unchanged"


def _ensure_bucket(client: S3Client, bucket: str, region: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
        return False
    except ClientError as error:
        code = str(error.response["Error"].get("Code"))
        if code not in _NOT_THERE:
            raise DeployError(f"bucket {bucket} can not be used ({code}): choose another BUCKET_NAME") from error
    parameters: dict[str, Any] = {"Bucket": bucket}
    if region != "us-east-1":  # the one region that must not be named
        parameters["CreateBucketConfiguration"] = {"LocationConstraint": region}
    try:
        client.create_bucket(**parameters)
    except client.exceptions.BucketAlreadyOwnedByYou:  # somebody else of us was faster
        return False
    except client.exceptions.BucketAlreadyExists as error:
        raise DeployError(f"bucket {bucket} belongs to somebody else: choose another BUCKET_NAME") from error
    return True


def _asked(ask: Callable[[], Any]) -> Any:
    """An answer, or None where S3 says that nothing is set."""
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"].get("Code") in _NOT_SET:
            return None
        raise


def _plain(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as it was sent: S3 may add empty members, or write the older form of the filter."""
    plain = {name: value for name, value in rule.items() if value not in (None, [], {}) or name == "Filter"}
    plain.setdefault("Filter", {"Prefix": plain.pop("Prefix", "")})
    plain["Filter"] = plain["Filter"] or {"Prefix": ""}
    return plain
