"""Faults while reading, copying, deleting, listing and checking."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from services.errors import BackendMisconfigured, BackendUnavailable, ObjectNotFound, ServiceError
from tests.contract.object_store.conftest import JPEG, Case, content
from tests.contract.object_store.faults import LARGE, PERMANENT, PUT, SMALL, TRANSIENT, fault
from tests.faultproxy import FaultProxy


@pytest.mark.parametrize("name", [*TRANSIENT, "cut inside"])
def test_one_fault_while_reading_is_survived(faulty: Case, proxy: FaultProxy, key: str, name: str) -> None:
    version_id = faulty.put(key, LARGE)
    fault(proxy, name, ("GET", "versionId"), times=1)

    assert faulty.get(key, version_id) == LARGE


@pytest.mark.parametrize("name", [*TRANSIENT, *PERMANENT])
def test_a_lasting_fault_while_reading_is_told_at_opening(faulty: Case, proxy: FaultProxy, key: str, name: str) -> None:
    version_id = faulty.put(key, SMALL)
    fault(proxy, name, ("GET", "versionId"))

    with pytest.raises(BackendMisconfigured if name in PERMANENT else BackendUnavailable):
        faulty.store.read(key, version_id)


def test_a_body_that_keeps_being_cut_is_unavailable_and_never_short(faulty: Case, proxy: FaultProxy, key: str) -> None:
    version_id = faulty.put(key, LARGE)
    proxy.cut_body("GET", "versionId", after=100_000)

    with pytest.raises(BackendUnavailable):
        content(faulty.store.read(key, version_id))


@pytest.mark.parametrize("name", TRANSIENT)
def test_copies_and_markers_survive_one_fault_and_stay_single(
    faulty: Case, proxy: FaultProxy, key: str, name: str
) -> None:
    first = faulty.put(key, SMALL)
    fault(proxy, name, PUT, times=1)
    copy = faulty.store.copy_version(key, first, JPEG)
    assert {v.version_id for v in faulty.versions(key)} == {copy, first}

    fault(proxy, name, ("DELETE", r"photo\.jpg$"), times=1)
    marker = faulty.store.mark_deleted(key)
    assert {v.version_id for v in faulty.versions(key)} == {marker, copy, first}

    fault(proxy, name, ("DELETE", "versionId"), times=1)
    faulty.store.remove_version(key, marker)
    assert {v.version_id for v in faulty.versions(key)} == {copy, first}


@pytest.mark.parametrize("name", ["500", "SlowDown", "cut before", *PERMANENT])
@pytest.mark.parametrize("call", ["copy", "mark", "remove", "describe", "list", "unfinished"])
def test_every_other_call_translates_a_lasting_fault(
    faulty: Case, proxy: FaultProxy, key: str, name: str, call: str
) -> None:
    first = faulty.put(key, SMALL)
    calls: dict[str, Callable[[], object]] = {
        "copy": lambda: faulty.store.copy_version(key, first, JPEG),
        "mark": lambda: faulty.store.mark_deleted(key),
        "remove": lambda: faulty.store.remove_version(key, first),
        "describe": lambda: faulty.store.describe(key, first),
        "list": lambda: faulty.versions(key),
        "unfinished": lambda: list(faulty.store.list_unfinished(key)),
    }
    fault(proxy, name, ("", ""))
    expected: tuple[type[ServiceError], ...] = (BackendUnavailable,)
    if name in PERMANENT:
        # A HEAD answer has no body, so S3 can not say there that it is the bucket that is missing.
        head_of_nothing = call == "describe" and name == "NoSuchBucket"
        expected = (ObjectNotFound,) if head_of_nothing else (BackendMisconfigured,)

    with pytest.raises(expected):
        calls[call]()
    proxy.clear()

    assert [v.version_id for v in faulty.versions(key)] == [first]


def test_check_tells_what_is_wrong(faulty: Case, proxy: FaultProxy, caplog: pytest.LogCaptureFixture) -> None:
    expectations = [("503", BackendUnavailable), ("late", BackendUnavailable), ("AccessDenied", BackendMisconfigured)]
    for name, expected in expectations:
        fault(proxy, name, ("", ""))
        begun = time.monotonic()
        with pytest.raises(expected):
            faulty.store.check()
        assert time.monotonic() - begun < 5.0
        proxy.clear()


def test_check_tolerates_that_it_may_not_read_the_versioning(
    faulty: Case, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fail("GET", "versioning", status=403, code="AccessDenied")

    with caplog.at_level(logging.WARNING, "services"):
        faulty.store.check()

    assert "versions is unknown" in caplog.text


def test_no_error_shows_what_only_operators_may_read(faulty: Case, proxy: FaultProxy, key: str) -> None:
    assert faulty.server is not None
    fault(proxy, "AccessDenied", PUT)

    with pytest.raises(BackendMisconfigured) as error:
        faulty.put(key, SMALL)

    assert faulty.server.options.bucket not in str(error.value)
    assert "AccessDenied" in error.value.detail
    assert error.value.__cause__ is None
