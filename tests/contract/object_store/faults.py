"""The ways in which S3 goes wrong, by name, and what a store must look like afterwards."""

from __future__ import annotations

from collections.abc import Callable

from tests.contract.object_store.conftest import PART, Case
from tests.faultproxy import FaultProxy

SMALL = b"small" * 1000
LARGE = b"large" * (PART * 2 // 5 + 1)  # three parts, the last one small
CREATE, SEND, COMPLETE = ("POST", r"\?uploads"), ("PUT", "partNumber="), ("POST", "uploadId=")
PUT = ("PUT", r"photo\.jpg$")


def fault(proxy: FaultProxy, name: str, target: tuple[str, str], times: int | None = None) -> None:
    kinds: dict[str, Callable[[], object]] = {
        "500": lambda: proxy.fail(*target, status=500, code="InternalError", times=times),
        "503": lambda: proxy.fail(*target, status=503, code="ServiceUnavailable", times=times),
        "SlowDown": lambda: proxy.fail(*target, status=503, code="SlowDown", times=times),
        "AccessDenied": lambda: proxy.fail(*target, status=403, code="AccessDenied", times=times),
        "NoSuchBucket": lambda: proxy.fail(*target, status=404, code="NoSuchBucket", times=times),
        "cut before": lambda: proxy.cut_request(*target, times=times),
        "cut after": lambda: proxy.cut_answer(*target, times=times),
        "cut inside": lambda: proxy.cut_body(*target, times=times),
        "late": lambda: proxy.delay(*target, seconds=3.5, times=times),
    }
    kinds[name]()


TRANSIENT = ["500", "503", "SlowDown", "cut before", "cut after", "late"]
PERMANENT = ["AccessDenied", "NoSuchBucket"]


def assert_one(case: Case, key: str, version_id: str, body: bytes) -> None:
    assert [v.version_id for v in case.versions(key)] == [version_id]
    assert case.get(key, version_id) == body
    assert list(case.store.list_unfinished(key)) == []
