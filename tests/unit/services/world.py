"""What the suites of the core act in: the real embedded store and a real database, and ways to break either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.images import Images
from services.limits import UploadLimits
from services.metadata.engine import make_engine
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository
from services.models import Caller, Image, UploadFields
from services.storage.filesystem import FileStore
from services.uploads import Uploads
from utils.budget import MemoryBudget
from utils.clock import utc_now

ME = Caller("me")


class World:
    """A store and a database on disk, and what they hold."""

    def __init__(self, root: Path) -> None:
        self.store = FileStore(root / "objects", secret="s", clock=utc_now)
        self.engine = make_engine(f"sqlite:///{root}/rows.sqlite3")
        upgrade(self.engine, lock_path=None)
        self.rows = SqlImageRepository(self.engine)

    def uploads(
        self, repository: Any = None, store: Any = None, *, max_file_size: int = 10**7, max_pixels: int = 10**7
    ) -> Uploads:
        bounds = UploadLimits(max_file_size, max_pixels)
        budget = MemoryBudget(64 * 1024 * 1024)
        return Uploads(store or self.store, repository or self.rows, limits=bounds, budget=budget)

    def images(self, repository: Any = None) -> Images:
        return Images(self.store, repository or self.rows, self.store)

    def objects(self) -> list[tuple[str, bool]]:
        return [(version.version_id, version.deleted) for version in self.store.list_versions("images/")]

    def unfinished(self) -> list[str]:
        return list(self.store.list_unfinished("images/"))


class Breaking:
    """Delegates, but raises where it is told to, before or after the real step."""

    def __init__(self, inner: Any, method: str, error: Exception, *, after: bool = False, times: int = 99) -> None:
        self._inner, self._method, self._error, self._after, self._times = inner, method, error, after, times

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._inner, name)
        if name != self._method:
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            broken = self._times > 0
            self._times -= 1
            if broken and not self._after:
                raise self._error
            result = real(*args, **kwargs)
            if broken:
                raise self._error
            return result

        return call


def store(uploads: Uploads, data: bytes, fields: UploadFields | None = None) -> Image:
    with uploads.new(ME, filename="a.jpg") as upload:
        upload.write(data)
        return upload.commit(fields)
