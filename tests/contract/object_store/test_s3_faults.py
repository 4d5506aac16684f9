"""What the S3 store does when S3 goes wrong: the right domain error in bounded time, and nothing left behind."""

from __future__ import annotations

import logging

import pytest

from services.errors import BackendMisconfigured, BackendUnavailable, ServiceError
from tests.contract.object_store.conftest import JPEG, PART, Case
from tests.contract.object_store.faults import (
    COMPLETE,
    CREATE,
    LARGE,
    PERMANENT,
    PUT,
    SEND,
    SMALL,
    TRANSIENT,
    assert_one,
    fault,
)
from tests.faultproxy import FaultProxy


@pytest.mark.parametrize("name", TRANSIENT)
@pytest.mark.parametrize(
    ("target", "body"),
    [(PUT, SMALL), (CREATE, LARGE), (SEND, LARGE), (COMPLETE, LARGE)],
    ids=["put", "create", "part", "complete"],
)
def test_one_transient_fault_is_survived(faulty: Case, proxy: FaultProxy, key: str, name: str, target, body) -> None:
    fault(proxy, name, target, times=1)

    version_id = faulty.put(key, body)

    assert_one(faulty, key, version_id, body)


@pytest.mark.parametrize("name", [*TRANSIENT, *PERMANENT])
@pytest.mark.parametrize(
    ("target", "body"),
    [(PUT, SMALL), (CREATE, LARGE), (SEND, LARGE), (COMPLETE, LARGE)],
    ids=["put", "create", "part", "complete"],
)
def test_a_lasting_fault_is_an_error_that_leaves_nothing(
    faulty: Case, proxy: FaultProxy, key: str, name: str, target, body
) -> None:
    fault(proxy, name, target)
    version_id, error = "", None
    try:
        version_id = faulty.put(key, body)
    except ServiceError as raised:
        error = raised
    proxy.clear()

    if version_id:  # the server had stored it, only the answers were lost: found again by its write id
        assert name in {"cut after", "late"}
        assert_one(faulty, key, version_id, body)
    else:
        assert type(error) is (BackendMisconfigured if name in PERMANENT else BackendUnavailable)
        faulty.assert_empty(key)


@pytest.mark.parametrize(("target", "body"), [(PUT, SMALL), (COMPLETE, LARGE)], ids=["put", "complete"])
def test_an_answer_lost_while_nothing_can_be_looked_up_is_tidied_by_the_abort(
    faulty: Case, proxy: FaultProxy, key: str, target: tuple[str, str], body: bytes
) -> None:
    proxy.cut_answer(*target)
    proxy.fail("GET", "versions")
    writer = faulty.store.writer(key, JPEG)
    writer.write(body)
    with pytest.raises(BackendUnavailable):
        writer.commit()
    proxy.clear()
    assert faulty.versions(key), "the server did store it: else this test proves nothing"

    writer.abort()

    faulty.assert_empty(key)


def test_what_can_not_be_tidied_is_logged_with_key_and_write_id(
    faulty: Case, proxy: FaultProxy, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.cut_answer(*PUT)
    proxy.fail("GET", "versions")

    with caplog.at_level(logging.WARNING, "services"), pytest.raises(BackendUnavailable):
        faulty.put(key, SMALL)

    assert faulty.server is not None
    assert Case("", faulty.server.store).versions(key), "nothing was stored: else this test proves nothing"
    warnings = [
        r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and r.name.startswith("services")
    ]
    assert any(f"key={key}" in text and "write-id=" in text for text in warnings)


def test_retries_of_a_lost_put_leave_one_version(faulty: Case, proxy: FaultProxy, key: str) -> None:
    proxy.cut_answer(*PUT, times=1)
    proxy.fail("GET", "versions", times=1)  # the look-up fails too, so the PUT is sent again

    version_id = faulty.put(key, SMALL)

    assert proxy.count(*PUT) == 2
    assert_one(faulty, key, version_id, SMALL)


@pytest.mark.parametrize("target", [PUT, COMPLETE], ids=["put", "complete"])
def test_tidying_spares_another_write_of_the_same_key(
    faulty: Case, proxy: FaultProxy, key: str, target: tuple[str, str]
) -> None:
    assert faulty.server is not None
    other = Case("", faulty.server.store).put(key, b"other")
    fault(proxy, "500", target)

    with pytest.raises(BackendUnavailable):
        faulty.put(key, SMALL if target is PUT else LARGE)
    proxy.clear()

    assert_one(faulty, key, other, b"other")


def test_a_lost_create_spares_an_upload_of_another_process(faulty: Case, proxy: FaultProxy, key: str) -> None:
    assert faulty.server is not None
    bucket, boto = faulty.server.options.bucket, faulty.server.boto
    foreign = boto.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    boto.upload_part(Bucket=bucket, Key=key, UploadId=foreign, PartNumber=1, Body=b"x")
    proxy.cut_answer(*CREATE)

    with pytest.raises(BackendUnavailable):
        faulty.put(key, LARGE)
    proxy.clear()

    uploads = boto.list_multipart_uploads(Bucket=bucket, Prefix=key).get("Uploads", [])
    assert [upload["UploadId"] for upload in uploads] == [foreign]


def test_a_lost_create_spares_an_upload_of_this_process(faulty: Case, proxy: FaultProxy, key: str) -> None:
    proxy.fail(*SEND, status=403, code="AccessDenied")  # so that the other one has no part yet
    other = faulty.store.writer(key, JPEG)
    other.write(LARGE[: PART + 1])
    proxy.cut_answer(*CREATE)

    with pytest.raises(BackendUnavailable):
        faulty.put(key, LARGE)
    proxy.clear()

    assert list(faulty.store.list_unfinished(key)) == [key]
    other.abort()
    faulty.assert_empty(key)


def test_an_abort_that_fails_once_is_repeated(faulty: Case, proxy: FaultProxy, key: str) -> None:
    proxy.fail("DELETE", "uploadId=", times=1)
    writer = faulty.store.writer(key, JPEG)
    writer.write(LARGE)

    writer.abort()

    faulty.assert_empty(key)


def test_an_abort_that_can_not_succeed_is_logged_and_raises_nothing(
    faulty: Case, proxy: FaultProxy, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fail("DELETE", "uploadId=", status=403, code="AccessDenied")
    writer = faulty.store.writer(key, JPEG)
    writer.write(LARGE)

    with caplog.at_level(logging.WARNING, "services"):
        writer.abort()

    assert f"key={key}" in caplog.text
    assert list(faulty.store.list_unfinished(key)) == [key]


def test_a_failed_part_is_told_before_the_whole_body_was_taken(faulty: Case, proxy: FaultProxy, key: str) -> None:
    proxy.fail(*SEND, status=403, code="AccessDenied")
    writer = faulty.store.writer(key, JPEG)

    with pytest.raises(BackendMisconfigured):
        for _ in range(4):
            writer.write(b"x" * PART)
    with pytest.raises(BackendMisconfigured):
        writer.commit()
    writer.abort()
    faulty.assert_empty(key)
