"""Slow clients cost a thread each and nobody else anything; those that are too slow are ended."""

from __future__ import annotations

import selectors
import shutil
import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.wire.conftest import Servers
from tests.wire.deployments import Deployment, deployed
from tests.wire.logcheck import assert_clean_log
from tests.wire.photos import photo
from tests.wire.problems import assert_problem
from tests.wire.rawhttp import FORM_TYPE, RawClient, file_form, length_of

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.timeout(180)]

MIB = 1024 * 1024
RATE = 4096
"""MIN_UPLOAD_RATE of this server, in bytes per second."""


@pytest.fixture(scope="module")
def own(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("slow") / "data"
    with deployed("embedded", folder, servers.s3("embedded"), {"MIN_UPLOAD_RATE": str(RATE)}) as deployment:
        yield deployment


class Tricklers:
    """Many clients in one thread, each sending ``burst`` bytes of an upload at once, then ``rate`` bytes a second."""

    def __init__(self, url: str, count: int, rate: int, *, size: int = 200_000, burst: int = 300) -> None:
        body = file_form(photo(size))
        self.clients = [RawClient(url) for _ in range(count)]
        for client in self.clients:
            client.request("POST", "/upload", [FORM_TYPE, length_of(body)], body[:burst])
            client.sock.setblocking(False)
        self._body, self._step, self._begin = body, rate // 10, burst
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        place = self._begin
        while not self._stopped.wait(0.1):
            for client in self.clients:
                client.sock.send(self._body[place : place + self._step])
            place += self._step

    def alive(self) -> int:
        """How many have neither been answered nor closed."""
        with selectors.DefaultSelector() as selector:
            for client in self.clients:
                selector.register(client.sock, selectors.EVENT_READ)
            return len(self.clients) - len(selector.select(0))

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(5)
        for client in self.clients:
            client.close()


def test_two_hundred_trickling_uploads_delay_nobody(own: Deployment) -> None:
    """Also: a client that never reads its answers, twenty times over."""
    large = requests.post(own.url + "/upload", files={"file": ("a.jpg", photo(12 * MIB))}, timeout=60).json()
    with own.audit.nothing_left(within=15):
        deaf = [RawClient(own.url) for _ in range(20)]
        for client in deaf:
            client.request("GET", f"/image/{large['key']}")
        tricklers = Tricklers(own.url, 200, 1000)
        time.sleep(1.5)
        assert tricklers.alive() == 200, "slow uploads were ended early"
        times = []
        keys = []
        for _ in range(9):
            content = photo(100_000)
            started = time.monotonic()
            stored = requests.post(own.url + "/upload", files={"file": ("a.jpg", content)}, timeout=30)
            fetched = requests.get(f"{own.url}/image/{stored.json()['key']}", timeout=30)
            times.append(time.monotonic() - started)
            assert fetched.content == content
            keys.append(stored.json()["key"])
        assert tricklers.alive() == 200
        tricklers.stop()
        for client in deaf:
            client.reset()
        _forget(own, keys)
    assert statistics.median(times) < 1.0, times
    assert max(times) < 3.0, times


def test_clients_that_send_much_and_then_trickle_delay_nobody(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What a slow client has announced must not be set aside for it: only what it sent."""
    folder = tmp_path_factory.mktemp("burst") / "data"
    settings = {"MIN_UPLOAD_RATE": "512", "WEB_CONCURRENCY": "1"}
    with deployed("embedded", folder, servers.s3("embedded"), settings) as live:
        # The first image makes the folder that all share.
        requests.post(live.url + "/upload", files={"file": ("a.jpg", photo())}, timeout=60).raise_for_status()
        with live.audit.nothing_left(within=15):
            tricklers = Tricklers(live.url, 32, 1000, size=9_000_000, burst=300_000)
            time.sleep(1.5)
            times, keys = [], []
            try:
                for _ in range(5):
                    content = photo(1_200_000)
                    started = time.monotonic()
                    stored = requests.post(live.url + "/upload", files={"file": ("a.jpg", content)}, timeout=60)
                    times.append(time.monotonic() - started)
                    assert stored.status_code == 201, stored.text
                    keys.append(stored.json()["key"])
                assert tricklers.alive() == 32, "slow uploads were ended early"
            finally:
                tricklers.stop()
            _forget(live, keys)
        assert_clean_log(live.server, live.credentials)
    # A second is the aim; as much again is for a machine that others use as well.
    assert statistics.median(times) < 2.0, times


def test_a_client_that_is_too_slow_is_ended(own: Deployment) -> None:
    """Every kind of too slow at once, since each takes up to half a minute to show."""
    with own.audit.nothing_left(), ThreadPoolExecutor(8) as pool:
        running: dict[str, Future[Any]] = {
            "head": pool.submit(_trickle_head, own),
            "head on a kept connection": pool.submit(_trickle_head, own, warm=True),
            "below the rate": pool.submit(_trickle_body, own, RATE // 4, chunked=False),
            "below the rate, chunked": pool.submit(_trickle_body, own, RATE // 4, chunked=True),
            "below the rate after a burst": pool.submit(_trickle_body, own, RATE // 4, chunked=False, burst=300_000),
            "stalled": pool.submit(_trickle_body, own, 0, chunked=False),
            "above the rate": pool.submit(_trickle_whole, own, RATE * 3),
            "silent": pool.submit(_say_nothing, own),
        }
        results = {name: future.result(timeout=120) for name, future in running.items()}
        # The one that was fast enough is the only one that may stay.
        _forget(own, [results["above the rate"]])
    for name in ("head", "head on a kept connection"):
        assert 15 < results[name] < 27, (name, results[name])
    for name in ("below the rate", "below the rate, chunked", "stalled"):
        problem, seconds = results[name]
        assert problem["code"] == "client_too_slow"
        assert 25 < seconds < 37, (name, seconds)
    problem, seconds = results["below the rate after a burst"]
    assert problem["code"] == "client_too_slow"
    assert 25 < seconds < 67, seconds  # the burst pays for the window that it came in, not for more


def _trickle_head(own: Deployment, *, warm: bool = False) -> float:
    """Seconds until a head that never ends is cut off."""
    with RawClient(own.url) as client:
        if warm:
            client.request("GET", "/health")
            client.answer()
        client.sock.settimeout(0.5)
        client.send(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        started = time.monotonic()
        while time.monotonic() - started < 60:
            try:
                client.send(b"X-Slow: 1\r\n")
                if client.sock.recv(1000) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        return time.monotonic() - started


def _trickle_body(own: Deployment, rate: int, *, chunked: bool, burst: int = 0) -> tuple[dict[str, Any], float]:
    """The refusal of a body that comes at ``rate`` after its first ``burst`` bytes, and when it came."""
    body = file_form(photo(2 * MIB))
    with RawClient(own.url) as client:
        framing = ("Transfer-Encoding", "chunked") if chunked else length_of(body)
        started = time.monotonic()
        client.request("POST", "/upload", [FORM_TYPE, framing], body[:burst])
        stopped = threading.Event()

        def send() -> None:
            step = max(1, rate // 4)
            for place in range(burst, len(body), step):
                piece = body[place : place + step]
                if client.try_send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece) == 0:
                    return
                if stopped.wait(0.25 if rate else 90):
                    return

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        answer = client.answer(timeout=90)
        seconds = time.monotonic() - started
        stopped.set()
        sender.join(5)
        return assert_problem(answer, 408, secrets=own.secrets), seconds


def _trickle_whole(own: Deployment, rate: int) -> str:
    """A slow but honest upload of 35 seconds; its key."""
    content = photo(rate * 35)
    body = file_form(content)
    with RawClient(own.url) as client:
        client.request("POST", "/upload", [FORM_TYPE, length_of(body)])
        step = rate // 4
        client.send(*[body[place : place + step] for place in range(0, len(body), step)], pause=0.25)
        answer = client.answer(timeout=30)
        assert answer.status == 201, answer.body
        return str(answer.problem["key"])


def _say_nothing(own: Deployment) -> None:
    """Connections that never say a word must not keep others from being served."""
    silent = [RawClient(own.url) for _ in range(100)]
    for _ in range(10):
        assert requests.get(own.url + "/health", timeout=2).status_code == 200
        time.sleep(0.5)
    for client in silent:
        client.close()


def _forget(own: Deployment, keys: list[str]) -> None:
    """Remove every trace of images, so that what is left over shows."""
    with sqlite3.connect(own.audit.database, timeout=10) as connection:
        for key in keys:
            image_id = key.partition(".")[0]
            connection.execute("DELETE FROM image_versions WHERE image_id = ?", (image_id,))
            connection.execute("DELETE FROM images WHERE image_id = ?", (image_id,))
            shutil.rmtree(own.server.data_dir / "objects" / "images" / image_id)
    connection.close()
