from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from services.errors import AccessDenied
from services.storage.filesystem import FileStore
from services.storage.s3 import S3Store
from tests.contract.object_store.conftest import Case, Server
from tests.faultproxy import FaultProxy

DISPOSITION = "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe.jpg"


@pytest.fixture
def anonymous() -> Iterator[requests.Session]:
    """A client without any credentials."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_get(server: Server, key: str, anonymous: requests.Session) -> None:
    case = Case(server.name, server.store, server)
    version_id = case.put(key, b"old")
    case.put(key, b"new")

    url = case.store.presign_get(key, version_id, expires_in=60, content_type="image/webp", disposition=DISPOSITION)
    answer = anonymous.get(url)

    assert (answer.status_code, answer.content) == (200, b"old")
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Content-Disposition"] == DISPOSITION
    assert anonymous.get(url, headers={"Range": "bytes=1-"}).content == b"ld"


def test_put(server: Server, key: str, anonymous: requests.Session) -> None:
    case = Case(server.name, server.store, server)

    url = case.store.presign_put(key, expires_in=60, content_type="image/png", max_size=100)
    answer = anonymous.put(url, data=b"abc", headers={"Content-Type": "image/png"})

    assert answer.status_code == 200
    (version,) = case.versions(key)
    assert case.get(key, version.version_id) == b"abc"
    assert case.store.describe(key, version.version_id).content_type == "image/png"


def real(server: Server) -> None:
    if server.name == "moto":
        pytest.skip("moto checks no signature; versitygw and MinIO do (TEST_S3_VERSITYGW, TEST_S3_MINIO)")


def test_a_put_of_another_type_is_refused(server: Server, key: str, anonymous: requests.Session) -> None:
    real(server)
    case = Case(server.name, server.store, server)
    url = case.store.presign_put(key, expires_in=60, content_type="image/png", max_size=100)

    assert anonymous.put(url, data=b"abc", headers={"Content-Type": "text/html"}).status_code == 403
    case.assert_empty(key)


def test_tampering_is_refused(server: Server, key: str, anonymous: requests.Session) -> None:
    real(server)
    case = Case(server.name, server.store, server)
    version_id, other = case.put(key, b"abc"), case.put(key + "2", b"secret")
    url = case.store.presign_get(key, version_id, expires_in=60, content_type="image/png", disposition="inline")
    put = case.store.presign_put(key, expires_in=60, content_type="image/png", max_size=100)

    assert anonymous.get(url).status_code == 200
    assert anonymous.get(url.replace("image%2Fpng", "text%2Fhtml")).status_code == 403
    assert anonymous.get(url.replace(key, key + "2").replace(version_id, other)).status_code == 403
    assert anonymous.get(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")).status_code == 403
    assert anonymous.delete(url).status_code == 403
    png = {"Content-Type": "image/png"}
    assert anonymous.put(put.replace(key, key + "2"), data=b"x", headers=png).status_code == 403
    assert anonymous.put(url, data=b"x", headers=png).status_code == 403
    assert len(case.versions(key)) == 2


def test_expiry_is_kept(server: Server, key: str, anonymous: requests.Session) -> None:
    real(server)
    case = Case(server.name, server.store, server)
    version_id = case.put(key, b"abc")
    url = case.store.presign_get(key, version_id, expires_in=1, content_type="image/png", disposition="inline")

    time.sleep(2.1)

    assert anonymous.get(url).status_code == 403


def test_presigning_asks_nobody(moto: Server, proxy: FaultProxy, key: str) -> None:
    store = S3Store(replace(moto.options, endpoint=proxy.url))

    store.presign_get(key, "v", expires_in=60, content_type="image/png", disposition="inline")
    store.presign_put(key, expires_in=60, content_type="image/png", max_size=1)

    assert proxy.requests == []


@pytest.mark.parametrize(
    ("style", "endpoint", "host", "path"),
    [
        ("auto", None, "photos.s3.eu-central-1.amazonaws.com", "/images/a.jpg"),
        ("path", None, "s3.eu-central-1.amazonaws.com", "/photos/images/a.jpg"),
        ("auto", "https://s3.example.com", "s3.example.com", "/photos/images/a.jpg"),
        ("virtual", "https://s3.example.com", "photos.s3.example.com", "/images/a.jpg"),
    ],
)
def test_addresses_and_what_is_signed(moto: Server, style: str, endpoint: str | None, host: str, path: str) -> None:
    options = replace(moto.options, bucket="photos", region="eu-central-1", endpoint=endpoint, addressing_style=style)  # type: ignore[arg-type]

    url = urlsplit(S3Store(options).presign_put("images/a.jpg", expires_in=77, content_type="image/png", max_size=1))

    query = parse_qs(url.query)
    assert (url.netloc, url.path) == (host, path)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["77"]
    assert query["X-Amz-SignedHeaders"] == ["content-type;host"], "the client must be able to send just these"
    assert "x-amz-sdk-checksum-algorithm" not in {name.lower() for name in query}


def test_the_embedded_store_signs_relative_urls_that_it_redeems(case: Case, key: str) -> None:
    if not isinstance(case.store, FileStore):
        pytest.skip("only the embedded store serves its own URLs")
    version_id = case.put(key, b"abc")

    url = case.store.presign_get(key, version_id, expires_in=60, content_type="image/png", disposition=DISPOSITION)
    grant = case.store.redeem(url.removeprefix("/objects/"), "GET")

    assert (grant.key, grant.version_id, grant.content_type) == (key, version_id, "image/png")
    assert grant.disposition == DISPOSITION
    assert case.store.size_of(grant.key, grant.version_id) == 3
    with pytest.raises(AccessDenied):
        case.store.redeem(url.removeprefix("/objects/"), "PUT")
