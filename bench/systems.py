"""The systems under comparison: how each is started, and what a request to it looks like."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from bench.processes import Service, free_port, running
from bench.s3 import ROOT, S3Server

BOUNDARY = "----bench-7d1f0c"
_PATHS = ("HOME", "PATH", "LANG", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class HttpSystem:
    """A service with ``POST /upload`` and ``GET /image/<key>``."""

    name: str
    service: Service
    folder: Path

    def upload_heads(self, body_size: int) -> tuple[list[str], bool]:
        """Heads for uploads of a form of ``body_size`` bytes, and whether each may be used once only."""
        return [
            f"POST /upload HTTP/1.1\r\nHost: 127.0.0.1:{self.service.port}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {body_size}\r\n\r\n"
        ], False

    def read_head(self, key: str) -> str:
        """The head of a request for one image."""
        return f"GET /image/{key} HTTP/1.1\r\nHost: 127.0.0.1:{self.service.port}\r\n\r\n"

    def store(self, image: bytes) -> str:
        """Upload one image and read it back whole; returns its key."""
        address = f"http://127.0.0.1:{self.service.port}"
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        with urlopen(Request(f"{address}/upload", form(image), kind)) as answer:
            key = json.load(answer)["key"]
        with urlopen(f"{address}/image/{key}") as answer:
            if answer.read() != image:
                raise RuntimeError(f"{self.name} did not return the bytes that it was given")
        return str(key)


@dataclass(frozen=True, slots=True)
class Direct:
    """The limit: presigned URLs, straight to the S3 server."""

    name: str
    server: S3Server
    service: Service

    def upload_heads(self, body_size: int) -> tuple[list[str], bool]:
        """Heads of presigned PUTs, each for a key of its own: signed here, before the clock starts."""
        count = min(8000, 400 + 1_500_000_000 // body_size)
        length = f"Content-Length: {body_size}\r\n"
        return [self._head("PUT", _new_key(), length) for _ in range(count)], True

    def read_head(self, key: str) -> str:
        """The head of a presigned GET."""
        return self._head("GET", key, "")

    def store(self, image: bytes) -> str:
        """Put one image; returns its key."""
        key = _new_key()
        url = self.server.endpoint + self.server.presign("PUT", "limit", key)
        urlopen(Request(url, image, {"Content-Type": "image/jpeg"}, method="PUT")).close()
        return key

    def _head(self, method: str, key: str, more: str) -> str:
        target = self.server.presign(method, "limit", key)
        return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.service.port}\r\n{more}\r\n"


System = HttpSystem | Direct


def form(image: bytes) -> bytes:
    """A ``multipart/form-data`` body with the image in the field ``file``."""
    head, tail = form_frame()
    return head + image + tail


def form_frame() -> tuple[bytes, bytes]:
    """What stands before and after the file in a form."""
    disposition = 'Content-Disposition: form-data; name="file"; filename="photo.jpg"'
    head = f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    return head.encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


@contextmanager
def ours(
    server: S3Server, folder: Path, *, tree: Path = ROOT, name: str = "ours", **settings: str
) -> Iterator[HttpSystem]:
    """The project's service, as ``make run`` starts it, with metadata in SQLite.

    :param tree: a checkout of the project.
    :param settings: more environment variables.
    """
    port = free_port()
    home = folder / name
    for each in ("cwd", "tmp"):
        (home / each).mkdir(parents=True)
    environment = _environment(server, name) | {
        "DATA_DIR": str(home / "data"), "HOST": "127.0.0.1", "PORT": str(port), "TMPDIR": str(home / "tmp"),
        "PYTHONPATH": str(tree),
    } | settings  # fmt: skip
    command = [sys.executable, "-m", "gunicorn", "-c", str(tree / "gunicorn.conf.py"), "app:create_app()"]
    # An empty working directory: a developer's .env must not change what is measured.
    with running(name, command, port=port, folder=home, environment=environment, cwd=home / "cwd") as service:
        yield HttpSystem(name, service, home)


@contextmanager
def naive(server: S3Server, folder: Path) -> Iterator[HttpSystem]:
    """The yardstick, with as many workers and threads as ours and gunicorn's own threaded worker."""
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", str(min(os.cpu_count() or 1, 4)),
        "--threads", "512", "--worker-class", "gthread", "--worker-connections", "1024", "--keep-alive", "75",
        # gunicorn's own choice depends on what else is installed; ours never is the C parser either.
        "--http-parser", "python", "--worker-tmp-dir", "/dev/shm", "bench.naive:create_app()",
    ]  # fmt: skip
    environment = _environment(server, "naive") | {"PYTHONPATH": str(ROOT)}
    home = folder / "naive"
    with running("naive", command, port=port, folder=home, environment=environment) as service:
        yield HttpSystem("naive", service, home)


def limit(server: S3Server) -> Direct:
    """The S3 server itself."""
    return Direct("limit", server, server.service)


def _new_key() -> str:
    """An object key as this service makes them, so that the S3 server has the same work."""
    return f"images/{uuid.uuid4()}/photo.jpg"


def _environment(server: S3Server, bucket: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PATHS if name in os.environ}
    return kept | server.environment() | {"S3_BUCKET": bucket, "PYTHONUNBUFFERED": "1"}
