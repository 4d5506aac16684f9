from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.errors import BackendMisconfigured
from services.storage.s3 import S3Store
from tests.contract.object_store.conftest import JPEG, Case, Server
from tests.faultproxy import FaultProxy

KEY_ID = "arn:aws:kms:us-east-1:123456789012:key/0000"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"encryption": "AES256"}, ("AES256", None)),
        ({"encryption": "aws:kms", "kms_key_id": KEY_ID}, ("aws:kms", KEY_ID)),
    ],
)
def test_every_way_to_write_asks_for_it(moto: Server, key: str, setting: dict[str, Any], expected: tuple) -> None:
    case = Case("moto", S3Store(replace(moto.options, **setting)), moto)

    single = case.put(key, b"abc")
    copied = case.store.copy_version(key, single, JPEG)
    multipart = case.put(key, b"x" * (moto.options.part_size + 1))

    for version_id in (single, copied, multipart):
        head = moto.boto.head_object(Bucket=moto.options.bucket, Key=key, VersionId=version_id)
        assert (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) == expected


@pytest.mark.parametrize("size", [3, 5 * 1024 * 1024 + 1], ids=["single put", "multipart"])
def test_a_server_without_encryption_is_misconfigured(servers: dict[str, Server], key: str, size: int) -> None:
    """Not "unavailable, try again": MinIO without a KMS answers 501 NotImplemented, today and tomorrow."""
    server = servers.get("minio")
    if server is None:
        pytest.skip("needs minio: set TEST_S3_MINIO to its URL")
    case = Case("minio", S3Store(replace(server.options, encryption="AES256")), server)

    with pytest.raises(BackendMisconfigured) as error:
        case.put(key, b"x" * size)

    assert "NotImplemented" in error.value.detail
    case.assert_empty(key)


def test_a_permanent_refusal_is_asked_once(faulty: Case, proxy: FaultProxy, key: str) -> None:
    proxy.fail("PUT", key, status=501, code="NotImplemented")

    with pytest.raises(BackendMisconfigured):
        faulty.put(key, b"abc")

    assert proxy.count("PUT", key) == 1
