from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.storage.s3_clients import S3Clients, S3Options

PROJECT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("options", "path_style", "endpoint"),
    [
        (S3Options("photos"), False, "https://photos.s3.us-east-1.amazonaws.com"),
        (S3Options("photos", "eu-west-1"), False, "https://photos.s3.eu-west-1.amazonaws.com"),
        (S3Options("photos", "cn-north-1"), False, "https://photos.s3.cn-north-1.amazonaws.com.cn"),
        (S3Options("my.photos"), True, "https://s3.us-east-1.amazonaws.com"),
        (S3Options("photos", endpoint="http://minio:9000"), True, "http://minio:9000"),
        (
            S3Options("photos", endpoint="https://s3.example.com:8443", addressing_style="virtual"),
            False,
            "https://photos.s3.example.com:8443",
        ),
    ],
)
def test_both_sdks_talk_to_the_same_address(options: S3Options, path_style: bool, endpoint: str) -> None:
    clients = S3Clients(options)

    assert options.path_style == path_style
    assert clients.uploads.config["endpoint"] == endpoint
    key = "a.jpg" if not path_style else f"{options.bucket}/a.jpg"
    signed = clients.boto.generate_presigned_url("get_object", Params={"Bucket": options.bucket, "Key": "a.jpg"})
    assert signed.partition("?")[0] == f"{endpoint}/{key}"


def test_encryption_reaches_both_sdks() -> None:
    options = S3Options("photos", encryption="aws:kms", kms_key_id="arn:aws:kms:x")

    assert options.sse_parameters == {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:x"}
    config = S3Clients(options).uploads.config
    assert config["server_side_encryption"] == "aws:kms"
    assert config["sse_kms_key_id"] == "arn:aws:kms:x"


def test_no_encryption_asks_for_none() -> None:
    assert S3Options("photos").sse_parameters == {}
    assert S3Options("photos", encryption="AES256", kms_key_id="unused").sse_parameters == {
        "ServerSideEncryption": "AES256"
    }


def test_checksums_only_where_every_server_knows_them() -> None:
    aws, other = S3Clients(S3Options("photos")), S3Clients(S3Options("photos", endpoint="http://minio:9000"))

    assert vars(aws.boto.meta.config)["request_checksum_calculation"] == "when_supported"
    assert vars(other.boto.meta.config)["request_checksum_calculation"] == "when_required"


def test_threads_share_one_client() -> None:
    clients = S3Clients(S3Options("photos"))

    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: id(clients.boto), range(64)))

    assert len(made) == 1


FORKING = """
import os, sys
from services.models import ObjectAttributes
from services.storage.s3 import S3Options, S3Store
store = S3Store(S3Options("forked-bucket", endpoint=sys.argv[1]))
store.check()                                   # as a gunicorn master may
for _ in range(2):
    if os.fork() == 0:
        for size in (10, 9 * 2**20):            # PutObject and multipart, with obstore's and our own threads
            writer = store.writer("images/1/a.png", ObjectAttributes("image/png"))
            writer.write(b"x" * size)
            version_id = writer.commit()
            assert b"".join(store.read("images/1/a.png", version_id)) == b"x" * size
        os._exit(0)
codes = [os.waitpid(-1, 0)[1] for _ in range(2)]
print(codes, len(list(store.list_versions("images/"))))
"""


def test_a_store_survives_the_fork_of_its_master(moto_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING, moto_url], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stdout == "[0, 0] 4\n", done.stderr
