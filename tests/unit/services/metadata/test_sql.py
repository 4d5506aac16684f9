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
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, event, select, text

from services.errors import VersionConflict
from services.metadata.engine import transaction
from services.metadata.sql import SqlImageRepository
from services.metadata.sql_rows import IMAGE_COLUMNS, IS_CURRENT, image_of
from services.metadata.sql_terms import Filing
from services.metadata.sql_totals import read_totals
from services.metadata.tables import image_terms, image_versions, images
from services.models import ImageQuery
from tests.contract.image_repository import databases
from tests.contract.image_repository.samples import CREATED, a_marker, a_version, an_image, with_current

ROOT = Path(__file__).resolve().parents[4]


def assert_whole(engine: Engine) -> None:
    """Every image has its current version, every version its image, and the sequences have no gaps; every image is
    found by what it says, and the totals count it.
    """
    columns = image_versions.c
    if engine.dialect.name == "postgresql":
        # The server may still be committing what a killed client had sent.
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        current = connection.execute(select(images.c.image_id, images.c.sequence, images.c.version_id)).all()
        written = connection.execute(select(columns.image_id, columns.sequence, columns.version_id)).all()
        stored = [image_of(row) for row in connection.execute(select(*IMAGE_COLUMNS).where(IS_CURRENT))]
        filed = {tuple(row) for row in connection.execute(select(image_terms))}
        totals = read_totals(connection, days=1, today=date(2026, 1, 1))
    by_image: dict[str, list[int]] = defaultdict(list)
    for image_id, sequence, _ in written:
        by_image[image_id].append(sequence)
    assert by_image.keys() == {row.image_id for row in current}
    assert {tuple(row) for row in current} <= {tuple(row) for row in written}
    for image_id, newest, _ in current:
        assert sorted(by_image[image_id]) == list(range(1, newest + 1))
    assert filed == {(term, each.created_at, each.image_id) for each in stored for term in Filing.of(each).terms()}
    visible = [each.current.size for each in stored if not each.deleted]
    assert (totals.images, totals.size, totals.deleted) == (len(visible), sum(visible), len(stored) - len(visible))


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
    for _ in range(5):
        for line in written_until_killed(empty_url):
            image_id, version_id = line.split()
            assert repository.version(image_id, version_id) is not None
            image = repository.get(image_id)
            assert image is not None
            assert image.current.version_id >= version_id
            answered += 1
        assert_whole(engine)
    assert answered >= 5 * 5
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def written_until_killed(url: str) -> list[str]:
    """The answered writes of a process that was killed at a random moment."""
    command = [sys.executable, "-m", "tests.unit.services.metadata.writing", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # So many answers, not so much time: how many a busy machine gives in a while is anybody's guess.
        first = [process.stdout.readline() for _ in range(random.randint(5, 40))]
        assert all(first), "the writing process ended by itself"
        time.sleep(random.uniform(0, 0.02))
        process.kill()
        rest = process.stdout.read()
    whole, _, _cut = ("".join(first) + rest).rpartition("\n")
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


def changes(seen: list[str]) -> list[str]:
    """The verbs of the statements that write, each once: SQLite's trace repeats one for each trigger that it fires."""
    return [each.split()[0] for each in dict.fromkeys(seen) if each.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_an_image_without_tags_and_title_costs_two_statements(repository: SqlImageRepository, engine: Engine) -> None:
    repository.add(an_image())  # a new PostgreSQL connection says more
    with statements(engine) as seen:
        repository.add(an_image(tags=(), title=""))
    assert changes(seen) == ["INSERT", "INSERT"]


def test_new_bytes_leave_what_finds_an_image_alone(repository: SqlImageRepository, engine: Engine) -> None:
    image = an_image()
    repository.add(image)
    with statements(engine) as seen:
        repository.replace(with_current(image, "v2"), expected_revision=1)
    assert changes(seen) == ["UPDATE", "INSERT"]
    with statements(engine) as seen:
        repository.describe(replace(image, description="other"), expected_revision=2)
    assert changes(seen) == ["UPDATE"]


def test_only_terms_that_differ_are_written(repository: SqlImageRepository, engine: Engine) -> None:
    image = an_image(tags=("a", "b"), title="one two")
    repository.add(image)
    with statements(engine) as seen:
        repository.describe(replace(image, tags=("a", "b", "c")), expected_revision=1)
    added = len(changes(seen)) - 1
    assert added == (1 if engine.dialect.name == "postgresql" else 6), "c, a+c and b+c; the owner's and everybody's"
    assert_whole(engine)


def test_what_finds_and_counts_images_is_whole_after_every_change(
    repository: SqlImageRepository, engine: Engine
) -> None:
    image = an_image(tags=("a", "b", "a"), title="One two ONE")
    other = an_image(a_version(size=7))
    for changed in (
        lambda: repository.add(image),
        lambda: repository.add(other),
        lambda: repository.describe(replace(image, tags=("b", "c"), title=""), expected_revision=1),
        lambda: repository.replace(replace(image, current=a_marker()), expected_revision=2),
        lambda: repository.replace(with_current(image, "v3", owner="grace"), expected_revision=3),
        lambda: repository.replace(
            with_current(image, "v4", created_at=image.created_at - timedelta(days=3)), expected_revision=4
        ),
    ):
        changed()
        assert_whole(engine)


def test_rows_that_an_operator_removes_are_not_counted(repository: SqlImageRepository, engine: Engine) -> None:
    repository.add(an_image())
    kept = an_image(a_version(size=5))
    repository.add(kept)
    with engine.connect() as connection, transaction(connection):
        connection.execute(delete(image_versions).where(image_versions.c.image_id != kept.image_id))
        connection.execute(delete(images).where(images.c.image_id != kept.image_id))
    found = repository.totals(days=1)
    assert (found.images, found.size) == (1, 5)


@pytest.mark.parametrize("empty_url", databases.ALL[1:], indirect=True)
def test_ids_and_owners_sort_by_code_point_in_any_postgres_database(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            " AND collation_name = 'C' AND column_name IN ('image_id', 'owner')"
        )
        assert len(rows.all()) == 6


def test_a_long_list_is_walked_in_pieces(repository: SqlImageRepository, engine: Engine) -> None:
    """Two lists of hundreds that meet once, at their ends: a few statements, each over a bounded piece."""
    stored = [
        an_image(
            tags=("left" if number % 2 else "right",) if number else ("left", "right"),
            title="photo" if number % 2 == 0 else "",
            created_at=CREATED + timedelta(seconds=number),
        )
        for number in range(240)
    ]
    for image in stored:
        repository.add(image)
    with statements(engine) as seen:
        page = repository.search(ImageQuery(tags=("left",), words=("photo",)), limit=10)
    assert page.images == (stored[0],)
    assert page.after is None
    assert 6 <= len([each for each in seen if each.startswith("SELECT")]) <= 12
