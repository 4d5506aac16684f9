"""The quick presigner makes what botocore makes, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import ReadOnlyCredentials

from services.errors import BackendMisconfigured
from services.storage.s3 import S3Options, S3Store
from services.storage.s3_clients import S3Clients
from services.storage.s3_presign import GetPresigner

KEY = "images/550e8400-e29b-41d4-a716-446655440000/photo_1.a-b.jpg"
DISPOSITIONS = [
    "inline; filename=photo.jpg",
    "attachment; filename=\"a b+c&d=e.jpg\"; filename*=UTF-8''gr%C3%B6%C3%9Fe~!%20*().jpg",
    "inline; filename=ünï/☕",
]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize("disposition", DISPOSITIONS)
@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzE/+token=="])
@pytest.mark.parametrize(
    "where",
    [
        {},
        {"region": "eu-central-1"},
        {"region": "cn-north-1"},
        {"bucket": "with.dots"},
        {"addressing_style": "path"},
        {"endpoint": "http://127.0.0.1:9000"},
        {"endpoint": "http://127.0.0.1:80/"},
        {"endpoint": "https://s3.example.com"},
        {"endpoint": "https://s3.example.com:443"},
        {"endpoint": "https://s3.example.com:8443", "addressing_style": "virtual"},
    ],
)
def test_every_byte_is_botocores(
    monkeypatch: pytest.MonkeyPatch, where: dict[str, Any], token: str | None, disposition: str
) -> None:
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    options = S3Options(**{"bucket": "photos", **where})
    clients = S3Clients(options)
    parameters = {
        "VersionId": "3sL4kqtJlcpXroDTDmJ-rm_S.p",
        "ResponseContentType": "image/svg+xml",
        "ResponseContentDisposition": disposition,
    }
    expected = clients.boto.generate_presigned_url(
        "get_object", Params={"Bucket": options.bucket, "Key": KEY, **parameters}, ExpiresIn=604800
    )
    signed_at = parse_qs(urlsplit(expected).query)["X-Amz-Date"][0]

    made = clients.presigner.sign(
        KEY,
        {
            "versionId": parameters["VersionId"],
            "response-content-type": parameters["ResponseContentType"],
            "response-content-disposition": disposition,
        },
        expires_in=604800,
        now=datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
    )

    assert made == expected


@dataclass
class Changing:
    """Credentials that are renewed."""

    now: ReadOnlyCredentials

    def __call__(self) -> ReadOnlyCredentials:
        return self.now


def test_new_credentials_and_new_days_sign_anew() -> None:
    sample = S3Clients(S3Options("photos")).boto.generate_presigned_url(
        "get_object", Params={"Bucket": "photos", "Key": "sample"}
    )
    credentials = Changing(ReadOnlyCredentials("one", "secret", None))
    presigner = GetPresigner(sample, credentials)
    day, other_day = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)

    def fresh(now: datetime) -> str:
        return GetPresigner(sample, credentials).sign("a", {}, expires_in=1, now=now)

    first = presigner.sign("a", {}, expires_in=1, now=day)
    assert first == fresh(day)
    assert presigner.sign("a", {}, expires_in=1, now=other_day) == fresh(other_day)
    credentials.now = ReadOnlyCredentials("one", "another secret", None)
    renewed = presigner.sign("a", {}, expires_in=1, now=day)
    assert renewed == fresh(day) != first


def test_without_credentials_it_is_misconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(BackendMisconfigured):
        S3Store(S3Options("photos")).presign_get(KEY, "v", expires_in=1, content_type="image/png", disposition="inline")
