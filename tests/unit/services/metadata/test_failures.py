"""Faults of a real database end as domain errors, in bounded time, and the next call works again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, exc, make_url

from services.errors import BackendMisconfigured, BackendUnavailable, InvalidInput, ServiceError, StorageFull
from services.metadata.engine import make_engine
from services.metadata.failures import domain_error, translated
from services.metadata.migrate import upgrade
from services.metadata.sql import SqlImageRepository
from tests.contract.image_repository import databases
from tests.contract.image_repository.samples import a_version, an_image, with_current


@contextmanager
def locked(url: str) -> Iterator[None]:
    with closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_database_is_unavailable_in_bounded_time_and_can_be_read(sqlite_url: str) -> None:
    engine = make_engine(f"{sqlite_url}?timeout=0.2")
    repository = SqlImageRepository(engine)
    image = an_image()
    repository.add(image)
    with locked(sqlite_url):
        began = time.monotonic()
        with pytest.raises(BackendUnavailable) as caught:
            repository.add(an_image())
        with pytest.raises(BackendUnavailable):
            repository.replace(with_current(image, "v2"), expected_revision=1)
        assert 0.3 < time.monotonic() - began < 3
        assert caught.value.detail == "OperationalError SQLITE_BUSY: database is locked"
        assert repository.get(image.image_id) == image
        repository.check()
    repository.replace(with_current(image, "v2"), expected_revision=1)
    engine.dispose()


def test_many_writers_of_a_locked_database_all_get_an_answer(sqlite_url: str) -> None:
    engine = make_engine(f"{sqlite_url}?timeout=0.05")
    repository = SqlImageRepository(engine)

    def write(_number: int) -> type[BaseException] | None:
        try:
            repository.add(an_image())
        except BackendUnavailable as error:
            return type(error)
        return None

    began = time.monotonic()
    with locked(sqlite_url), ThreadPoolExecutor(30) as pool:
        assert set(pool.map(write, range(30))) == {BackendUnavailable}
    assert time.monotonic() - began < 6
    repository.add(an_image())
    engine.dispose()


def test_a_read_only_database(sqlite_url: str) -> None:
    path = make_url(sqlite_url).database
    engine = make_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    repository = SqlImageRepository(engine)
    repository.check()
    with pytest.raises(BackendMisconfigured) as caught:
        repository.add(an_image())
    assert "readonly" in caught.value.detail
    engine.dispose()


def test_a_file_that_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "images.db").write_bytes(b"\x89PNG" * 1000)
    engine = make_engine(f"sqlite:///{tmp_path / 'images.db'}")
    with pytest.raises(BackendMisconfigured) as caught:
        SqlImageRepository(engine).check()
    assert "SQLITE_NOTADB" in caught.value.detail
    engine.dispose()


def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}")
    with pytest.raises(BackendMisconfigured) as caught:
        SqlImageRepository(engine).get("x")
    assert "SQLITE_CANTOPEN" in caught.value.detail


def test_a_full_disk_changes_nothing_and_reads_go_on(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url, pool_size=1)
    repository = SqlImageRepository(engine)
    image = an_image()
    repository.add(image)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # SQLite's own limit answers as a disk does
    large = an_image(description="x" * 100_000)
    with pytest.raises(StorageFull) as caught:
        repository.add(large)
    assert "full" in caught.value.detail
    with pytest.raises(StorageFull):
        repository.replace(with_current(image, "v2", description="x" * 100_000), expected_revision=1)
    assert repository.get(large.image_id) is None
    assert repository.versions(large.image_id) == []
    assert repository.get(image.image_id) == image
    engine.dispose()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", tmp_path], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount a file system")
    try:
        with databases.empty("sqlite", tmp_path) as url:
            fill_the_disk(url)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def fill_the_disk(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine, lock_path=None)
    repository = SqlImageRepository(engine)
    stored = []
    with pytest.raises(StorageFull):
        for _ in range(200):
            image = an_image(description="x" * 5000)
            repository.add(image)
            stored.append(image)
    assert stored
    assert [repository.get(image.image_id) for image in stored] == stored
    engine.dispose()


def test_a_database_without_tables(empty_engine: Engine) -> None:
    with pytest.raises(BackendMisconfigured) as caught:
        SqlImageRepository(empty_engine).check()
    assert "images" in caught.value.detail


@pytest.mark.slow
def test_an_exhausted_pool_is_unavailable(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url, pool_size=1)
    with engine.connect(), pytest.raises(BackendUnavailable) as caught:
        SqlImageRepository(engine).check()
    assert "QueuePool" in caught.value.detail
    engine.dispose()


def test_what_is_logged_has_no_values(repository: SqlImageRepository) -> None:
    image = an_image(title="private title")
    repository.add(image)
    with pytest.raises(ServiceError) as caught:
        repository.add(image)
    assert caught.value.detail
    for said in (caught.value.detail, str(caught.value), str(caught.value.__cause__)):
        assert "private title" not in said
    assert image.image_id not in caught.value.detail


def test_values_that_no_column_takes_are_the_callers_fault(repository: SqlImageRepository) -> None:
    image = an_image()
    for wrong in (replace(image, title="\ud800"), replace(image, tags=("\ud800",)), with_current(image, "\ud800")):
        with pytest.raises(InvalidInput):
            repository.add(wrong)
    with pytest.raises(InvalidInput):
        repository.add(an_image(a_version(size=2**70)))
    assert repository.get(image.image_id) is None


@pytest.mark.parametrize(
    ("sqlstate", "meaning"),
    [
        ("53100", StorageFull),
        ("53300", BackendUnavailable),
        ("28P01", BackendMisconfigured),
        ("42501", BackendMisconfigured),
        ("25006", BackendMisconfigured),
        ("40001", BackendUnavailable),
        ("40P01", BackendUnavailable),
        ("57P03", BackendUnavailable),
        ("58030", BackendUnavailable),
    ],
)
def test_codes_of_postgresql(sqlstate: str, meaning: type[ServiceError]) -> None:
    origin = psycopg.errors.lookup(sqlstate)("words")
    error = exc.OperationalError("SELECT secret", {"p": "private"}, origin)
    found = domain_error(error)
    assert type(found) is meaning
    assert found.detail.endswith(f"{sqlstate}: words")


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (sqlite3.SQLITE_FULL, StorageFull),
        (sqlite3.SQLITE_IOERR_WRITE, StorageFull),
        (sqlite3.SQLITE_IOERR_SHMSIZE, StorageFull),
        (sqlite3.SQLITE_IOERR_READ, BackendUnavailable),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, BackendUnavailable),
        (sqlite3.SQLITE_READONLY_DIRECTORY, BackendMisconfigured),
        (sqlite3.SQLITE_CORRUPT, BackendMisconfigured),
    ],
)
def test_codes_of_sqlite(code: int, meaning: type[ServiceError]) -> None:
    origin = sqlite3.OperationalError("words")
    origin.sqlite_errorcode = code
    found = domain_error(exc.OperationalError("SELECT secret", {"p": "private"}, origin))
    assert type(found) is meaning
    assert "secret" not in found.detail


def test_the_cores_own_errors_pass_through() -> None:
    own = StorageFull()
    with pytest.raises(StorageFull) as caught, translated():
        raise own
    assert caught.value is own
