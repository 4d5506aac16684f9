"""Faults of a real PostgreSQL end as domain errors, in bounded time, and the next call works again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url

from services.errors import BackendMisconfigured, BackendUnavailable, InvalidInput
from services.metadata.engine import make_engine
from services.metadata.sql import SqlImageRepository
from tests.contract.image_repository import databases
from tests.contract.image_repository.samples import an_image, with_current


def test_a_server_that_is_not_there() -> None:
    repository = SqlImageRepository(make_engine("postgresql://app:hunter2@127.0.0.1:1/images"))
    began = time.monotonic()
    with pytest.raises(BackendUnavailable) as caught:
        repository.check()
    assert time.monotonic() - began < 4
    assert "hunter2" not in caught.value.detail


@pytest.mark.postgres
@pytest.mark.parametrize(("password", "database"), [("hunter2", None), (None, "no_such_database")])
def test_a_login_that_is_refused(postgres_url: str, password: str | None, database: str | None) -> None:
    wrong = make_url(postgres_url).set(password=password, database=database)  # None leaves it as it is
    with pytest.raises(BackendMisconfigured) as caught:
        SqlImageRepository(make_engine(wrong.render_as_string(hide_password=False))).check()
    assert "hunter2" not in caught.value.detail
    assert "FATAL" in caught.value.detail


@pytest.mark.postgres
def test_terminated_connections_are_replaced_on_the_next_call(postgres_url: str) -> None:
    engine = make_engine(f"{postgres_url}&application_name=victim", pool_size=3)
    repository = SqlImageRepository(engine)
    image = an_image()
    repository.add(image)
    for version in range(2, 5):
        terminate("victim")
        assert repository.get(image.image_id) is not None
        terminate("victim")
        repository.replace(with_current(image, f"v{version}"), expected_revision=version - 1)
    assert len(repository.versions(image.image_id)) == 4
    engine.dispose()


@pytest.mark.postgres
def test_a_connection_that_dies_inside_a_step_is_unavailable_once(postgres_url: str) -> None:
    engine = make_engine(f"{postgres_url}&application_name=victim2")
    repository = SqlImageRepository(engine)
    image = an_image()
    repository.add(image)
    with row_lock(postgres_url, image.image_id), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(repository.replace, with_current(image, "v2"), expected_revision=1)
        time.sleep(0.5)
        terminate("victim2")
        with pytest.raises(BackendUnavailable) as caught:
            waiting.result(timeout=10)
        assert "57P01" in caught.value.detail
    assert repository.get(image.image_id) == image
    repository.replace(with_current(image, "v2"), expected_revision=1)
    engine.dispose()


@pytest.mark.postgres
def test_a_statement_that_waits_too_long_is_unavailable(postgres_url: str) -> None:
    engine = make_engine(postgres_url.replace("options=", "options=-c+statement_timeout%3D300+"))
    repository = SqlImageRepository(engine)
    image = an_image()
    repository.add(image)
    with row_lock(postgres_url, image.image_id):
        began = time.monotonic()
        with pytest.raises(BackendUnavailable) as caught:
            repository.replace(with_current(image, "v2"), expected_revision=1)
        assert time.monotonic() - began < 2
    assert "57014" in caught.value.detail
    repository.replace(with_current(image, "v2"), expected_revision=1)
    engine.dispose()


def terminate(application: str) -> None:
    databases.run_on_postgres(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{application}'"
    )


@contextmanager
def row_lock(url: str, image_id: str) -> Iterator[None]:
    engine = make_engine(url)
    with engine.connect() as other:
        other.exec_driver_sql("SELECT 1 FROM images WHERE image_id = %s FOR UPDATE", (image_id,))
        yield
    engine.dispose()


@pytest.mark.postgres
def test_an_owner_too_long_for_an_index_is_invalid(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(3_000))  # not to be compressed
    with pytest.raises(InvalidInput):
        SqlImageRepository(engine).add(an_image(owner=long))
    engine.dispose()
