"""Real S3 servers that enforce IAM policies, started for one test run: versitygw with its IAM service, and MinIO.

versitygw takes a user's policy through AWS's own IAM API and judges as AWS does, versions, prefixes and conditions
included. MinIO is a second opinion. Neither is AWS: ``translated`` says what the two do differently.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3.session
import pytest
from botocore.config import Config

from tests.infra.policies import Document, Statement, statements
from tests.infra.workspace import ROOT

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

REGION = "us-east-1"
_BINARIES = Path(os.environ.get("SERVICES_CACHE", ROOT / ".ci/cache")) / "bin"


@dataclass(frozen=True)
class Keys:
    """An access key."""

    access: str
    secret: str


ROOT_KEYS = Keys("test", "testtest")


@dataclass(frozen=True)
class Enforcer:
    """A running server. ``grant`` makes a document the only policy of a user of ``new_user``."""

    name: str
    url: str
    new_user: Callable[[], Keys]
    _attach: Callable[[Keys, Document], None]

    def grant(self, keys: Keys, document: Document) -> None:
        """Let the user do what ``document``, a policy for AWS, lets a role do, and nothing else."""
        self._attach(keys, translated(self.name, document))

    def client(self, keys: Keys = ROOT_KEYS, url: str | None = None) -> S3Client:
        """A boto3 client of that user, by default the one that may do everything."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=url or self.url,
            region_name=REGION,
            aws_access_key_id=keys.access,
            aws_secret_access_key=keys.secret,
            config=Config(
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


def translated(server: str, document: Document) -> Document:
    """A policy for AWS in the server's dialect; the buckets' names apart, all that differs from what AWS gets.

    Both get the statements about S3 alone: MinIO refuses documents that name other services' actions, and a user's
    policy, where a role's may have 10,240 bytes, may have 2,048.

    versitygw 1.8 asks of a copy whose source is one version for s3:GetObject, where AWS asks for s3:GetObjectVersion,
    and takes ``?versionId=`` for a part of the key: an object of that name may be read where versions may. Of a form
    (POST) it asks for s3:PutObject on the bucket instead of the object, which gives nobody an object to write.

    MinIO knows neither s3:GetObjectVersion nor s3:DeleteObjectVersion as permissions of their own: whoever may read or
    delete an object may do so with each of its versions, and s3:ListBucket stands for s3:ListBucketVersions.
    """
    result = [
        {**each, "Action": actions}
        for each in statements(document)
        if (actions := [action for action in each["Action"] if action.startswith("s3:")])
    ]
    if server == "minio":
        for each in result:
            plain = {f"s3:{verb}Object" for verb in ("Get", "Delete") if f"s3:{verb}ObjectVersion" in each["Action"]}
            each["Action"] = sorted({*each["Action"], *plain})
    else:
        result += list(_of_versitygw(result))
    return {"Version": document["Version"], "Statement": result}


def _of_versitygw(found: list[Statement]) -> Iterator[Statement]:
    def resources(action: str) -> list[str]:
        return [resource for each in found if action in each["Action"] for resource in each["Resource"]]

    if versions := resources("s3:GetObjectVersion"):
        sources = [f"{resource}?versionId=*" for resource in versions]
        yield {"Sid": "Copy", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": sources}
    if written := resources("s3:PutObject"):
        buckets = sorted({resource.partition("/")[0] for resource in written})
        yield {"Sid": "Post", "Effect": "Allow", "Action": ["s3:PutObject"], "Resource": buckets}


def compact(document: Document) -> str:
    """The document without white space, which counts against the limit."""
    return json.dumps(document, separators=(",", ":"))


@contextmanager
def versitygw() -> Iterator[Enforcer]:
    """versitygw and its IAM service, which keeps users and policies for it."""
    binary = _binary("versitygw")
    # Not below pytest's folders: the path of a UNIX socket may have 107 characters.
    with _folder() as folder, _keys() as environment:
        for name in ("iam", "root", "versions"):
            (folder / name).mkdir()
        private = str(folder / "private")
        service = ("iam", "--dir", str(folder / "iam"), "--private-ports", private)
        store = ("posix", "--versioning-dir", str(folder / "versions"), str(folder / "root"))
        served = ("--quiet", "--iam-standalone-endpoint", private, "--iam-cache-disable")
        # Without its cache a policy holds from the next request on.
        with (
            _server(binary, "/health", environment, "--quiet", after=service) as iam_url,
            _server(binary, "/health", environment, *served, after=store) as url,
        ):
            session: Any = boto3.session.Session()
            iam = session.client(
                "iam",
                endpoint_url=iam_url,
                region_name=REGION,
                aws_access_key_id=ROOT_KEYS.access,
                aws_secret_access_key=ROOT_KEYS.secret,
            )
            names: dict[Keys, str] = {}

            def new_user() -> Keys:
                name = f"task-{uuid.uuid4().hex[:8]}"
                iam.create_user(UserName=name)
                made = iam.create_access_key(UserName=name)["AccessKey"]
                keys = Keys(made["AccessKeyId"], made["SecretAccessKey"])
                names[keys] = name
                return keys

            def attach(keys: Keys, document: Document) -> None:
                iam.put_user_policy(UserName=names[keys], PolicyName="service", PolicyDocument=compact(document))

            yield Enforcer("versitygw", url, new_user, attach)
            iam.close()


@contextmanager
def minio() -> Iterator[Enforcer]:
    """MinIO, whose users and policies are made through its administration API."""
    binary = _binary("minio")
    client = pytest.importorskip("minio", reason="the client of MinIO's administration API is not installed")
    providers = pytest.importorskip("minio.credentials.providers")
    with _folder() as folder, _keys() as environment:
        for name in ("root", "certs"):
            (folder / name).mkdir()
        arguments = ("server", "--quiet", "--certs-dir", str(folder / "certs"))
        after = (str(folder / "root"),)
        with _server(binary, "/minio/health/ready", environment, *arguments, after=after, option="--address") as url:
            admin = client.MinioAdmin(
                endpoint=url.removeprefix("http://"),
                credentials=providers.StaticProvider(ROOT_KEYS.access, ROOT_KEYS.secret),
                secure=False,
            )

            def new_user() -> Keys:
                keys = Keys(uuid.uuid4().hex[:16], uuid.uuid4().hex)
                admin.user_add(keys.access, keys.secret)
                return keys

            def attach(keys: Keys, document: Document) -> None:
                # A name of its own each time: a policy that is attached may not be taken from its user.
                name = f"service-{uuid.uuid4().hex[:12]}"
                admin.policy_add(name, policy=document)
                admin.policy_set(name, user=keys.access)

            yield Enforcer("minio", url, new_user, attach)


ENFORCERS = {"versitygw": versitygw, "minio": minio}


def _binary(name: str) -> Path:
    """The server's program, as ``.ci/services`` builds it; skips the test where it can not be built."""
    built = subprocess.run(["bash", ROOT / ".ci/services", "build"], capture_output=True, text=True, check=False)
    found = sorted(_BINARIES.glob(f"{name}-v*"))
    if not found:
        pytest.skip(f"there is no {name} in {_BINARIES}: {(built.stdout + built.stderr).strip()}")
    return found[-1]


@contextmanager
def _folder() -> Iterator[Path]:
    folder = tempfile.mkdtemp(prefix="image-service-iam-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _keys() -> Iterator[dict[str, str]]:
    """The environment of a server: its first user's keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MINIO_", "VGW_"))}
    first = {"ROOT_ACCESS_KEY": ROOT_KEYS.access, "ROOT_SECRET_KEY": ROOT_KEYS.secret}
    yield (
        kept
        | first
        | {
            "MINIO_ROOT_USER": ROOT_KEYS.access,
            "MINIO_ROOT_PASSWORD": ROOT_KEYS.secret,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        }
    )


@contextmanager
def _server(
    binary: Path,
    health: str,
    environment: dict[str, str],
    *before: str,
    after: tuple[str, ...],
    option: str = "--port",
) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = () if option == "--address" else ("--health", health)
    command = [binary, *before, option, f"127.0.0.1:{port}", *own, *after]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        try:
            _wait(process, port, health)
            yield f"http://127.0.0.1:{port}"
        except BaseException:
            log.seek(0)
            print(log.read()[-4000:])
            raise
        finally:
            process.terminate()
            process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, health: str) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", health)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise AssertionError("the server did not become healthy")
