"""What direct uploads need of a store: copies under another key, the newest version, purges, form policies.

The keys are those of the product, below ``pending/`` and ``images/``: its role may do different things in the two.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from services.errors import InvalidInput, ObjectNotFound
from services.models import ObjectAttributes
from services.ports import PostingStore
from services.storage import s3_purge
from services.storage.s3 import S3Store
from services.storage.s3_clients import S3Clients
from tests.contract.object_store.conftest import JPEG, PART, Case, Server

PNG = ObjectAttributes("image/png", "größe", "ünï.png")


@pytest.fixture
def anonymous() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def key() -> str:
    """Where a browser's upload arrives."""
    return f"pending/{uuid.uuid4()}/photo.jpg"


@pytest.fixture
def target(key: str) -> str:
    """Where it is kept."""
    return key.replace("pending/", "images/")


def expire(case: Case, key: str) -> None:
    """Put a marker on an arrival: the bucket's lifecycle rule does so, the service itself never."""
    if case.server is None:
        case.store.mark_deleted(key)
    else:
        case.server.boto.delete_object(Bucket=case.server.options.bucket, Key=key)


class TestCopy:
    def test_to_another_key(self, case: Case, key: str, target: str) -> None:
        version_id = case.put(key, b"first")
        case.put(key, b"second")

        copied = case.store.copy_version(key, version_id, PNG, target=target)

        assert case.get(target, copied) == b"first"
        assert [version.version_id for version in case.versions(target)] == [copied]
        assert case.store.describe(target, copied) == PNG
        assert len(case.versions(key)) == 2, "the source is as it was"

    def test_over_what_is_there(self, case: Case, key: str, target: str) -> None:
        version_id, before = case.put(key, b"new"), case.put(target, b"old")

        copied = case.store.copy_version(key, version_id, JPEG, target=target)

        assert copied != before
        assert case.get(target, copied) == b"new"
        assert case.get(target, before) == b"old"
        assert [version.version_id for version in case.versions(target) if version.is_latest] == [copied]

    def test_outlives_its_source(self, case: Case, key: str, target: str) -> None:
        copied = case.store.copy_version(key, case.put(key, b"abc"), JPEG, target=target)

        case.store.purge(key)

        assert case.get(target, copied) == b"abc"

    def test_of_a_multipart_object(self, case: Case, key: str, target: str) -> None:
        body = bytes(range(256)) * (PART // 256 + 10)
        copied = case.store.copy_version(key, case.put(key, body), JPEG, target=target)

        assert case.get(target, copied) == body

    def test_of_nothing(self, case: Case, key: str, target: str) -> None:
        version_id = case.put(key, b"abc")
        case.store.remove_version(key, version_id)

        with pytest.raises(ObjectNotFound):
            case.store.copy_version(key, version_id, JPEG, target=target)
        case.assert_empty(target)

    @pytest.mark.parametrize("bad", ["../x", "/x", "a//b", "a b"])
    def test_to_no_key(self, case: Case, key: str, bad: str) -> None:
        version_id = case.put(key, b"abc")
        with pytest.raises(InvalidInput):
            case.store.copy_version(key, version_id, JPEG, target=bad)


class TestNewest:
    def test_none_was_written(self, case: Case, key: str) -> None:
        assert case.store.newest(key) is None

    def test_is_the_last_write(self, case: Case, key: str) -> None:
        case.put(key, b"one")
        case.put(key + "2", b"other")
        version_id = case.put(key, b"second")

        newest = case.store.newest(key)

        assert newest is not None
        assert (newest.key, newest.version_id, newest.size) == (key, version_id, 6)
        assert (newest.deleted, newest.is_latest) == (False, True)

    def test_an_empty_object_is_one(self, case: Case, key: str) -> None:
        version_id = case.put(key)
        newest = case.store.newest(key)
        assert newest is not None
        assert (newest.version_id, newest.size) == (version_id, 0)

    def test_behind_a_marker_is_none(self, case: Case, key: str) -> None:
        case.put(key, b"one")
        expire(case, key)

        assert case.store.newest(key) is None

    def test_of_a_longer_key_is_not_taken(self, case: Case, key: str) -> None:
        case.put(key + "2", b"other")
        assert case.store.newest(key) is None


class TestPurge:
    def test_takes_versions_and_markers_and_nothing_else(self, case: Case, key: str) -> None:
        kept = case.put(key + "2", b"other")
        case.put(key, b"one")
        case.put(key, b"two")
        expire(case, key)
        case.put(key, b"three")

        case.store.purge(key)

        assert [version.version_id for version in case.versions(key)] == [kept]
        assert case.store.newest(key) is None

    def test_of_one_version(self, case: Case, key: str) -> None:
        case.put(key, b"one")
        case.store.purge(key)
        case.assert_empty(key)

    def test_of_nothing_and_twice(self, case: Case, key: str) -> None:
        case.store.purge(key)
        case.put(key, b"one")
        case.store.purge(key)
        case.store.purge(key)
        case.assert_empty(key)

    def test_of_more_versions_than_one_request_takes(self, server: Server, key: str) -> None:
        case = posting(server)
        for number in range(5):
            case.put(key, b"%d" % number)
        s3_purge.purge(S3Clients(server.options), key, batch_size=2)
        case.assert_empty(key)

    def test_a_key_can_be_written_again(self, case: Case, key: str) -> None:
        case.put(key, b"one")
        case.store.purge(key)
        assert case.get(key, case.put(key, b"two")) == b"two"


def multipart_form(policy_fields: dict[str, str], body: bytes, **changes: str) -> dict[str, Any]:
    fields = {**policy_fields, **changes}
    return {"data": fields, "files": {"file": ("a.png", body, fields.get("Content-Type", "image/png"))}}


class TestForms:
    """A POST policy (Amazon S3 API Reference, "Creating a POST policy")."""

    def test_are_a_power_of_s3_only(self, case: Case) -> None:
        assert isinstance(case.store, PostingStore) == isinstance(case.store, S3Store)

    def test_store_what_the_policy_allows(self, server: Server, key: str, anonymous: requests.Session) -> None:
        case = posting(server)
        policy = server.store.presign_post(key, expires_in=60, content_type="image/png", max_size=3)

        answer = anonymous.post(policy.url, **multipart_form(policy.fields, b"abc"))

        assert answer.status_code in {200, 201, 204}
        newest = server.store.newest(key)
        assert newest is not None
        assert case.get(key, newest.version_id) == b"abc"
        assert server.store.describe(key, newest.version_id).content_type == "image/png"

    @pytest.mark.parametrize(
        ("body", "changes"),
        [
            (b"abcd", {}),
            (b"", {}),
            (b"abc", {"Content-Type": "text/html"}),
            (b"abc", {"key": "images/other/photo.jpg"}),
            (b"abc", {"x-amz-signature": "0" * 64}),
        ],
        ids=["too large", "empty", "another type", "another key", "a forged signature"],
    )
    def test_refuse_everything_else(
        self, server: Server, key: str, anonymous: requests.Session, body: bytes, changes: dict[str, str]
    ) -> None:
        case = posting(server)
        if server.name == "moto":
            pytest.skip("moto checks no policy; MinIO does (TEST_S3_MINIO)")
        policy = server.store.presign_post(key, expires_in=60, content_type="image/png", max_size=3)

        answer = anonymous.post(policy.url, **multipart_form(policy.fields, body, **changes))

        assert 400 <= answer.status_code < 500
        case.assert_empty(key)

    def test_end(self, server: Server, key: str, anonymous: requests.Session) -> None:
        case = posting(server)
        if server.name == "moto":
            pytest.skip("moto checks no policy; MinIO does (TEST_S3_MINIO)")
        policy = server.store.presign_post(key, expires_in=1, content_type="image/png", max_size=3)

        time.sleep(2.1)

        assert anonymous.post(policy.url, **multipart_form(policy.fields, b"abc")).status_code == 403
        case.assert_empty(key)


def posting(server: Server) -> Case:
    return Case(server.name, server.store, server)
