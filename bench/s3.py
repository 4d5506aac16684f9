"""A real S3 server of its own for each run, and presigned URLs made by hand."""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import boto3
from botocore.config import Config

from bench.processes import Service, free_port, running

ACCESS_KEY = "bench-access-key"
SECRET_KEY = "bench-secret-key"
REGION = "us-east-1"
BUCKETS = ("naive", "ours", "other", "limit")
ROOT = Path(__file__).parent.parent
PLACES = (ROOT / ".ci/cache/bin", Path("/tmp/gobin"))


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server; ``data`` are the folders that hold its buckets."""

    kind: str
    service: Service
    data: tuple[Path, ...]

    @property
    def endpoint(self) -> str:
        """Its address as a URL."""
        return f"http://127.0.0.1:{self.service.port}"

    def environment(self) -> dict[str, str]:
        """Variables that lead an S3 client here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def discard(self, bucket: str) -> None:
        """Free the disk between rounds: remove the objects' files behind the server's back."""
        for folder in self.data:
            for each in (folder / bucket).glob("*"):
                shutil.rmtree(each) if each.is_dir() else each.unlink()

    def presign(self, method: str, bucket: str, key: str, now: datetime | None = None) -> str:
        """Path and query of a URL that allows ``method`` on a key for an hour (AWS Signature Version 4, query form)."""
        stamp = f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
        path = f"/{bucket}/{key}"
        query = (
            "X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Credential={quote(f'{ACCESS_KEY}/{scope}', safe='')}"
            f"&X-Amz-Date={stamp}&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
        )
        host = f"host:127.0.0.1:{self.service.port}\n"
        canonical = f"{method}\n{path}\n{query}\n{host}\nhost\nUNSIGNED-PAYLOAD"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        secret = ("AWS4" + SECRET_KEY).encode()
        for step in (*scope.split("/"), to_sign):
            secret = hmac.digest(secret, step.encode(), "sha256")
        return f"{path}?{query}&X-Amz-Signature={secret.hex()}"


@contextmanager
def s3_server(folder: Path, kind: str | None = None) -> Iterator[S3Server]:
    """Start versitygw or MinIO with empty folders and one versioned bucket for each system.

    :param kind: ``versitygw`` or ``minio``; by default ``BENCH_S3``, else the first of these that is installed.
    """
    kind = kind or os.environ.get("BENCH_S3") or next((name for name in _COMMANDS if _binary(name)), "versitygw")
    if kind not in _COMMANDS:
        raise SystemExit(f"BENCH_S3 is {kind!r}: it should be versitygw or minio")
    binary = _binary(kind)
    if binary is None:
        raise SystemExit(f"{kind} was not found in PATH, {', '.join(map(str, PLACES))}; `.ci/run` installs it")
    port = free_port()
    command, data = _COMMANDS[kind](binary, port, folder)
    for each in data:
        each.mkdir(parents=True)
    environment = {
        "HOME": str(folder), "PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY,
        "MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY,
    }  # fmt: skip
    with running(kind, command, port=port, folder=folder, environment=environment) as service:
        server = S3Server(kind, service, data)
        _make_buckets(server)
        yield server


def _versitygw(binary: str, port: int, folder: Path) -> tuple[list[str], tuple[Path, ...]]:
    root, versions = folder / "root", folder / "versions"
    address = ["--port", f"127.0.0.1:{port}", "--keep-alive", "--quiet"]
    return [binary, *address, "posix", "--versioning-dir", str(versions), str(root)], (root, versions)


def _minio(binary: str, port: int, folder: Path) -> tuple[list[str], tuple[Path, ...]]:
    root = folder / "root"
    return [binary, "server", "--quiet", "--address", f"127.0.0.1:{port}", str(root)], (root,)


_COMMANDS = {"versitygw": _versitygw, "minio": _minio}


def _binary(name: str) -> str | None:
    if found := shutil.which(name):
        return found
    # .ci/services keeps the version in the file's name.
    return next((str(each) for place in PLACES for each in sorted(place.glob(f"{name}*"))), None)


def _make_buckets(server: S3Server) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"total_max_attempts": 10, "mode": "standard"}),  # MinIO listens before it is ready
    )
    for bucket in BUCKETS:
        client.create_bucket(Bucket=bucket)
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
