"""Which requests the S3 store sends, and how it reads listings that come in pages."""

from __future__ import annotations

import pytest

from services.storage import s3_listing
from services.storage.s3_clients import S3Clients
from tests.contract.object_store.conftest import JPEG, PART, Case, Server
from tests.faultproxy import FaultProxy


@pytest.mark.parametrize("size", [0, 1, PART])
def test_a_body_that_fits_a_part_is_one_request(faulty: Case, proxy: FaultProxy, key: str, size: int) -> None:
    faulty.put(key, b"x" * size)

    assert [method for method, _ in proxy.requests] == ["PUT"]


def test_parts_are_of_equal_size_but_for_the_last(faulty: Case, proxy: FaultProxy, key: str) -> None:
    assert faulty.server is not None
    writer = faulty.store.writer(key, JPEG)
    for _ in range(4):
        writer.write(b"x" * (PART - 1000))
    writer.write(b"")
    bucket, boto = faulty.server.options.bucket, faulty.server.boto

    version_id = writer.commit()

    parts = [
        boto.head_object(Bucket=bucket, Key=key, VersionId=version_id, PartNumber=number)["ContentLength"]
        for number in (1, 2, 3, 4)
    ]
    assert parts == [PART, PART, PART, PART - 4000]
    assert [method for method, _ in proxy.requests] == ["POST", "PUT", "PUT", "PUT", "PUT", "POST"]


def test_a_read_is_one_request(faulty: Case, proxy: FaultProxy, key: str) -> None:
    version_id = faulty.put(key, b"abc")
    proxy.requests.clear()

    faulty.get(key, version_id)

    assert [method for method, _ in proxy.requests] == ["GET"]


@pytest.mark.parametrize("page_size", [1, 2, 3])
def test_pages_lose_and_repeat_nothing(server: Server, key: str, page_size: int) -> None:
    if server.name == "versitygw" and page_size == 1:
        pytest.skip("versitygw repeats the newest version of a key at each page's edge: pages of one never end there")
    case = Case(server.name, server.store, server)
    other = key + "2"
    ids = {key: [case.put(key, b"%d" % n) for n in range(4)], other: [case.put(other, b"x") for _ in range(3)]}
    marker = case.store.mark_deleted(key)

    listed = list(s3_listing.list_versions(S3Clients(server.options), key, page_size=page_size))

    assert len(listed) == 8
    assert [v.version_id for v in listed if v.key == other] == ids[other][::-1]
    assert [v.version_id for v in listed if v.key == key and not v.deleted] == ids[key][::-1]
    assert next(v.version_id for v in listed if v.key == key) == marker
    assert [v.version_id for v in listed if v.is_latest] == [marker, ids[other][-1]]
