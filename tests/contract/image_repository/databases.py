"""Empty SQL databases for tests: a SQLite file, or a schema of its own in the PostgreSQL of ``TEST_POSTGRES_URL``."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import delete, make_url

from services.metadata.engine import Writer, make_engine
from services.metadata.migrate import upgrade
from services.metadata.tables import metadata

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "")

POSTGRES_MARKS = [
    pytest.mark.postgres,
    pytest.mark.skipif(not POSTGRES_URL, reason="TEST_POSTGRES_URL is not set"),
]

ALL = ["sqlite", pytest.param("postgres", marks=POSTGRES_MARKS)]


@contextmanager
def empty(kind: str, directory: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if kind == "sqlite":
        yield f"sqlite:///{directory / 'images.db'}"
        return
    schema = f"test_{uuid.uuid4().hex}"
    run_on_postgres(f"CREATE SCHEMA {schema}")
    try:
        url = make_url(POSTGRES_URL).update_query_dict({"options": f"-c search_path={schema}"})
        yield url.render_as_string(hide_password=False)
    finally:
        run_on_postgres(f"DROP SCHEMA {schema} CASCADE")


def migrate(url: str) -> None:
    """Make the tables of the database at ``url``."""
    engine = make_engine(url, durable=False)
    upgrade(engine, lock_path=None)
    engine.dispose()


def clear(url: str) -> None:
    """Remove every row of a migrated database."""
    engine = make_engine(url, durable=False)
    with Writer(engine).begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
    engine.dispose()


def run_on_postgres(statement: str) -> None:
    url = make_url(POSTGRES_URL).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
