"""The object stores that the contract suite runs over: the embedded one, and S3 on moto, versitygw and MinIO."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from services.models import ObjectAttributes, ObjectVersion
from services.ports import ObjectReader
from services.storage.filesystem import FileStore
from services.storage.s3 import S3Options, S3Store
from tests.emulator import emulator
from tests.faultproxy import FaultProxy

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PART = 5 * 1024 * 1024  # the smallest part that S3 takes
REAL_SERVERS = {"versitygw": "TEST_S3_VERSITYGW", "minio": "TEST_S3_MINIO"}
JPEG = ObjectAttributes("image/jpeg", "somebody", "photo.jpg")


@dataclass(frozen=True)
class Server:
    """An S3 server with a versioned bucket and one without versioning."""

    name: str
    options: S3Options
    unversioned: str
    boto: S3Client
    store: S3Store


@dataclass(frozen=True)
class Case:
    """One store under test; ``server`` is None for the embedded one."""

    name: str
    store: FileStore | S3Store
    server: Server | None = None

    def put(self, key: str, *chunks: bytes, attributes: ObjectAttributes = JPEG) -> str:
        writer = self.store.writer(key, attributes)
        try:
            for chunk in chunks:
                writer.write(chunk)
            return writer.commit()
        finally:
            writer.abort()

    def get(self, key: str, version_id: str) -> bytes:
        return content(self.store.read(key, version_id))

    def versions(self, prefix: str) -> list[ObjectVersion]:
        return list(self.store.list_versions(prefix))

    def assert_empty(self, key: str) -> None:
        assert self.versions(key) == []
        assert list(self.store.list_unfinished(key)) == []


def content(reader: ObjectReader) -> bytes:
    try:
        return b"".join(reader)
    finally:
        reader.close()


def _boto(options: S3Options) -> S3Client:
    config = Config(
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # The store may run as a user who may do less than this one, which makes buckets and looks into them.
    return boto3.client(
        "s3",
        endpoint_url=options.endpoint,
        region_name=options.region,
        aws_access_key_id=os.environ.get("TEST_S3_ADMIN_ACCESS_KEY"),
        aws_secret_access_key=os.environ.get("TEST_S3_ADMIN_SECRET_KEY"),
        config=config,
    )


def _serve(name: str, endpoint: str) -> Iterator[Server]:
    suffix = uuid.uuid4().hex[:12]
    given = os.environ.get("TEST_S3_BUCKET")  # is there already, and stays
    options = S3Options(given or f"contract-{suffix}", endpoint=endpoint, part_size=PART)
    boto = _boto(options)
    if not given:
        boto.create_bucket(Bucket=options.bucket)
        boto.put_bucket_versioning(Bucket=options.bucket, VersioningConfiguration={"Status": "Enabled"})
    unversioned = f"unversioned-{suffix}"
    boto.create_bucket(Bucket=unversioned)
    yield Server(name, options, unversioned, boto, S3Store(options))
    for bucket in (options.bucket, unversioned):
        _empty(boto, bucket)
        if bucket != given:
            boto.delete_bucket(Bucket=bucket)
    boto.close()


def _empty(boto: S3Client, bucket: str) -> None:
    for page in boto.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            boto.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


def _tidy(server: Server) -> None:
    """Keep moto's bucket small: each of its listings copies every object of the bucket, bytes and all."""
    if server.name == "moto":
        bucket = server.options.bucket
        _empty(server.boto, bucket)
        for upload in server.boto.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            server.boto.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


@pytest.fixture(scope="session")
def aws_environment() -> Iterator[None]:
    """Credentials as the chain of both SDKs finds them; no profile and no metadata service of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", os.environ.get("TEST_S3_ACCESS_KEY", "test"))
        patch.setenv("AWS_SECRET_ACCESS_KEY", os.environ.get("TEST_S3_SECRET_KEY", "testtest"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("NO_PROXY", "127.0.0.1,localhost,.localhost")
        yield


@pytest.fixture(scope="session")
def moto(aws_environment: None) -> Iterator[Server]:
    with nullcontext(os.environ["TEST_S3_MOTO"]) if "TEST_S3_MOTO" in os.environ else emulator() as url:
        yield from _serve("moto", url)


_S3 = ["moto", *(pytest.param(name, marks=pytest.mark.s3) for name in REAL_SERVERS)]


@pytest.fixture(params=_S3)
def server(request: pytest.FixtureRequest, servers: dict[str, Server]) -> Iterator[Server]:
    """Every S3 server."""
    if request.param not in servers:
        pytest.skip(f"needs {request.param}: set {REAL_SERVERS[request.param]} to its URL")
    yield servers[request.param]
    _tidy(servers[request.param])


@pytest.fixture(params=["filesystem", *_S3])
def case(request: pytest.FixtureRequest, tmp_path: Path, servers: dict[str, Server]) -> Iterator[Case]:
    """Every object store, ready for use."""
    if request.param == "filesystem":
        yield Case("filesystem", FileStore(tmp_path / "store", secret="s" * 32, clock=lambda: datetime.now(UTC)))
        return
    if request.param not in servers:
        pytest.skip(f"needs {request.param}: set {REAL_SERVERS[request.param]} to its URL")
    yield Case(request.param, servers[request.param].store, servers[request.param])
    _tidy(servers[request.param])


@pytest.fixture(scope="session")
def servers(moto: Server) -> Iterator[dict[str, Server]]:
    """The S3 servers of this run by name."""
    running = {name: _serve(name, os.environ[var]) for name, var in REAL_SERVERS.items() if os.environ.get(var)}
    yield {"moto": moto, **{name: next(served) for name, served in running.items()}}
    for served in running.values():
        next(served, None)


@pytest.fixture
def proxy(moto: Server) -> Iterator[FaultProxy]:
    with FaultProxy(str(moto.options.endpoint)) as running:
        yield running


@pytest.fixture
def faulty(moto: Server, proxy: FaultProxy) -> Iterator[Case]:
    """The S3 store on moto behind a proxy that goes wrong on demand."""
    options = replace(moto.options, endpoint=proxy.url, connect_timeout=1.0, read_timeout=2.5)
    yield Case("faulty", S3Store(options), moto)
    _tidy(moto)


@pytest.fixture
def key() -> str:
    """An object key that no other test uses."""
    return f"images/{uuid.uuid4()}/photo.jpg"
