"""The bucket's policy and what writes ask for agree: without a header the bucket encrypts, a wrong one is refused."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from services.storage.s3 import S3Store
from tests.infra import enforcers, policies, probes
from tests.infra.conftest import Emulated
from tests.infra.policies import Document

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

pytestmark = pytest.mark.timeout(1200)

HEADER = "s3:x-amz-server-side-encryption"
TLS = {"aws:SecureTransport": "true"}
OTHER_KEY = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"


def policy_of(emulated: Emulated, bucket: str) -> Document:
    document: Document = json.loads(emulated.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    return document


def denied(document: Document, bucket: str, context: dict[str, str]) -> set[str]:
    """The denials that a write to the bucket meets."""
    resource = f"arn:aws:s3:::{bucket}/pending/x/photo.jpg"
    found = policies.matching(document, "s3:PutObject", resource, TLS | context)
    return {each["Sid"] for each in found if each["Effect"] == "Deny"}


@pytest.mark.parametrize(
    ("context", "wanted"),
    [
        ({}, set()),
        ({HEADER: "AES256"}, set()),
        ({HEADER: "aws:kms"}, {"RefuseWrongEncryption"}),
        ({HEADER: "aws:kms:dsse"}, {"RefuseWrongEncryption"}),
        ({f"{HEADER}-customer-algorithm": "AES256"}, {"RefuseKeysOfCustomers"}),
        ({"aws:SecureTransport": "false"}, {"RefusePlainHttp"}),
    ],
    ids=["no header", "the bucket's own", "KMS", "twice", "a customer's key", "plain HTTP"],
)
def test_a_bucket_with_keys_of_s3(emulated: Emulated, context: dict[str, str], wanted: set[str]) -> None:
    bucket = "acme-images-minimal"
    assert denied(policy_of(emulated, bucket), bucket, context) == wanted


def test_a_bucket_with_a_key_of_kms(emulated: Emulated) -> None:
    bucket = "acme-images"
    document = policy_of(emulated, bucket)
    rules = emulated.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    own = rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    key = f"{HEADER}-aws-kms-key-id"
    # A browser with a presigned URL sends no header, and the service none with its default S3_ENCRYPTION.
    assert denied(document, bucket, {}) == set()
    assert denied(document, bucket, {HEADER: "aws:kms", key: own}) == set()
    assert denied(document, bucket, {HEADER: "AES256"}) == {"RefuseWrongEncryption"}
    assert denied(document, bucket, {HEADER: "aws:kms"}) == {"RefuseTheAccountKey"}
    assert denied(document, bucket, {HEADER: "aws:kms", key: OTHER_KEY}) == {"RefuseOtherKmsKeys"}


@pytest.fixture(scope="module")
def site(emulated: Emulated) -> Iterator[probes.Site]:
    """MinIO, which knows the header as a condition where versitygw does not, and heeds denials of a user's policy only.

    So the bucket's denials stand beside what the role may do. The one of plain HTTP is left out: MinIO speaks it here.
    """
    bucket = "acme-images-minimal"
    role = json.loads(emulated.minimal.output("task_policy"))
    denials = [
        {name: value for name, value in each.items() if name != "Principal"}
        for each in policy_of(emulated, bucket)["Statement"]
        if each["Sid"] != "RefusePlainHttp"
    ]
    with enforcers.minio() as running:
        admin = running.client()
        admin.create_bucket(Bucket=bucket)
        admin.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        admin.close()
        keys = running.new_user()
        running.grant(keys, {**role, "Statement": [*role["Statement"], *denials]})
        with probes.credentials(keys):
            yield probes.Site(running, bucket, bucket, keys)


def refusal(service: S3Client, bucket: str, **headers: Any) -> str:
    """How the server answers a write with these parameters: an error's code, or nothing."""
    try:
        service.put_object(Bucket=bucket, Key="pending/x/photo.jpg", Body=b"x", **headers)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_presigned_upload_passes_and_wrong_encryption_does_not(site: probes.Site) -> None:
    store = S3Store(site.options)
    url = store.presign_put("pending/x/photo.jpg", expires_in=60, content_type="image/jpeg", max_size=10)
    upload = urllib.request.Request(url, b"abc", {"Content-Type": "image/jpeg"}, method="PUT")
    with urllib.request.urlopen(upload, timeout=30) as answer:
        assert answer.status == 200
    service = site.enforcer.client(site.keys)
    assert refusal(service, site.bucket) == ""
    assert refusal(service, site.bucket, ServerSideEncryption="aws:kms") == "AccessDenied"
    # Allowed, and then not to be had: this MinIO has no keys to encrypt with.
    assert refusal(service, site.bucket, ServerSideEncryption="AES256") == "NotImplemented"
    service.close()
