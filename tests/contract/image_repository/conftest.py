from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.metadata.engine import make_engine
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository
from services.ports import ImageRepository
from tests.contract.image_repository import databases


@pytest.fixture(params=databases.ALL)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with databases.empty(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def repository(database_url: str) -> Iterator[ImageRepository]:
    engine = make_engine(database_url, durable=False)
    upgrade(engine, lock_path=None)
    yield SqlImageRepository(engine)
    engine.dispose()
