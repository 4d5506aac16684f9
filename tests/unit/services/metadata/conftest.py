from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from services.metadata.engine import make_engine
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository
from tests.contract.image_repository import databases


@pytest.fixture(params=databases.ALL)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, of each kind."""
    with databases.empty(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def empty_engine(empty_url: str) -> Iterator[Engine]:
    engine = make_engine(empty_url, durable=False)
    yield engine
    engine.dispose()


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    """A database with its tables, of each kind."""
    upgrade(empty_engine, lock_path=None)
    return empty_engine


@pytest.fixture
def repository(engine: Engine) -> SqlImageRepository:
    return SqlImageRepository(engine)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite database with its tables."""
    url = f"sqlite:///{tmp_path / 'images.db'}"
    databases.migrate(url)
    return url


@pytest.fixture
def postgres_url(tmp_path: Path) -> Iterator[str]:
    """A PostgreSQL schema with its tables."""
    if not databases.POSTGRES_URL:
        pytest.skip("TEST_POSTGRES_URL is not set")
    with databases.empty("postgres", tmp_path) as url:
        databases.migrate(url)
        yield url
