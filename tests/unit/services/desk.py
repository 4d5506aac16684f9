"""Direct uploads over a world, and the client that sends bytes to its store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from services.direct import DirectUploads, Ticket
from services.limits import UploadLimits
from services.models import ObjectAttributes
from tests import images
from tests.unit.services.world import ME, World
from utils.clock import utc_now

JPEG = images.jpeg()
PNG = images.png()
HTML = b"<!doctype html><title>x</title><script>alert(1)</script>" * 10


class Clock:
    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


class Desk:
    """Direct uploads over a world, and the client that sends bytes to its store."""

    def __init__(self, world: World, **parts: Any) -> None:
        self.world = world
        self.clock = Clock()
        limits = UploadLimits(parts.pop("max_file_size", 10**6), parts.pop("max_pixels", 10**6))
        self.direct = DirectUploads(
            parts.pop("store", world.store),
            parts.pop("urls", world.store),
            parts.pop("rows", world.rows),
            limits=limits,
            clock=self.clock,
            expiration=600,
            **parts,
        )

    def begin(self, content_type: str = "image/jpeg", **given: Any) -> Ticket:
        return self.direct.begin(given.pop("caller", ME), content_type=content_type, **given)

    def send(self, ticket: Ticket, data: bytes, key: str | None = None) -> None:
        writer = self.world.store.writer(
            key or ticket.upload.object_key, ObjectAttributes(ticket.headers["Content-Type"])
        )
        writer.write(data)
        writer.commit()

    def arrived(self, data: bytes, content_type: str = "image/jpeg", **given: Any) -> Ticket:
        ticket = self.begin(content_type, **given)
        self.send(ticket, data)
        return ticket

    def pending_objects(self) -> list[str]:
        return [version.key for version in self.world.store.list_versions("pending/")]
