from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture
def moto_url() -> Iterator[str]:
    """moto on a free port, with the versioned bucket ``forked-bucket``."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket="forked-bucket")
    client.put_bucket_versioning(Bucket="forked-bucket", VersioningConfiguration={"Status": "Enabled"})
    client.close()
    yield url
    server.stop()
