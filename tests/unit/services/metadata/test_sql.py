"""What is particular to the SQL repository; what it has in common with others is in ``tests/contract``."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, text

from services.errors import VersionConflict
from services.metadata.sql import SqlImageRepository
from services.metadata.tables import image_versions, images
from tests.contract.image_repository.samples import an_image, with_current

ROOT = Path(__file__).resolve().parents[4]


def assert_whole(engine: Engine) -> None:
    """Every image has its current version, every version its image, and the sequences have no gaps."""
    columns = image_versions.c
    if engine.dialect.name == "postgresql":
        # The server may still be committing what a killed client had sent.
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        current = connection.execute(select(images.c.image_id, images.c.sequence, images.c.version_id)).all()
        written = connection.execute(select(columns.image_id, columns.sequence, columns.version_id)).all()
    by_image: dict[str, list[int]] = defaultdict(list)
    for image_id, sequence, _ in written:
        by_image[image_id].append(sequence)
    assert by_image.keys() == {row.image_id for row in current}
    assert {tuple(row) for row in current} <= {tuple(row) for row in written}
    for image_id, newest, _ in current:
        assert sorted(by_image[image_id]) == list(range(1, newest + 1))


def test_sequences_have_no_gaps_after_conflicts_and_failures(repository: SqlImageRepository, engine: Engine) -> None:
    image = an_image()
    repository.add(image)

    def attempt(racer: int) -> None:
        for number in range(20):
            found = repository.get(image.image_id)
            assert found is not None
            try:
                repository.replace(with_current(image, f"{racer}.{number}"), expected_revision=found.revision)
            except VersionConflict:
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(8)))
    with pytest.raises(VersionConflict):
        repository.replace(image, expected_revision=1)
    assert_whole(engine)
    assert len(repository.versions(image.image_id)) > 20


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_answered(empty_url: str, repository: SqlImageRepository, engine: Engine) -> None:
    answered = 0
    for _ in range(8):
        for line in written_until_killed(empty_url):
            image_id, version_id = line.split()
            assert repository.version(image_id, version_id) is not None
            image = repository.get(image_id)
            assert image is not None
            assert image.current.version_id >= version_id
            answered += 1
        assert_whole(engine)
    assert answered > 100
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def written_until_killed(url: str) -> list[str]:
    """The answered writes of a process that was killed at a random moment."""
    command = [sys.executable, "-m", "tests.unit.services.metadata.writing", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, "the writing process did not start"
        time.sleep(random.uniform(0.01, 0.2))
        process.kill()
        rest = process.stdout.read()
    whole, _, _cut = (first + rest).rpartition("\n")
    return whole.splitlines()


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The statements that reach the database inside the block, whoever sends them; on SQLite with their values."""
    seen: list[str] = []

    def note(_connection, _cursor, statement: str, *_rest) -> None:
        seen.append(statement)

    def trace(connection, *_rest) -> None:
        connection.set_trace_callback(seen.append)

    def trace_no_more(connection, _record) -> None:
        connection.set_trace_callback(None)

    listeners: list[tuple[str, Callable[..., None]]] = [("before_cursor_execute", note)]
    if engine.dialect.name == "sqlite":
        listeners = [("checkout", trace), ("checkin", trace_no_more)]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    yield seen
    for name, listener in listeners:
        event.remove(engine, name, listener)


def test_reading_an_image_is_one_statement_by_primary_keys(repository: SqlImageRepository, engine: Engine) -> None:
    """The hot path: no scan, no sort, whatever the number of images."""
    image = an_image()
    repository.add(image)
    with statements(engine) as seen:
        assert repository.get(image.image_id) == image
    assert len(seen) == 1
    assert seen[0].startswith("SELECT")
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[0]}").all()
        assert len(plan) == 2
        assert all(("SEARCH" in row[3] and "PRIMARY KEY" in row[3]) or "autoindex_images_1" in row[3] for row in plan)
