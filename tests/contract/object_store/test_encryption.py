from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.storage.s3 import S3Store
from tests.contract.object_store.conftest import JPEG, Case, Server

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
