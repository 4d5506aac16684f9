"""A running service over each store, and a client without credentials."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests
from botocore.config import Config
from flask import Flask
from werkzeug.serving import make_server

from services.storage.filesystem import FileStore
from services.storage.s3 import S3Store
from tests import images
from tests.emulator import emulator

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

REAL_SERVERS = {"versitygw": "TEST_S3_VERSITYGW", "minio": "TEST_S3_MINIO"}
_REAL = [pytest.param(name, marks=pytest.mark.s3) for name in REAL_SERVERS]
JPEG = images.jpeg()
HTML = b"<!doctype html><title>x</title><script>alert(1)</script>" * 10


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", os.environ.get("TEST_S3_ACCESS_KEY", "test"))
        patch.setenv("AWS_SECRET_ACCESS_KEY", os.environ.get("TEST_S3_SECRET_KEY", "testtest"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="module")
def moto(aws: None) -> Iterator[str]:
    with emulator() as url:
        yield url


@dataclass
class Site:
    """A running service, its store, and a client without credentials."""

    name: str
    url: str
    app: Flask
    store: FileStore | S3Store
    http: requests.Session

    @property
    def direct(self) -> Any:
        return self.app.extensions["image-service"].direct

    def begin(self, content_type: str = "image/jpeg", **members: Any) -> dict[str, Any]:
        answer = self.http.post(f"{self.url}/images/upload", json={"content_type": content_type, **members})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def put(self, ticket: dict[str, Any], data: Any, **headers: str) -> requests.Response:
        return self.http.put(ticket["upload_url"], data=data, headers=ticket["headers"] | headers)

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.url + path)

    def status(self, ticket: dict[str, Any]) -> dict[str, Any]:
        return dict(self.get(f"/images/{ticket['image_id']}/status").json())

    def objects(self) -> list[str]:
        return [version.key for prefix in ("images/", "pending/") for version in self.store.list_versions(prefix)]


@pytest.fixture(params=["embedded", "moto", *_REAL])
def site(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], moto: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    settings: dict[str, str] = {"MAX_FILE_SIZE": "1000000", "MAX_PIXELS": "1000000"}
    s3: S3Client | None = None
    if request.param != "embedded":
        endpoint = moto if request.param == "moto" else os.environ.get(REAL_SERVERS[request.param], "")
        if not endpoint:
            pytest.skip(f"needs {request.param}: set {REAL_SERVERS[request.param]} to its URL")
        # The service may run as a user who may do less than this one, which makes the bucket.
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=os.environ.get("TEST_S3_ADMIN_ACCESS_KEY"),
            aws_secret_access_key=os.environ.get("TEST_S3_ADMIN_SECRET_KEY"),
            config=Config(s3={"addressing_style": "path"}),
        )
        bucket = f"direct-{uuid.uuid4().hex[:12]}"
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        settings |= {"S3_BUCKET": bucket, "AWS_ENDPOINT_URL": endpoint}
    app = make_app(**settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    store = app.extensions["image-service"].store._inner
    with requests.Session() as session:
        session.trust_env = False
        yield Site(request.param, f"http://127.0.0.1:{server.server_port}", app, store, session)
    server.shutdown()
    serving.join()
    server.server_close()
    if s3:
        s3.close()


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """The command sends the log to stdout as JSON, for a process of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
