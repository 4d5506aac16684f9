"""Listings that are streamed: whole, or seen not to be."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.wire.server import LiveServer

pytestmark = pytest.mark.wire

IMAGES = 3000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    running = LiveServer(tmp_path_factory.mktemp("listings") / "data", {"WEB_CONCURRENCY": "1"}).start()
    yield running
    assert running.stop() == 0


def multiplied(database: Path, label: str) -> None:
    """Make ``IMAGES`` images of the one that is there, by SQL alone: this suite imports nothing of the service."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ("images", "image_versions"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            made = {"image_id": "printf('%08x-0000-4000-8000-000000000000', number)", "owner": f"'{label}'"}
            columns = ", ".join(made.get(name, name) for name in names)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(names)}) WITH RECURSIVE numbers(number) AS "
                f"(SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {IMAGES}) "
                f"SELECT {columns} FROM (SELECT * FROM {table} LIMIT 1), numbers"
            )


@pytest.fixture(scope="module")
def label(server: LiveServer) -> str:
    photo = (Path(__file__).parents[1] / "data" / "rocket.jpg").read_bytes()
    stored = requests.post(server.base_url + "/upload/first", files={"file": ("a.jpg", photo)}, timeout=30)
    assert stored.status_code == 201
    multiplied(server.data_dir / "metadata.sqlite3", "many")
    return "many"


def test_all_images_of_a_label_come_in_one_answer(server: LiveServer, label: str) -> None:
    with requests.get(f"{server.base_url}/api/images/{label}", timeout=60) as answer:
        body = answer.json()
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert (body["count"], len(body["images"]), body["next"]) == (IMAGES, IMAGES, None)
    assert len({image["key"] for image in body["images"]}) == IMAGES


def test_an_answer_that_breaks_off_is_seen_to(server: LiveServer, label: str) -> None:
    """The database fails while the client is slow to read: the last chunk is missing (RFC 9112, 8)."""
    database = server.data_dir / "metadata.sqlite3"
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(30)
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(f"GET /api/images/{label} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        received = slow.recv(1000)
        assert received.startswith(b"HTTP/1.1 200 ")
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("ALTER TABLE images RENAME TO gone")
        try:
            while data := slow.recv(65536):
                received += data
        finally:
            with closing(sqlite3.connect(database)) as connection, connection:
                connection.execute("ALTER TABLE gone RENAME TO images")
    assert not received.endswith(b"0\r\n\r\n")
    assert b'"count"' not in received
    assert requests.get(f"{server.base_url}/api/images/{label}?limit=1", timeout=30).status_code == 200
