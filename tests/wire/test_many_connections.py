"""More connections than a worker can take: the ones that say nothing give way, and no worker ends."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.wire.logcheck import assert_clean_log
from tests.wire.photos import photo
from tests.wire.rawhttp import FORM_TYPE, RawClient, file_form, length_of
from tests.wire.server import LiveServer
from tests.wire.test_slow_clients import Tricklers

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.mark.parametrize("known", [True, False], ids=["known at the start", "lowered later"])
def test_more_connections_than_files_may_be_open_end_no_worker(tmp_path: Path, known: bool) -> None:
    """A worker that ends for the want of a descriptor takes every running upload with it."""
    body = file_form(photo(200_000))
    server = LiveServer(
        tmp_path / "data", {"WEB_CONCURRENCY": "1", "THREADS": "64"}, descriptors=300 if known else None
    )
    with _started(server), RawClient(server.base_url) as client:
        processes = server.pids()
        if not known:
            resource.prlimit(processes[1], resource.RLIMIT_NOFILE, (300, 300))
        client.request("POST", "/upload", [FORM_TYPE, length_of(body)], body[:1000])
        with _silent(server, 450):
            time.sleep(1)
            assert requests.get(server.base_url + "/health", timeout=10).status_code == 200
            client.send(body[1000:])
            answer = client.answer()
            assert answer.status == 201, answer.body
            assert requests.get(server.base_url + "/health", timeout=10).status_code == 200
        assert server.pids() == processes, server.stdout[-10:]
        assert_clean_log(server, ())
        warnings = [record["message"] for record in server.records() if record["levelname"] == "WARNING"]
    assert len(warnings) == 1, warnings
    assert "300" in warnings[0] if known else "Too many open files" in warnings[0]


def test_slow_uploads_leave_each_other_the_files_that_they_need(tmp_path: Path) -> None:
    """Each needs its connection and what the store opens for it."""
    server = LiveServer(tmp_path / "data", {"WEB_CONCURRENCY": "1"}, descriptors=600)
    with _started(server):
        tricklers = Tricklers(server.base_url, 260, 1000, burst=50_000)
        time.sleep(3)
        assert tricklers.alive() == 260, "slow uploads were refused"
        tricklers.stop()
        assert_clean_log(server, ())


def test_a_soft_limit_of_files_is_raised(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    server = LiveServer(tmp_path / "data", {"WEB_CONCURRENCY": "1"})
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        with _started(server):
            for pid in server.pids():
                assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] >= min(hard, 4096)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_more_silent_connections_than_a_worker_takes_lock_nobody_out(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", {"WEB_CONCURRENCY": "1", "THREADS": "64"})
    with _started(server), RawClient(server.base_url) as kept:
        kept.request("GET", "/health")
        assert kept.answer().status == 200
        with _silent(server, 1500):
            times = []
            for _ in range(5):
                started = time.monotonic()
                assert requests.get(server.base_url + "/health", timeout=30).status_code == 200
                kept.request("GET", "/health")
                assert kept.answer().status == 200, "an honest client had to give way to silent ones"
                times.append(time.monotonic() - started)
        assert_clean_log(server, ())
    assert max(times) < 5, times
    assert min(times) < 1, times


def test_a_connection_without_its_first_byte_is_closed_long_before_an_idle_one(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", {"WEB_CONCURRENCY": "1"})
    with _started(server), RawClient(server.base_url) as kept, RawClient(server.base_url) as silent:
        kept.request("GET", "/health")
        assert kept.answer().status == 200
        assert 8 < silent.seconds_until_closed(timeout=20) < 14
        kept.request("GET", "/health")
        assert kept.answer().status == 200


@contextmanager
def _started(server: LiveServer) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.kill()


@contextmanager
def _silent(server: LiveServer, count: int) -> Iterator[list[RawClient]]:
    """Connections that never say a word."""
    with ExitStack() as stack:
        yield [stack.enter_context(RawClient(server.base_url)) for _ in range(count)]
