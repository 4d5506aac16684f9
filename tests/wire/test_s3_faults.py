"""S3 going wrong under each operation: a clear answer in bounded time, nothing left, the former state still there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.faultproxy import FaultProxy
from tests.wire.deployments import Deployment
from tests.wire.photos import photo
from tests.wire.problems import assert_problem

pytestmark = pytest.mark.wire

PATIENCE = 20.0
BIG = 9 * 1024 * 1024
OBJECT = "/images/"


@pytest.fixture
def proxy(on_s3: Deployment) -> Iterator[FaultProxy]:
    assert on_s3.proxy
    yield on_s3.proxy
    on_s3.proxy.clear()


@pytest.fixture
def stored(on_s3: Deployment) -> dict[str, Any]:
    content = photo()
    answer = requests.post(on_s3.url + "/upload", files={"file": ("a.jpg", content)}, timeout=30)
    assert answer.status_code == 201, answer.text
    return {**answer.json(), "content": content}


Fault = Callable[[FaultProxy, str, str], object]

PERSISTENT: dict[str, tuple[Fault, int]] = {
    "500": (lambda proxy, method, path: proxy.fail(method, path, status=500, code="InternalError"), 503),
    "503": (lambda proxy, method, path: proxy.fail(method, path, status=503, code="SlowDown"), 503),
    "cut before": (lambda proxy, method, path: proxy.cut_request(method, path), 503),
    "cut after": (lambda proxy, method, path: proxy.cut_answer(method, path), 503),
    "AccessDenied": (lambda proxy, method, path: proxy.fail(method, path, status=403, code="AccessDenied"), 500),
    "NoSuchBucket": (lambda proxy, method, path: proxy.fail(method, path, status=404, code="NoSuchBucket"), 500),
}
WRITES: dict[str, tuple[str, str, int]] = {
    "one part": ("PUT", OBJECT, 300_000),
    "begin": ("POST", r"\?uploads", BIG),
    "a part": ("PUT", "partNumber=1", BIG),
    "the last part": ("PUT", "partNumber=2", BIG),
    "complete": ("POST", "uploadId=", BIG),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("fault", PERSISTENT)
def test_an_upload_fails_cleanly(on_s3: Deployment, proxy: FaultProxy, fault: str, write: str) -> None:
    method, path, size = WRITES[write]
    break_it, status = PERSISTENT[fault]
    content = photo(size)
    before = on_s3.audit.holdings()
    break_it(proxy, method, path)
    answer = _timed(lambda: requests.post(on_s3.url + "/upload", files={"file": ("a.jpg", content)}, timeout=60))
    proxy.clear()
    if fault == "cut after" and answer.status_code == 201:
        # The object is there, only S3's answer was lost: to find it again is better than an error.
        assert requests.get(f"{on_s3.url}/image/{answer.json()['key']}", timeout=30).content == content
        on_s3.audit.consistent()
        return
    assert_problem(answer, status, secrets=on_s3.secrets)
    assert on_s3.audit.holdings() == before


@pytest.mark.parametrize("write", ["one part", "complete"])
@pytest.mark.parametrize("fault", PERSISTENT)
def test_a_replacement_fails_cleanly(
    on_s3: Deployment, proxy: FaultProxy, stored: dict[str, Any], fault: str, write: str
) -> None:
    method, path, size = WRITES[write]
    break_it, status = PERSISTENT[fault]
    before = on_s3.audit.holdings()
    break_it(proxy, method, path)
    content = photo(size)
    answer = _timed(lambda: requests.put(f"{on_s3.url}/update/{stored['key']}", data=content, timeout=60))
    proxy.clear()
    current = requests.get(f"{on_s3.url}/image/{stored['key']}", timeout=30).content
    if fault == "cut after" and answer.status_code == 200:
        assert current == content
        on_s3.audit.consistent()
        return
    assert_problem(answer, status, secrets=on_s3.secrets)
    assert current == stored["content"]
    assert on_s3.audit.holdings() == before


@pytest.mark.parametrize("operation", ["delete", "restore"])
@pytest.mark.parametrize("fault", PERSISTENT)
def test_a_change_fails_cleanly(
    on_s3: Deployment, proxy: FaultProxy, stored: dict[str, Any], fault: str, operation: str
) -> None:
    break_it, status = PERSISTENT[fault]
    before = on_s3.audit.holdings()
    break_it(proxy, "DELETE" if operation == "delete" else "PUT", OBJECT)

    def change() -> requests.Response:
        if operation == "delete":
            return requests.delete(f"{on_s3.url}/delete/{stored['key']}", timeout=60)
        body = {"version_id": stored["version_id"]}
        return requests.post(f"{on_s3.url}/image/{stored['key']}/restore", json=body, timeout=60)

    answer = _timed(change)
    proxy.clear()
    if fault == "cut after" and answer.status_code == 200:
        on_s3.audit.consistent()
        return
    assert_problem(answer, status, secrets=on_s3.secrets)
    assert requests.get(f"{on_s3.url}/image/{stored['key']}", timeout=30).content == stored["content"]
    assert on_s3.audit.holdings() == before


@pytest.mark.parametrize("fault", PERSISTENT)
def test_a_read_fails_cleanly(on_s3: Deployment, proxy: FaultProxy, stored: dict[str, Any], fault: str) -> None:
    break_it, status = PERSISTENT[fault]
    break_it(proxy, "GET", OBJECT)
    answer = _timed(lambda: requests.get(f"{on_s3.url}/image/{stored['key']}", timeout=60))
    assert_problem(answer, status, secrets=on_s3.secrets)
    # What needs only the row works on.
    assert requests.head(f"{on_s3.url}/image/{stored['key']}", timeout=10).status_code == 200
    proxy.clear()
    assert requests.get(f"{on_s3.url}/image/{stored['key']}", timeout=30).content == stored["content"]


def test_a_read_that_is_cut_half_way_is_never_taken_for_whole(
    on_s3: Deployment, proxy: FaultProxy, stored: dict[str, Any]
) -> None:
    proxy.cut_body("GET", OBJECT, after=30_000)
    with pytest.raises(requests.RequestException):
        answer = _timed(lambda: requests.get(f"{on_s3.url}/image/{stored['key']}", timeout=60))
        assert answer.content != stored["content"], "the fault did nothing"
        answer.raise_for_status()


@pytest.mark.parametrize("fault", ["500", "503", "cut before", "cut after"])
@pytest.mark.parametrize("write", WRITES)
def test_one_hiccup_is_retried(on_s3: Deployment, proxy: FaultProxy, fault: str, write: str) -> None:
    method, path, size = WRITES[write]
    content = photo(size)
    faults: dict[str, Callable[[], object]] = {
        "500": lambda: proxy.fail(method, path, status=500, code="InternalError", times=1),
        "503": lambda: proxy.fail(method, path, status=503, code="SlowDown", times=1),
        "cut before": lambda: proxy.cut_request(method, path, times=1),
        "cut after": lambda: proxy.cut_answer(method, path, times=1),
    }
    faults[fault]()
    answer = _timed(lambda: requests.post(on_s3.url + "/upload", files={"file": ("a.jpg", content)}, timeout=60))
    assert answer.status_code == 201, answer.text
    assert requests.get(f"{on_s3.url}/image/{answer.json()['key']}", timeout=30).content == content
    on_s3.audit.consistent()


@pytest.mark.parametrize("operation", ["upload", "update", "read", "delete", "restore"])
def test_a_slow_store_is_waited_for(
    on_s3: Deployment, proxy: FaultProxy, stored: dict[str, Any], operation: str
) -> None:
    proxy.delay("", OBJECT, seconds=1.5, times=1)
    key, body = stored["key"], {"version_id": stored["version_id"]}
    calls: dict[str, Callable[[], requests.Response]] = {
        "upload": lambda: requests.post(on_s3.url + "/upload", files={"file": ("a.jpg", photo())}, timeout=60),
        "update": lambda: requests.put(f"{on_s3.url}/update/{key}", data=photo(), timeout=60),
        "read": lambda: requests.get(f"{on_s3.url}/image/{key}", timeout=60),
        "delete": lambda: requests.delete(f"{on_s3.url}/delete/{key}", timeout=60),
        "restore": lambda: requests.post(f"{on_s3.url}/image/{key}/restore", json=body, timeout=60),
    }
    started = time.monotonic()
    answer = _timed(calls[operation])
    assert answer.status_code in (200, 201), answer.text
    assert time.monotonic() - started >= 1.5
    on_s3.audit.consistent()


def test_readiness_names_the_store(on_s3: Deployment, proxy: FaultProxy) -> None:
    assert requests.get(on_s3.url + "/health/ready", timeout=20).status_code == 200
    proxy.fail(status=503)
    answer = _timed(lambda: requests.get(on_s3.url + "/health/ready", timeout=20))
    assert answer.status_code == 503
    assert "store" in answer.text
    assert "database" not in answer.json()["detail"]
    proxy.clear()
    assert requests.get(on_s3.url + "/health/ready", timeout=20).status_code == 200


def _timed(call: Callable[[], requests.Response]) -> requests.Response:
    started = time.monotonic()
    answer = call()
    assert time.monotonic() - started < PATIENCE, "the answer took too long"
    return answer
