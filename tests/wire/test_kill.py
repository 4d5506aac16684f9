"""kill -9 of every process at random moments under load: what was acknowledged is there, whole, afterwards.

The load is streamed uploads, replacements, and uploads that go straight to the store.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.wire.conftest import Servers
from tests.wire.deployments import Deployment, deployed, kinds
from tests.wire.photos import photo
from tests.wire.server import LiveServer

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.timeout(300)]

ROUNDS = {"embedded": 20, "moto": 4}
THREADS = 8
SIZES = (100_000, 100_001, 150_000, 250_000, 600_000, 1_000_000, 2_500_000, 9_000_000)
WEIGHTS = (9, 9, 9, 6, 4, 3, 2, 1)
SEED = 20261121


@dataclass
class Promise:
    """One image: the digest that was acknowledged last, and those that were sent since without an answer."""

    acknowledged: str
    possible: set[str] = field(default_factory=set)


@dataclass
class Ledger:
    """What the service promised by its answers."""

    promises: dict[str, Promise] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)
    """Uploads straight to the store that were announced, and the digest of what was sent, answered or not."""
    uploads: int = 0
    settled: int = 0
    replacements: int = 0
    unanswered: int = 0


class Client(threading.Thread):
    """Uploads and replaces until the server is gone. Each image belongs to one client, so its order is known."""

    def __init__(self, url: str, ledger: Ledger, seed: int) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._ledger = ledger
        self._random = random.Random(seed)
        self.mine: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        with requests.Session() as session:
            try:
                while True:
                    self._one(session)
            except requests.RequestException:
                self._ledger.unanswered += 1

    def _one(self, session: requests.Session) -> None:
        content = photo(self._random.choices(SIZES, WEIGHTS)[0])
        digest = hashlib.sha256(content).hexdigest()
        chance = self._random.random()
        if chance > 0.75:
            self._direct(session, content, digest)
            return
        if self.mine and chance < 0.4:
            image_id = self._random.choice(self.mine)
            promise = self._ledger.promises[image_id]
            promise.possible.add(digest)
            answer = session.put(f"{self._url}/update/{image_id}", data=content, timeout=60)
            if self._expected(answer, 200):
                promise.acknowledged, promise.possible = digest, set()
                self._ledger.replacements += 1
            return
        answer = session.post(self._url + "/upload", files={"file": ("a.jpg", content)}, timeout=60)
        if self._expected(answer, 201):
            image_id = answer.json()["image_id"]
            self._ledger.promises[image_id] = Promise(digest)
            self.mine.append(image_id)
            self._ledger.uploads += 1

    def _direct(self, session: requests.Session, content: bytes, digest: str) -> None:
        begun = session.post(self._url + "/images/upload", json={"content_type": "image/jpeg"}, timeout=60)
        if not self._expected(begun, 201):
            return
        ticket = begun.json()
        image_id = ticket["image_id"]
        self._ledger.begun[image_id] = digest
        sent = session.put(ticket["upload_url"], data=content, headers=ticket["headers"], timeout=60)
        if not self._expected(sent, 200):
            return
        self._ledger.promises[image_id] = Promise(digest)
        if self._random.random() < 0.7:  # what nobody asks for before the kill is settled after it
            status = session.get(f"{self._url}/images/{image_id}/status", timeout=60)
            if self._expected(status, 200) and status.json()["status"] == "ready":
                self._ledger.settled += 1
                self.mine.append(image_id)

    def _expected(self, answer: requests.Response, status: int) -> bool:
        if answer.status_code != status:
            self.wrong.append(f"{answer.status_code}: {answer.text[:300]}")
        return answer.status_code == status


@pytest.fixture(params=kinds())
def deployment(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(request.param, tmp_path / "data", servers.s3(request.param)) as found:
        yield found


def test_what_was_answered_survives_kill_9(deployment: Deployment) -> None:
    moments = random.Random(SEED)
    ledger = Ledger()
    server = deployment.server
    for number in range(ROUNDS.get(deployment.kind, 4)):
        clients = [Client(server.base_url, ledger, SEED + number * THREADS + place) for place in range(THREADS)]
        known = set(ledger.promises)
        for client in clients:
            client.start()
        time.sleep(moments.uniform(0.1, 1.4))
        server.kill()
        for client in clients:
            client.join(30)
            assert not client.is_alive()
            assert not client.wrong, client.wrong
        server = LiveServer(server.data_dir, server.env).start()
        try:
            touched = {image_id for client in clients for image_id in client.mine}
            verify(server, ledger, touched | (set(ledger.promises) - known))
            if deployment.kind == "embedded":
                assert not list(deployment.audit.store.unfinished()), "half-written files outlived the restart"
        except BaseException:
            server.kill()
            raise
    try:
        verify(server, ledger, set(ledger.promises))
        verify_begun(server, ledger)
        tidied_up(server, deployment)
        assert server.stop() == 0
    finally:
        if server.running:
            server.kill()
    assert ledger.uploads > 100 or deployment.kind != "embedded", ledger.uploads
    assert ledger.replacements > 20 or deployment.kind != "embedded", ledger.replacements
    assert ledger.settled > (20 if deployment.kind == "embedded" else 0), ledger.settled
    assert ledger.unanswered


def verify(server: LiveServer, ledger: Ledger, image_ids: set[str]) -> None:
    """Every promise is kept: the image is whole, and what was acknowledged last (or sent later) is current."""
    with ThreadPoolExecutor(4) as pool:
        for image_id, found in pool.map(lambda image_id: (image_id, _digest(server, image_id)), sorted(image_ids)):
            promise = ledger.promises[image_id]
            assert found in {promise.acknowledged, *promise.possible}, f"{image_id} is {found}, promised {promise}"
            promise.acknowledged, promise.possible = found, set()


def verify_begun(server: LiveServer, ledger: Ledger) -> None:
    """What was announced and whose bytes nobody acknowledged is pending, or there and whole; never refused or gone."""
    for image_id in sorted(ledger.begun.keys() - ledger.promises.keys()):
        answer = requests.get(f"{server.base_url}/images/{image_id}/status", timeout=60)
        assert answer.status_code == 200, f"{image_id}: {answer.status_code} {answer.text[:300]}"
        status = answer.json()["status"]
        assert status in ("pending", "ready"), f"{image_id} is {answer.json()}"
        if status == "ready":
            assert _digest(server, image_id) == ledger.begun[image_id]


def tidied_up(server: LiveServer, deployment: Deployment) -> None:
    """What died between two steps left room taken and nothing worse, and the operators' commands give it back."""
    ingest = server.command("ingest", "--once")
    assert ingest.returncode == 0, ingest.stderr
    assert not [key for key, _ in deployment.audit.store.objects() if key.startswith("pending/")]
    doctor = server.command("doctor", "--remove", "--grace", "0.2")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert " 0 lost" in doctor.stderr
    deployment.audit.matched()


def _digest(server: LiveServer, image_id: str) -> str:
    with requests.get(f"{server.base_url}/image/{image_id}", timeout=60) as answer:
        assert answer.status_code == 200, f"{image_id}: {answer.status_code} {answer.text[:300]}"
        return hashlib.sha256(answer.content).hexdigest()
