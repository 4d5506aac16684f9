"""Deletes of one image at the same moment, over every store: one wins, and its delete marker stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from services.errors import ImageNotFound
from services.images import Images
from services.metadata.engine import make_engine
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository
from services.models import Caller, Image, ImageVersion
from tests.contract.object_store.conftest import Case

ME = Caller("somebody")
AT_ONCE = 3
LOSE_WRITES = ("moto", "versitygw")
"""Servers that lose one of two changes of the same key at the same moment: moto changes its lists of versions without a
lock, versitygw 1.8 removes versions that it was not asked to."""
ROUNDS = 10


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[SqlImageRepository]:
    engine = make_engine(f"sqlite:///{tmp_path}/rows.sqlite3")
    upgrade(engine, lock_path=None)
    yield SqlImageRepository(engine)
    engine.dispose()


def stored(case: Case, rows: SqlImageRepository, image_id: str) -> Image:
    key, now = f"images/{image_id}/photo.jpg", datetime.now(UTC)
    version = ImageVersion(case.put(key, b"abc"), "image/jpeg", 3, "0" * 64, 1, 1, 1, 1, now)
    image = Image(image_id, "somebody", key, "photo.jpg", "", "", (), now, now, version)
    rows.add(image)
    return image


def test_the_marker_of_the_delete_that_won_stays(
    case: Case, rows: SqlImageRepository, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    really_remove = case.store.remove_version

    def remove(key: str, version_id: str) -> None:
        removed.append(version_id)
        really_remove(key, version_id)

    monkeypatch.setattr(case.store, "remove_version", remove)
    images = Images(case.store, rows, case.store)

    for number in range(ROUNDS):
        image = stored(case, rows, f"{key.split('/')[1]}-{number}")
        together = Barrier(AT_ONCE)

        def delete(image_id: str = image.image_id, together: Barrier = together) -> bool:
            together.wait()
            try:
                images.delete(image_id, ME)
            except ImageNotFound:
                return False
            return True

        with ThreadPoolExecutor(AT_ONCE) as pool:
            won = [future.result() for future in [pool.submit(delete) for _ in range(AT_ONCE)]]

        assert sum(won) == 1
        recorded = {(version.version_id, version.deleted) for version in rows.versions(image.image_id)}
        assert len(recorded) == 2
        assert not {version_id for version_id, _ in recorded} & set(removed)
        if case.name not in LOSE_WRITES:
            assert {(version.version_id, version.deleted) for version in case.versions(image.object_key)} == recorded
