from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from tests.emulator import emulator


@pytest.fixture
def moto_url() -> Iterator[str]:
    """moto on a free port, with the versioned bucket ``forked-bucket``."""
    with emulator() as url:
        _make_bucket(url)
        yield url


def _make_bucket(url: str) -> None:
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket="forked-bucket")
    client.put_bucket_versioning(Bucket="forked-bucket", VersioningConfiguration={"Status": "Enabled"})
    client.close()
