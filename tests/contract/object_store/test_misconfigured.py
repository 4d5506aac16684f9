from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from services.errors import BackendMisconfigured, BackendUnavailable, ServiceError
from services.storage.s3 import S3Store
from tests.contract.object_store.conftest import JPEG, Case, Server
from tests.faultproxy import FaultProxy


def test_a_bucket_that_is_not_there(server: Server, key: str) -> None:
    store = S3Store(replace(server.options, bucket="no-such-bucket-here"))
    case = Case(server.name, store, server)

    calls = [
        store.check,
        lambda: case.put(key, b"abc"),
        lambda: case.put(key, b"x" * (server.options.part_size + 1)),
        lambda: store.read(key, "0" * 32),
        lambda: store.mark_deleted(key),
        lambda: case.versions(key),
    ]
    for call in calls:
        with pytest.raises(BackendMisconfigured) as error:
            call()
        assert "no-such-bucket-here" not in str(error.value)
    with pytest.raises(BackendMisconfigured) as error:
        store.check()
    assert "no-such-bucket-here" in error.value.detail


def test_a_bucket_without_versioning(server: Server, key: str) -> None:
    store = S3Store(replace(server.options, bucket=server.unversioned))

    with pytest.raises(BackendMisconfigured) as error:
        store.check()
    assert server.unversioned in error.value.detail
    assert server.unversioned not in str(error.value)


@pytest.mark.parametrize("parts", [0, 1])
def test_a_write_to_a_bucket_without_versioning_is_refused_and_removed(server: Server, key: str, parts: int) -> None:
    case = Case(server.name, S3Store(replace(server.options, bucket=server.unversioned)), server)
    size = parts * server.options.part_size + 1

    with pytest.raises(BackendMisconfigured):
        case.put(key, b"x" * size)

    assert server.boto.list_objects_v2(Bucket=server.unversioned, Prefix=key)["KeyCount"] == 0
    assert list(case.store.list_unfinished(key)) == []


def test_wrong_credentials(server: Server, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if server.name == "moto":
        pytest.skip("moto checks no credentials; versitygw and MinIO do (TEST_S3_VERSITYGW, TEST_S3_MINIO)")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    store = S3Store(server.options)
    case = Case(server.name, store, server)

    calls = [store.check, lambda: case.put(key, b"a"), lambda: store.read(key, "0" * 32), lambda: case.versions(key)]
    for call in calls:
        with pytest.raises(BackendMisconfigured) as error:
            call()
        assert "not-the-secret" not in error.value.detail + str(error.value)


def test_a_failed_check_says_which_setting_to_look_at(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    if server.name == "moto":
        pytest.skip("moto checks no credentials; versitygw and MinIO do (TEST_S3_VERSITYGW, TEST_S3_MINIO)")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")

    with pytest.raises(BackendMisconfigured) as error:
        S3Store(server.options).check()

    assert f"access to bucket {server.options.bucket} denied: check AWS_ACCESS_KEY_ID" in error.value.detail


@pytest.mark.parametrize(("status", "hint"), [(400, "check AWS_ENDPOINT_URL"), (403, "the role's policy")])
def test_an_endpoint_that_refuses_the_check(faulty: Case, proxy: FaultProxy, status: int, hint: str) -> None:
    proxy.fail("HEAD", status=status)

    with pytest.raises(BackendMisconfigured) as error:
        faulty.store.check()

    assert hint in error.value.detail


def test_no_credentials_at_all(moto: Server, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = S3Store(moto.options)
    case = Case("moto", store, moto)

    calls = [
        store.check,
        lambda: case.put(key, b"abc"),
        lambda: store.read(key, "0" * 32),
        lambda: store.mark_deleted(key),
        lambda: store.presign_put(key, expires_in=60, content_type="image/png", max_size=1),
    ]
    for call in calls:
        with pytest.raises(BackendMisconfigured):
            call()


def test_an_endpoint_that_is_no_url(moto: Server) -> None:
    with pytest.raises(BackendMisconfigured):
        S3Store(replace(moto.options, endpoint="not a url")).check()


def test_environment_variables_do_not_redirect_only_one_of_the_sdks(
    moto: Server, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    case = Case("moto", S3Store(moto.options), moto)

    case.store.check()
    assert case.get(key, case.put(key, b"abc")) == b"abc"


@pytest.mark.parametrize("listening", [False, True], ids=["refused", "silent"])
def test_a_dead_server_is_unavailable_within_ten_seconds(moto: Server, key: str, listening: bool) -> None:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        if listening:
            dead.listen()
        endpoint = f"http://127.0.0.1:{dead.getsockname()[1]}"
        store = S3Store(replace(moto.options, endpoint=endpoint, read_timeout=0.5))
        case = Case("dead", store, moto)
        calls = [
            store.check,
            lambda: case.put(key, b"abc"),
            lambda: store.read(key, "0" * 32),
            lambda: store.mark_deleted(key),
            lambda: store.remove_version(key, "0" * 32),
            lambda: store.copy_version(key, "0" * 32, JPEG),
        ]
        for number, call in enumerate(calls):
            begun = time.monotonic()
            with pytest.raises(ServiceError) as error:
                call()
            assert isinstance(error.value, BackendUnavailable), number
            assert time.monotonic() - begun < 12.0, number
