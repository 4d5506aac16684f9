"""The service on each object store: the embedded one, moto behind the fault proxy, real S3 servers."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.emulator import emulator
from tests.faultproxy import FaultProxy
from tests.wire.audit import Audit, BucketStore, FolderStore
from tests.wire.server import LiveServer

REAL_SERVERS = {"versitygw": "TEST_S3_VERSITYGW", "minio": "TEST_S3_MINIO"}
LIMIT = 16 * 1024 * 1024
"""MAX_FILE_SIZE of the shared servers: high enough for a multipart upload of two parts."""


@dataclass(frozen=True)
class S3Server:
    """An S3 server's address and the key pair that it takes."""

    endpoint: str
    access_key: str = "test"
    secret_key: str = "testtest"

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def new_bucket(self, *, versioned: bool = True) -> str:
        bucket = f"wire-{uuid.uuid4().hex[:20]}"
        client = self.client()
        client.create_bucket(Bucket=bucket)
        if versioned:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return bucket

    def env(self, bucket: str, endpoint: str = "") -> dict[str, str]:
        return {
            "S3_BUCKET": bucket,
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(frozen=True)
class Deployment:
    """A running service, what stands behind it, and what no answer and no log line may contain."""

    kind: str
    server: LiveServer
    audit: Audit
    proxy: FaultProxy | None
    bucket: str
    s3: S3Server | None

    @property
    def url(self) -> str:
        return self.server.base_url

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no error may contain."""
        return tuple(filter(None, (self.bucket, str(self.server.data_dir), *self.credentials)))

    @property
    def credentials(self) -> tuple[str, ...]:
        """What no log line may contain."""
        kept = self.server.data_dir / "secret_key"
        return ((kept.read_text().strip(),) if kept.exists() else ()) + ((self.s3.secret_key,) if self.s3 else ())


def kinds() -> list[Any]:
    """The stores to test on, as parameters: two always, the real servers where the environment names them."""
    real = [kind for kind, variable in REAL_SERVERS.items() if os.environ.get(variable)]
    return ["embedded", "moto", *(pytest.param(kind, marks=pytest.mark.s3) for kind in real)]


@contextmanager
def moto() -> Iterator[S3Server]:
    """moto's server, which the service's workers share."""
    with emulator() as url:
        yield S3Server(url)


def real_server(kind: str) -> S3Server:
    """The server that the environment names for ``kind``."""
    return S3Server(
        os.environ[REAL_SERVERS[kind]],
        os.environ.get("TEST_S3_ACCESS_KEY", "test"),
        os.environ.get("TEST_S3_SECRET_KEY", "testtest"),
    )


@contextmanager
def deployed(
    kind: str, data_dir: Path, s3: S3Server | None, env: Mapping[str, str] | None = None
) -> Iterator[Deployment]:
    """The service on the store ``kind``; S3 is reached through a fault proxy. Stopped at the end."""
    with ExitStack() as stack:
        settings = {"MAX_FILE_SIZE": str(LIMIT), **(env or {})}
        proxy, bucket = None, ""
        if s3 is not None:
            bucket = s3.new_bucket()
            proxy = stack.enter_context(FaultProxy(s3.endpoint))
            settings |= s3.env(bucket, proxy.url)
        server = LiveServer(data_dir, settings).start()
        stack.callback(server.kill)
        store = FolderStore(data_dir) if s3 is None else BucketStore(s3.client(), bucket)
        yield Deployment(kind, server, Audit(store, data_dir / "metadata.sqlite3"), proxy, bucket, s3)
        if server.running:
            assert server.stop() == 0
