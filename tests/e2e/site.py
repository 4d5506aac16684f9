"""The service behind the pages, as gunicorn runs it, with a proxy before it that goes wrong on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests import images
from tests.faultproxy import FaultProxy
from tests.wire.server import LiveServer

MAX_FILE_SIZE = 1_000_000


@dataclass(frozen=True)
class Site:
    """``url`` is the proxy's, which browsers use; set-up goes straight to the server."""

    server: LiveServer
    proxy: FaultProxy

    @property
    def url(self) -> str:
        return self.proxy.url

    def page(self, label: str) -> str:
        return f"{self.url}/{label}"

    def listed(self, label: str) -> list[dict[str, Any]]:
        """All of a label's images, newest first, as the API lists them."""
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 100}
        while True:
            page = self.ask("GET", f"/api/images/{label}", params=query)
            found += page["images"]
            if page["cursor"] is None:
                return found
            query["cursor"] = page["cursor"]

    def names(self, label: str) -> list[str]:
        return [image["original_filename"] for image in self.listed(label)]

    def store(self, label: str, name: str, data: bytes, **fields: str) -> str:
        """Upload an image through the API; returns its key."""
        path = f"/upload/{label}"
        return str(self.ask("POST", path, files={"file": (name, data)}, data=fields)["key"])

    def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = requests.request(method, self.server.base_url + path, timeout=20, **options)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def running(data_dir: Path) -> Iterator[Site]:
    """The service on its embedded store; stopped at the end."""
    server = LiveServer(data_dir, {"MAX_FILE_SIZE": str(MAX_FILE_SIZE), "WEB_CONCURRENCY": "1"}).start()
    try:
        with FaultProxy(server.base_url) as proxy:
            yield Site(server, proxy)
    finally:
        server.kill()


def photos(folder: Path, count: int, *, size: int = 120_000, first: int = 1) -> list[Path]:
    """Different JPEG files of about ``size`` bytes, ``photo-1.jpg`` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(first, first + count):
        path = folder / f"photo-{number}.jpg"
        path.write_bytes(images.pad_jpeg(images.saved(images.raster(64, 48, noise=True, seed=number), "JPEG"), size))
        paths.append(path)
    return paths


def tiny_images(folder: Path, count: int) -> Path:
    """A folder with ``count`` different small PNG files in two folders below it."""
    for number in range(count):
        path = folder / ("even" if number % 2 == 0 else "odd") / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(images.saved(images.raster(8, 8, noise=True, seed=number), "PNG"))
    return folder
